"""Alerts under kill -9: what began or ended and was never told, what was told twice.

    python -m tests.bench.alertkills [KILLS]

A process passes over a page whose services fail and recover at random, routes and delivers; it is
killed at a random moment, and the next one goes on, until so many died at work. Then all fails and
all recovers once more. What the ledger says began and ended is held against what arrived.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from opskit.alerts.store.tables import FIRINGS, NOTICES
from opskit.core.clock import MINUTE, SECOND, FrozenClock, Instant
from opskit.outside.database import Database, sqlite_url
from opskit.records.owed import OUTBOX
from tests.alerts.watch import ROUTES, RULES, Shop
from tests.bench.kills import postgres
from tests.records import killing

_BEGIN = Instant(1_790_856_000_000_000)
_SERVICES = tuple(f"service-{number}" for number in range(8))
_LONGEST = 0.4
_ROUND = 10 * MINUTE


def _shop(url: str, root: Path, path: Path, at: int) -> Shop:
    rules = RULES.replace("for: 1m", "for: 0s")
    routes = ROUTES.replace("group_by: [alertname]", "group_by: [alertname, service]")
    routes = routes.replace("group_interval: 1m", "group_interval: 30s")
    routes += "flapping: {start: 100, stop: 99}\n"
    shop = Shop(root, Database.open(url), FrozenClock(Instant(at)), rules, routes)
    shop.channels = {"pager": killing.Wire(path, killing.nothing)}  # type: ignore[dict-item]
    return shop


def _works(url: str, root: Path, path: Path, number: int, ready: int) -> None:
    """Pass and deliver for a round, in which services fail and recover."""
    shop = _shop(url, root, path, _BEGIN + number * _ROUND)
    os.write(ready, b".")
    chance = random.Random(number)
    for _ in range(_ROUND // (30 * SECOND) - 1):
        shop.down = {name: float(chance.random() < 0.5) for name in _SERVICES}
        shop.look()
        shop.clock.advance(30 * SECOND)


def _ends(url: str, root: Path, path: Path, number: int) -> None:
    """Let all fail and recover, with enough time to tell of it."""
    shop = _shop(url, root, path, _BEGIN + number * _ROUND)
    for value in (1.0, 0.0):
        shop.down = dict.fromkeys(_SERVICES, value)
        shop.passes("10m")
    shop.database.close()


def measured(url: str, root: Path, kills: int, seed: int) -> str:
    """Return the row of a kind of database."""
    path, seconds = root / "arrived", random.Random(seed)
    died = number = 0
    while died < kills:
        number += 1
        child = _started(url, root, path, number)
        time.sleep(seconds.uniform(0, _LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        died += os.WIFSIGNALED(status)
    _ends(url, root, path, number + 1)
    return _row(url, path, died)


def _started(url: str, root: Path, path: Path, number: int) -> int:
    """Return the id of a process that is about to pass."""
    read, write = os.pipe()
    child = killing.forked(lambda: _works(url, root, path, number, write))
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return child


def _row(url: str, path: Path, died: int) -> str:
    database = Database.open(url)
    with database.read() as connection:
        begun = [row.fingerprint for row in connection.execute(sa.select(FIRINGS.c.fingerprint))]
        told = connection.execute(sa.select(NOTICES.c.firing, NOTICES.c.resolved)).all()
        owed = {row.key for row in connection.execute(sa.select(OUTBOX.c.key))}
    database.close()
    firing = Counter(one for row in told for one in json.loads(row.firing))
    resolved = Counter(one for row in told for one in json.loads(row.resolved))
    lost = sum((Counter(begun) - firing).values()) + sum((Counter(begun) - resolved).values())
    arrived = killing.arrived(path)
    keys = [one.key for one in arrived]
    seen: set[str] = set()
    unmarked = 0
    for one in arrived:
        unmarked += one.key in seen and not one.may_repeat
        seen.add(one.key)
    undelivered = len(owed - seen)
    return (
        f"{died:>7}{len(begun):>9}{lost:>7}{len(owed):>10}{undelivered:>13}"
        f"{len(keys) - len(seen):>9}{unmarked:>10}"
    )


def main() -> None:
    """Print the table."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    print("database      kills  firings  lost  messages  undelivered  repeats  unmarked")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for kind in ("sqlite", "postgresql"):
            (root / kind).mkdir()
        file = sqlite_url(root / "opskit.db")
        print("SQLite     ", measured(file, root / "sqlite", kills, 1), flush=True)
        with postgres(root) as url:
            print("PostgreSQL ", measured(url, root / "postgresql", kills, 2), flush=True)


if __name__ == "__main__":
    main()
