"""What the records show: whether the ledger's end holds, and what is owed."""

from __future__ import annotations

import pytest

from opskit.core.clock import HOUR, SECOND, FrozenClock
from opskit.core.errors import OpskitError
from opskit.outside.database import Database
from opskit.records import metrics
from opskit.records.ledger import Ledger
from opskit.records.messages import Message
from opskit.records.outbox import Outbox


def shown(database: Database) -> dict[str, float]:
    return {f.name: s.value for f in metrics.ledger(database) for s in f.samples}


def write(database: Database, clock: FrozenClock, count: int) -> None:
    ledger = Ledger(clock, "test")
    with database.write() as connection:
        for number in range(count):
            ledger.append(connection, "run.finished", f"r{number}", {"n": number})


def test_an_empty_ledger_holds_and_has_no_last_entry(database: Database) -> None:
    found = shown(database)
    assert found["opskit_ledger_entries_total"] == 0
    assert found["opskit_ledger_tail_ok"] == 1
    assert "opskit_ledger_last_entry_timestamp_seconds" not in found


@pytest.mark.parametrize("count", [1, 500, 501, 600])
def test_a_ledger_as_it_was_written_holds(
    database: Database, clock: FrozenClock, count: int
) -> None:
    write(database, clock, count)
    found = shown(database)
    assert found["opskit_ledger_entries_total"] == count
    assert found["opskit_ledger_tail_ok"] == 1
    assert found["opskit_ledger_last_entry_timestamp_seconds"] == clock.now() / SECOND


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET data = '{}' WHERE seq = 9",
        "DELETE FROM ledger WHERE seq = 10",
        "DELETE FROM ledger WHERE seq = 5",
        "UPDATE ledger_head SET seq = 9",
        "UPDATE ledger_head SET hash = 'x'",
    ],
)
def test_a_ledger_that_was_changed_does_not_hold(
    database: Database, clock: FrozenClock, change: str
) -> None:
    write(database, clock, 10)
    with database.write() as connection:
        connection.exec_driver_sql(change)
    assert shown(database)["opskit_ledger_tail_ok"] == 0


def test_a_ledger_without_a_head_cannot_be_read(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_head")
    with pytest.raises(OpskitError, match="heads"):
        shown(database)


class Deaf:
    """A receiver that takes the first message and will never take the second."""

    def __init__(self) -> None:
        self.taken = 0

    def send(self, message: Message) -> None:
        self.taken += 1
        if self.taken > 1:
            raise OpskitError("gone", retryable=False)


def test_what_is_owed_sent_and_given_up_is_told_apart(
    database: Database, clock: FrozenClock
) -> None:
    outbox = Outbox(database, clock)
    for key in ("a", "b", "c"):
        with database.write() as connection:
            outbox.owe(connection, key, "webhook", {})
    outbox.deliver({"webhook": Deaf()}, limit=2)
    clock.advance(HOUR)
    found = {f.name: s.value for f in metrics.outbox(database, clock.now()) for s in f.samples}
    assert found == {
        "opskit_outbox_owed": 1,
        "opskit_outbox_oldest_owed_age_seconds": 3600,
        "opskit_outbox_sent_total": 1,
        "opskit_outbox_failed_total": 1,
        "opskit_channel_failures": 0,
    }


class Busy:
    """A receiver that never has time."""

    def send(self, message: Message) -> None:
        raise OpskitError("later", retryable=True)


def test_how_often_a_channel_failed_is_shown(database: Database, clock: FrozenClock) -> None:
    outbox = Outbox(database, clock)
    with database.write() as connection:
        for key in ("a", "b", "c"):
            outbox.owe(connection, key, "mail", {})
    outbox.deliver({"mail": Busy()})
    (family,) = (
        one
        for one in metrics.outbox(database, clock.now())
        if one.name == "opskit_channel_failures"
    )
    assert family.name == "opskit_channel_failures"
    assert [(one.value, one.labels) for one in family.samples] == [(3.0, (("channel", "mail"),))]


def test_where_nothing_is_owed_nothing_has_an_age(database: Database, clock: FrozenClock) -> None:
    found = {f.name for f in metrics.outbox(database, clock.now()) if f.samples}
    assert "opskit_outbox_oldest_owed_age_seconds" not in found
    assert "opskit_outbox_owed" in found
