"""What people do while a pass runs, on PostgreSQL: nobody waits for ever, nothing is undone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opskit.alerts.routing.matchers import parsed
from opskit.alerts.store import said
from opskit.core.clock import HOUR, Duration, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.outside.database import Database
from tests.alerts.watch import Shop
from tests.monitor.live import soon
from tests.outside import databases
from tests.rig.postgres import Postgres

WAITING = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def shop(tmp_path: Path, postgres: Postgres, clock: FrozenClock) -> Iterator[Shop]:
    name = databases.create(postgres)
    database = Database.open(databases.url(postgres, name))
    yield Shop(tmp_path / "ops", database, clock)
    database.close()
    databases.drop(postgres, name)


def is_waiting(database: Database) -> bool:
    """Return whether somebody waits for a lock."""
    with database.read() as connection:
        return connection.exec_driver_sql(WAITING).first() is not None


def test_a_silence_may_end_while_a_pass_reminds_of_it(shop: Shop) -> None:
    now = shop.clock.now()
    while_ = Interval(now, Instant(now + HOUR))
    name = shop.silences().add(parsed("service=web"), while_, "new disk").id
    with ThreadPoolExecutor(1) as pool:
        with shop.database.write() as connection:
            shop.ledger.append(connection, "alert.notified", "notice/x", {})
            done = pool.submit(shop.silences().keeper.expire, name)
            soon(lambda: is_waiting(shop.database), "it waits")
            said.reminded(connection, name, now)
        assert done.result(30)


def test_two_may_take_the_same_alerts_in_hand_at_once(shop: Shop) -> None:
    shop.down |= {"web": 1, "mail": 1}
    shop.passes("2m")
    found = shop.responses().matching(parsed("alertname=Down"), ())
    first = shop.responses().acknowledge(found, Duration(HOUR), "looking")
    assert len(first) == 2
    with ThreadPoolExecutor(1) as pool:
        with shop.database.write() as connection:
            # As the other takes them, in another order.
            shop.ledger.append(connection, "alert.unacknowledged", "alert/x", {})
            done = pool.submit(shop.responses("ben").give_back, found)
            soon(lambda: is_waiting(shop.database), "it waits")
            said.take_back(connection, found[0].fingerprint, shop.clock.now())
        assert [one.fingerprint for one in done.result(30)] == [found[1].fingerprint]
