"""The same events tell the same story, whatever their order and however often they come."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, strategies as st

from opskit.core.clock import MINUTE, Instant
from opskit.desk.incidents.model import BY, Event, Kind, Opening, Severity, Status
from opskit.desk.incidents.timeline import as_data, opened_key, told

START = Instant(1_790_000_000_000_000)
OPENING = Opening("Down", Severity.MAJOR, START, START, "alert")
OPENED = Event(opened_key(1), 1, START, Kind.OPENED, BY, as_data(OPENING))
DATA: Mapping[Kind, Mapping[str, str]] = {
    Kind.FIRED: {"alarm": "a"},
    Kind.ENDED: {"alarm": "a"},
    Kind.ASSIGNED: {"owner": "ben"},
    Kind.RATED: {"severity": "critical"},
    Kind.LINKED: {"what": "run", "name": "7"},
    Kind.RESOLVED: {"text": "an index"},
}
SAID = (
    Kind.FIRED, Kind.ENDED, Kind.ACKNOWLEDGED, Kind.ASSIGNED, Kind.RATED, Kind.NOTED,
    Kind.LINKED, Kind.MITIGATED, Kind.RESOLVED, Kind.REOPENED,
)  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Return some events, at minutes that may be the same, of an incident and of one merged in."""
    some = draw(
        st.lists(
            st.tuples(
                st.sampled_from(SAID), st.integers(0, 6), st.sampled_from((BY, "ada")),
                st.sampled_from((1, 2)),
            ),
            max_size=12,
        )
    )  # fmt: skip
    return [
        Event(f"{number}", incident, Instant(START + at * MINUTE), kind, by, DATA.get(kind, {}))
        for number, (kind, at, by, incident) in enumerate(some)
    ]


@given(events(), st.data())
def test_order_and_repeats_make_no_difference(found: list[Event], data: st.DataObject) -> None:
    whole = [OPENED, *found]
    mixed = data.draw(st.permutations(whole + data.draw(st.lists(st.sampled_from(whole)))))
    assert told(1, mixed) == told(1, whole)


@given(events())
def test_times_and_status_say_the_same(found: list[Event]) -> None:
    one = told(1, [OPENED, *found])
    assert (one.status is Status.RESOLVED) == (one.resolved_at is not None)
    assert (one.status is Status.MITIGATED) <= (one.mitigated_at is not None)
    assert (one.status is Status.OPEN) <= (one.acknowledged_at is None)
    assert one.opening.started_at <= START
    for at in (one.acknowledged_at, one.mitigated_at, one.resolved_at):
        assert at is None or at >= one.opening.started_at
    own = [each for each in found if each.incident == 1]
    assert one.reopened <= sum(each.kind is Kind.REOPENED for each in own)
    if not own:
        assert one.status is Status.OPEN


@given(events())
def test_what_follows_from_alerts_waits_for_all_of_them(found: list[Event]) -> None:
    only = [each for each in found if not (each.kind is Kind.MITIGATED and each.by != BY)]
    one = told(1, [OPENED, *only])
    if one.status is Status.MITIGATED:
        assert all(each.ended is not None for each in one.alarms)
