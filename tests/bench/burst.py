"""Five thousand alerts at once: the CPU time of the passes that tell of them, and of quiet ones.

    python -m tests.bench.burst [ALERTS]

Once with a group for each alert, once with one for all. Delivery is not part of it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from opskit.core.clock import SECOND, FrozenClock, Instant
from opskit.outside.database import Database, sqlite_url
from tests.alerts.watch import ROUTES, RULES, Shop

NOON = Instant(1_790_856_000_000_000)
EACH = ROUTES.replace("[alertname]", "[alertname, service]")


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of some work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measured(root: Path, routes: str, alerts: int) -> tuple[float, float, float]:
    """Return the CPU time of the pass in which all begin, of a quiet one, and of the last."""
    database = Database.open(sqlite_url(root / "opskit.db"))
    clock = FrozenClock(NOON)
    shop = Shop(root / "ops", database, clock, RULES.replace("for: 1m", "for: 0s"), routes)
    found = []
    for value in (1.0, 1.0, 0.0):
        shop.down = {f"s{number}": value for number in range(alerts)}
        page = shop.page
        clock.advance(90 * SECOND)
        found.append(seconds(lambda page=page: shop.watcher.look(shop.engine, page)))  # type: ignore[misc]
    database.close()
    begun, quiet, over = found
    return begun, quiet, over


def main() -> None:
    """Print the table."""
    alerts = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    print("groups        all begin   quiet   all end   (CPU seconds)")
    for name, routes in (("one for all", ROUTES), ("one each", EACH)):
        with tempfile.TemporaryDirectory() as root:
            begun, quiet, over = measured(Path(root), routes, alerts)
        print(f"{name:<12}{begun:>11.2f}{quiet:>8.2f}{over:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
