"""The month in which a service came under watch: before that, what was imported of it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies as st

from opskit.core.clock import HOUR, Duration, Instant
from opskit.core.evidence import ServiceEvidence
from opskit.core.interval import State, Stretch, Timeline
from opskit.history.filling import NOT_IMPORTED, filled

NOT_YET = "not watched yet"


def line(*parts: tuple[int, State, str]) -> Timeline:
    """Return stretches that follow on each other, each with its end in hours."""
    starts = [0, *(end for end, _, _ in parts)]
    return tuple(
        Stretch(Instant(start * HOUR), Instant(end * HOUR), state, reason)
        for start, (end, state, reason) in zip(starts, parts, strict=False)
    )


def service(timeline: Timeline, ref: int) -> ServiceEvidence:
    """Return a service that did so."""
    return ServiceEvidence("shop", "web", "", None, timeline, edge=Duration(1), refs=(ref,))


OWN = line((10, State.EXCLUDED, NOT_YET), (12, State.UNKNOWN, "not seen"), (20, State.UP, ""))


def told(*parts: tuple[int, State, str]) -> list[tuple[int, str, str]]:
    """Return what is told of OWN with an import: ends in hours, states, reasons."""
    (found,) = filled([service(OWN, 1)], [service(line(*parts), 2)], NOT_YET)
    return [(one.end // HOUR, one.state.value, one.reason) for one in found.timeline]


def test_only_the_time_before_the_first_look_is_filled() -> None:
    everything = ((4, State.UP, ""), (5, State.DOWN, ""), (20, State.UP, ""))
    assert told(*everything) == [
        (4, "up", ""), (5, "down", ""), (10, "up", ""), (12, "unknown", "not seen"), (20, "up", ""),
    ]  # fmt: skip


def test_what_the_import_does_not_tell_of_stays_as_it_was() -> None:
    late = ((6, State.UNKNOWN, NOT_IMPORTED), (7, State.UNKNOWN, "no sample"), (20, State.UP, ""))
    assert told(*late) == [
        (6, "excluded", NOT_YET), (7, "unknown", "no sample"), (10, "up", ""),
        (12, "unknown", "not seen"), (20, "up", ""),
    ]  # fmt: skip


def test_a_month_that_was_watched_from_its_start_is_not_touched() -> None:
    own = service(line((20, State.UNKNOWN, "not seen")), 1)
    assert filled([own], [service(line((20, State.UP, "")), 2)], NOT_YET) == (own,)
    assert filled([service(OWN, 1)], [], NOT_YET) == (service(OWN, 1),)


_PARTS = st.lists(
    st.tuples(st.integers(1, 19), st.sampled_from(["", NOT_IMPORTED, "no sample"])),
    max_size=5, unique_by=lambda one: one[0],
)  # fmt: skip


@given(_PARTS)
def test_the_timeline_stays_whole(parts: list[tuple[int, str]]) -> None:
    ordered = [(end, State.UP, reason) for end, reason in sorted(parts)]
    brought = line(*ordered, (20, State.UP, ""))
    (found,) = filled([service(OWN, 1)], [service(brought, 2)], NOT_YET)
    edges = [(one.start, one.end) for one in found.timeline]
    assert (edges[0][0], edges[-1][1]) == (0, 20 * HOUR)
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert all(start < end for start, end in edges)
    assert found.timeline[-2:] == OWN[-2:]
