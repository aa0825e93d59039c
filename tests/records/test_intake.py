"""An event that comes in is taken once, on each kind of database."""

from __future__ import annotations

from opskit.core.clock import FrozenClock
from opskit.outside.database import Database
from opskit.records.intake import take


def test_an_event_is_new_once(database: Database, clock: FrozenClock) -> None:
    with database.write() as connection:
        assert take(connection, "beats", "1", clock.now())
        assert not take(connection, "beats", "1", clock.now())
