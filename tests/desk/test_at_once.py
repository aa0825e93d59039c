"""Two at one desk at the same time: one of them is first, and nothing is written twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from opskit.core.clock import HOUR, Duration, FrozenClock, Instant
from opskit.core.errors import OpskitError, Refused
from opskit.core.interval import Interval
from opskit.desk.focus.keeping import FocusKeeping
from opskit.desk.incidents.keeping import Incidents
from opskit.desk.incidents.model import Kind, Opening, Severity
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, verify
from tests.desk.test_arising import Alarms, Room

START = Instant(1_790_000_000_000_000)
OPENING = Opening("Down", Severity.MAJOR, START, START, "person", "shop", "web")
Both = tuple[Database, Database]


def at_once(*works: Callable[[], object]) -> list[object]:
    """Return what each gave, or the error that it ended with; all begin together."""
    together = Barrier(len(works))

    def tried(work: Callable[[], object]) -> object:
        together.wait()
        try:
            return work()
        except OpskitError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(tried, works))


def test_of_two_who_take_an_incident_one_has_it(both: Both) -> None:
    clock = FrozenClock(START)
    ada, ben = (
        Incidents(database, Ledger(clock, f"person:{name}"), clock, name)
        for database, name in zip(both, ("ada", "ben"), strict=True)
    )
    for _ in range(5):
        name = ada.open(OPENING).name
        found = at_once(partial(ada.acknowledge, name), partial(ben.acknowledge, name))
        (refused,) = [one for one in found if isinstance(one, OpskitError)]
        assert isinstance(refused, Refused)
        taken = [one for one in ada.one(name).events if one.kind is Kind.ACKNOWLEDGED]
        assert [one.by for one in taken] == [ada.one(name).owner]
    assert verify(both[0]).broken_at is None


def test_two_who_look_at_alerts_open_one_incident(both: Both) -> None:
    clock, alarms = FrozenClock(START), Alarms()
    rooms = [Room(database, clock, alarms) for database in both]
    for number in range(5):
        rooms[0].fires(f"a{number}", service=f"shop{number}")
        opened = at_once(*(room.look for room in rooms))
        assert sorted(map(str, opened)) == ["0", "1"]
    assert len(rooms[0].open) == 5


def test_a_team_that_two_put_into_focus_is_in_it_once(both: Both) -> None:
    clock = FrozenClock(START)
    one, other = (FocusKeeping(each, Ledger(clock, "opskit"), clock, ()) for each in both)
    found = at_once(
        lambda: one.begin("web", Duration(HOUR), ("page",)),
        lambda: other.begin("web", Duration(HOUR), ("page",)),
    )
    assert len([each for each in found if isinstance(each, Refused)]) == 1
    assert [each.interval for each in one.current()] == [Interval(START, Instant(START + HOUR))]
