"""Uptime's rules against an oracle that looks at every tick of the clock by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import MINUTE, Instant
from opskit.core.interval import Interval, State, Stretch, availability, totals
from opskit.monitor.model import Observation, Registration, Seen
from opskit.monitor.rules import NO_OBSERVATION, NOT_YET, RETIRED, UNCONFIRMED, History, history
from tests.monitor.world import each, observation, registration, window

LATEST = 60
UP, DOWN, SUSPECT, UNKNOWN = Seen.UP, Seen.DOWN, Seen.SUSPECT, Seen.UNKNOWN


@dataclass(frozen=True)
class Past:
    """What was seen of a target, one tick being the smallest time there is."""

    observations: tuple[Observation, ...]
    registration: Registration

    def history(self, wanted: Interval) -> History:
        """Return what opskit says of a window."""
        return history(each(self.observations), self.registration, wanted)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Draw a past: instants in any rhythm, intervals that change on the way."""
    instants = draw(st.lists(st.integers(0, LATEST), unique=True, max_size=14))
    seen = tuple(
        observation(at, draw(st.sampled_from(Seen)), f"try {at}", interval=draw(st.integers(1, 9)))
        for at in sorted(instants)
    )
    since = draw(st.integers(0, LATEST // 2))
    until = draw(st.none() | st.integers(since, LATEST))
    return Past(seen, registration(since, until, seen))


@st.composite
def windows(draw: st.DrawFn) -> Interval:
    """Draw a window, an empty one included."""
    start = draw(st.integers(0, LATEST))
    return window(start, draw(st.integers(start, LATEST + 10)))


def hold(one: Observation) -> int:
    """Return for how long an observation may speak: 2.5 times the interval then in force."""
    return one.interval * 5 // 2


def state_at(past: Past, tick: int) -> State:
    """Return the state of one tick, by the rules as they are written down."""
    if tick < watched_since(past):
        return State.EXCLUDED
    if past.registration.until is not None and tick >= past.registration.until:
        return State.EXCLUDED
    before = [index for index, one in enumerate(past.observations) if one.at <= tick]
    if not before or tick >= past.observations[before[-1]].at + hold(past.observations[before[-1]]):
        return State.UNKNOWN
    return certain(past.observations[before[-1] :])


def watched_since(past: Past) -> int:
    """Return when watching began: with the first try, if that came soon after registration."""
    since = past.registration.since
    first = past.observations[0] if past.observations else None
    soon = first is not None and since <= first.at <= since + hold(first)
    return first.at if first is not None and soon else since


def certain(observations: tuple[Observation, ...]) -> State:
    """Return what the first of some tries turned out to be."""
    first, later = observations[0], observations[1:]
    if first.seen is not SUSPECT:
        return State(first.seen.value)
    if not later or later[0].at > first.at + hold(first):
        return State.UNKNOWN
    return certain(later)


def ticks(past: Past, wanted: Interval) -> list[State]:
    return [state_at(past, tick) for tick in range(wanted.start, wanted.end)]


@given(pasts(), windows())
def test_the_timeline_is_what_every_tick_says(past: Past, wanted: Interval) -> None:
    timeline = past.history(wanted).timeline
    spread = [part.state for part in timeline for _ in range(part.start, part.end)]
    assert spread == ticks(past, wanted)


@given(pasts(), windows())
def test_the_timeline_covers_the_window_exactly(past: Past, wanted: Interval) -> None:
    timeline = past.history(wanted).timeline
    edges = [wanted.start, *(part.end for part in timeline)]
    assert [part.start for part in timeline] == edges[:-1]
    assert edges[-1] == wanted.end
    assert all(part.length > 0 for part in timeline)


@given(pasts(), windows())
def test_the_times_sum_to_the_window_and_the_bounds_hold(past: Past, wanted: Interval) -> None:
    timeline = past.history(wanted).timeline
    time = totals(timeline)
    assert sum(getattr(time, str(state)) for state in State) == wanted.length
    result = availability(timeline)
    if result.low is not None and result.high is not None:
        assert 0 <= result.low <= result.high <= 1
    if result.value is not None:
        assert result.low is not None
        assert result.high is not None
        assert result.low <= result.value <= result.high


@given(pasts(), windows(), st.integers(0, LATEST + 10))
def test_two_windows_side_by_side_tell_what_both_in_one_tell(
    past: Past, wanted: Interval, middle: int
) -> None:
    cut = Instant(min(max(middle, wanted.start), wanted.end))
    whole = past.history(wanted)
    parts = [
        past.history(part) for part in (Interval(wanted.start, cut), Interval(cut, wanted.end))
    ]
    spread = [
        part.state for one in parts for part in one.timeline for _ in range(part.start, part.end)
    ]
    assert spread == [part.state for part in whole.timeline for _ in range(part.start, part.end)]
    assert tuple(blip for one in parts for blip in one.blips) == whole.blips
    assert sum(one.edge for one in parts) == whole.edge


@given(pasts(), windows())
def test_a_blip_is_a_failure_that_cost_no_time(past: Past, wanted: Interval) -> None:
    blips = {blip.at for blip in past.history(wanted).blips}
    failed_once = {
        one.at
        for index, one in enumerate(past.observations)
        if one.seen is SUSPECT
        and certain(past.observations[index:]) in {State.UP, State.DEGRADED}
        and wanted.start <= one.at < wanted.end
    }
    assert blips == failed_once


def states(
    *seen: Observation, since: int = 0, until: int | None = None, end: int = 600
) -> list[object]:
    """Return (state, from, to) of each stretch of ten minutes."""
    timeline = history(each(seen), registration(since, until, seen), window(0, end)).timeline
    return [(str(part.state), part.start, part.end) for part in timeline]


def at(second: int, seen: Seen, reason: str = "") -> Observation:
    """Return a try at a second; there is one each minute."""
    return observation(second, seen, reason, interval=60)


def test_an_observation_holds_for_two_and_a_half_intervals_and_no_longer() -> None:
    assert states(at(0, UP)) == [("up", 0, 150), ("unknown", 150, 600)]


def test_an_outage_begins_with_its_first_failure() -> None:
    assert states(at(0, UP), at(60, SUSPECT), at(62, DOWN), at(120, UP), end=180) == [
        ("up", 0, 60), ("down", 60, 120), ("up", 120, 180),
    ]  # fmt: skip


def test_a_failure_that_the_next_try_refutes_costs_nothing_and_is_listed() -> None:
    seen = (at(0, UP), at(60, SUSPECT, "timed out"), at(62, UP))
    found = history(each(seen), registration(), window(0, 100))
    assert totals(found.timeline).up == 100
    assert [(blip.at, blip.target, blip.reason) for blip in found.blips] == [
        (60, "shop/tcp", "timed out")
    ]
    assert found.edge == 0


def test_a_failure_that_nobody_tried_again_is_neither_up_nor_down() -> None:
    seen = (at(0, UP), at(60, SUSPECT, "timed out"))
    found = history(each(seen), registration(), window(0, 100))
    last = found.timeline[-1]
    assert (last.state, last.start) == (State.UNKNOWN, 60)
    assert last.reason == f"{UNCONFIRMED}: timed out"
    assert found.blips == ()


def test_a_confirmation_that_came_too_late_confirms_nothing() -> None:
    assert states(at(0, SUSPECT), at(151, DOWN), end=200) == [
        ("unknown", 0, 150),
        ("unknown", 150, 151),
        ("down", 151, 200),
    ]
    assert states(at(0, SUSPECT), at(150, DOWN), end=200) == [("down", 0, 200)]


def test_time_before_registration_and_after_retirement_is_nobodys() -> None:
    seen = (at(100, UP), at(160, UP))
    timeline = history(each(seen), registration(100, 200, seen), window(0, 300)).timeline
    assert [(part.state, part.start, part.end, part.reason) for part in timeline] == [
        (State.EXCLUDED, 0, 100, NOT_YET),
        (State.UP, 100, 200, ""),
        (State.EXCLUDED, 200, 300, RETIRED),
    ]


def test_the_moment_between_registration_and_the_first_try_is_no_gap() -> None:
    assert states(at(130, UP), since=10, end=140) == [("excluded", 0, 130), ("up", 130, 140)]
    assert states(at(160, UP), since=10, end=170) == [("excluded", 0, 160), ("up", 160, 170)]
    # A try that came later than that was missed before.
    assert states(at(161, UP), since=10, end=170) == [
        ("excluded", 0, 10), ("unknown", 10, 161), ("up", 161, 170),
    ]  # fmt: skip


def test_a_target_nobody_tried_is_unknown_since_it_was_registered() -> None:
    timeline = history((), registration(10), window(0, 100)).timeline
    assert [(part.state, part.start, part.end, part.reason) for part in timeline] == [
        (State.EXCLUDED, 0, 10, NOT_YET),
        (State.UNKNOWN, 10, 100, NO_OBSERVATION),
    ]


def test_the_interval_in_force_then_is_what_counts() -> None:
    slow, fast = observation(0, UP, interval=60), observation(100, UP, interval=10)
    assert states(slow, fast, end=150) == [("up", 0, 125), ("unknown", 125, 150)]


@pytest.mark.parametrize(("last_good", "first_bad"), [(0, 60), (0, 5)])
def test_the_edge_of_an_outage_is_the_gap_in_which_it_began_or_ended(
    last_good: int, first_bad: int
) -> None:
    seen = (at(last_good, UP), at(first_bad, SUSPECT), at(first_bad + 2, DOWN), at(120, UP))
    edge = history(each(seen), registration(), window(0, 200)).edge
    assert edge == (first_bad - last_good) + (120 - (first_bad + 2))


def test_an_edge_ends_where_the_hold_does() -> None:
    # Up at 0 holds until 150; who knows when it went down. Beyond that the time is unknown anyway.
    seen = (at(0, UP), at(300, DOWN))
    found = history(each(seen), registration(), window(0, 400))
    assert found.edge == 150
    assert totals(found.timeline).unknown == 150


def test_why_nothing_was_seen_is_said_where_it_is_known() -> None:
    gap = Stretch(Instant(200), Instant(300), State.UNKNOWN, "opskit was not running")
    found = history(each([at(0, UP), at(400, UP)]), registration(), window(0, 500), (), [gap])
    assert [(part.start, part.end, part.reason) for part in found.timeline] == [
        (0, 150, ""),
        (150, 200, NO_OBSERVATION),
        (200, 300, "opskit was not running"),
        (300, 400, NO_OBSERVATION),
        (400, 500, ""),
    ]


def test_a_gap_says_nothing_against_what_was_seen() -> None:
    gap = Stretch(Instant(50), Instant(300), State.UNKNOWN, "opskit was not running")
    found = history(each([at(0, UP), at(400, UP)]), registration(), window(0, 500), (), [gap])
    assert [(str(part.state), part.end) for part in found.timeline] == [
        ("up", 150), ("unknown", 300), ("unknown", 400), ("up", 500),
    ]  # fmt: skip


def test_a_month_of_a_minute_each_is_one_stretch() -> None:
    seen = [observation(minute * MINUTE, UP) for minute in range(1_000)]
    (part,) = history(each(seen), registration(), window(0, 1_000 * MINUTE)).timeline
    assert part.state is State.UP
