"""Deliveries under kill -9: what is lost, what arrives twice, what overtakes.

    python -m tests.bench.kills [KILLS]

Two couriers at once deliver from one database; each is killed at a random moment, and the next two
carry on, until so many died at work. Then the rest is delivered. A receiver that honors keys sees
each message once if none is lost; one that does not sees a repeat for a kill between sending and
noting it, and each repeat says that it may be one.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from opskit.core.clock import MINUTE, FrozenClock, Instant
from opskit.core.notice import Notice, as_body
from opskit.outside.database import Database, sqlite_url
from opskit.records.outbox import Outbox
from tests.outside import databases
from tests.records import killing
from tests.rig.postgres import Postgres

_COURIERS, _NEW, _GROUPS, _LONGEST = 2, 3, 4, 0.06


@dataclass
class Told:
    """What came of it."""

    owed: int
    kills: int
    arrived: list[killing.Arrived]

    def line(self, name: str) -> str:
        """Return the row of a kind of database."""
        keys = [one.key for one in self.arrived]
        first = list(dict.fromkeys(keys))
        seen: set[str] = set()
        unmarked = 0
        for one in self.arrived:
            unmarked += one.key in seen and not one.may_repeat
            seen.add(one.key)
        places: dict[int, list[int]] = {}
        for key in first:
            number = int(key.removesuffix("-mail"))
            places.setdefault(number % _GROUPS, []).append(number)
        overtaken = sum(a > b for own in places.values() for a, b in pairwise(own))
        return (
            f"{name:<12}{self.kills:>7}{self.owed:>7}{self.owed - len(first):>6}"
            f"{len(keys) - len(first):>9}{unmarked:>10}{overtaken:>11}"
        )


def _owe(url: str, clock: FrozenClock, first: int) -> None:
    database = Database.open(url)
    outbox = Outbox(database, clock)
    with database.write() as connection:
        for number in range(first, first + _NEW):
            body = as_body(Notice(f"message {number}"))
            outbox.owe(connection, str(number), "mail", body, f"group {number % _GROUPS}")
    database.close()


def _killed(url: str, clock: FrozenClock, path: Path, seconds: random.Random) -> int:
    """Start couriers, kill each at a random moment, and return how many died at work."""
    children = [killing.forked(lambda: killing.deliver(url, clock, path)) for _ in range(_COURIERS)]
    died = 0
    for child in children:
        time.sleep(seconds.uniform(0, _LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        died += os.WIFSIGNALED(status)
    return died


def measured(url: str, kills: int, path: Path, seed: int) -> Told:
    """Return what came of so many kills."""
    clock, seconds = FrozenClock(Instant(1_790_856_000_000_000)), random.Random(seed)
    owed = died = 0
    while died < kills:
        _owe(url, clock, owed)
        owed += _NEW
        died += _killed(url, clock, path, seconds)
        clock.advance(3 * MINUTE)
    for _ in range(owed // 50 + 2):
        killing.deliver(url, clock, path)
        clock.advance(3 * MINUTE)
    return Told(owed, died, killing.arrived(path))


@contextmanager
def postgres(root: Path) -> Iterator[str]:
    root.chmod(0o755)  # the server runs as an account of its own
    directory = root / "server"
    directory.mkdir(mode=0o755)
    with Postgres(directory) as server:
        yield databases.url(server, databases.create(server))


def main() -> None:
    """Print the table."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    print("database      kills   owed  lost  repeats  unmarked  overtaken")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        file = sqlite_url(root / "opskit.db")
        print(measured(file, kills, root / "sqlite", 1).line("SQLite"), flush=True)
        with postgres(root) as url:
            print(measured(url, kills, root / "postgres", 2).line("PostgreSQL"))


if __name__ == "__main__":
    main()
