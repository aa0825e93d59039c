"""What the report is told of incidents."""

from __future__ import annotations

from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant
from opskit.core.evidence import recorded
from opskit.core.interval import Interval
from opskit.desk.evidence import DeskRecords
from opskit.desk.incidents.keeping import Incidents
from opskit.desk.incidents.model import Opening, Severity
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER, Ledger

START = Instant(1_790_000_000_000_000)


def test_incidents_of_a_period_stand_as_they_did_at_its_end(database: Database) -> None:
    clock = FrozenClock(START)
    said = Incidents(database, Ledger(clock, "person:ada"), clock, "ada")
    opening = Opening(
        "Down", Severity.MAJOR, Instant(START - HOUR), START, "person", "shop", "web", visible=True
    )
    records = DeskRecords(database)
    before = Interval(Instant(START - 24 * HOUR), START)
    assert records.evidence(before).desk is None
    name = said.open(opening).name
    clock.advance(30 * MINUTE)
    said.acknowledge(name)
    middle = clock.now()
    clock.advance(30 * MINUTE)
    said.mitigate(name, "more room")
    over = clock.now()
    clock.advance(HOUR)
    said.resolve(name, "logs grew", change="run 12")

    whole = records.evidence(Interval(START, clock.now())).desk
    assert recorded(whole, "incidents")
    assert not recorded(whole, "work")
    (row,) = whole.incidents
    assert (row.started_at, row.detected_at) == (START - HOUR, START)
    assert (row.acknowledged_at, row.resolved_at) == (middle, over)
    assert (row.visible, row.by_ops, row.change) == (True, False, "")
    (later,) = records.evidence(Interval(START, Instant(clock.now() + 1))).desk.incidents  # type: ignore[union-attr]
    assert (later.by_ops, later.change, later.cause) == (True, "run 12", "logs grew")
    (early,) = records.evidence(Interval(START, Instant(middle + 1))).desk.incidents  # type: ignore[union-attr]
    assert (early.acknowledged_at, early.resolved_at) == (middle, None)
    with database.read() as connection:
        known = {row.seq for row in connection.execute(LEDGER.select())}
    assert set(later.refs) <= known
    assert len(later.refs) == 4
