"""The algebra of timelines against an oracle that paints every instant by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import Instant
from opskit.core.interval import (
    Availability,
    Interval,
    State,
    Stretch,
    Timeline,
    Totals,
    availability,
    clip,
    fill,
    in_series,
    join,
    overlay,
    percent,
    redundant,
    totals,
)

HORIZON = 20
OBSERVED = (State.UNKNOWN, State.DOWN, State.DEGRADED, State.UP)
LAID_OVER = (State.EXCLUDED, State.MAINTENANCE)
# Written down again, so that a changed order in opskit is noticed.
PRIORITY = ("excluded", "maintenance", "unknown", "down", "degraded", "up")
WORST_PART = ("down", "unknown", "degraded", "up", "maintenance", "excluded")


def stretch(start: int, end: int, state: State, reason: str = "", *refs: int) -> Stretch:
    return Stretch(Instant(start), Instant(end), state, reason, refs)


def window(start: int, end: int) -> Interval:
    return Interval(Instant(start), Instant(end))


@st.composite
def timelines(
    draw: st.DrawFn, states: Sequence[State] = tuple(State), *, gaps: bool = True
) -> Timeline:
    """Draw stretches in order without overlap; without GAPS they cover the whole horizon."""
    inner = draw(st.sets(st.integers(1, HORIZON - 1), max_size=6))
    choice = st.sampled_from(states)
    made = []
    for start, end in pairwise(sorted({0, HORIZON} | inner)):
        state = draw(st.none() | choice if gaps else choice)
        if state is not None:
            refs = draw(st.lists(st.integers(1, 9), max_size=2))
            made.append(stretch(start, end, state, draw(st.sampled_from(["", "a"])), *refs))
    return tuple(made)


@st.composite
def windows(draw: st.DrawFn, states: Sequence[State] = LAID_OVER) -> Stretch:
    """Draw one window; several of them may overlap."""
    start, end = sorted(draw(st.tuples(st.integers(0, HORIZON), st.integers(0, HORIZON))))
    return stretch(start, end, draw(st.sampled_from(states)))


def at(timeline: Iterable[Stretch], instant: int) -> Stretch | None:
    """Return the stretch that covers INSTANT; more than one would be a mistake."""
    covering = [part for part in timeline if part.start <= instant < part.end]
    assert len(covering) <= 1
    return covering[0] if covering else None


def painted(timeline: Iterable[Stretch]) -> list[tuple[State, str, State | None] | None]:
    """Return what holds at each instant, one by one."""
    parts = tuple(timeline)
    found = [at(parts, instant) for instant in range(HORIZON)]
    return [(part.state, part.reason, part.beneath) if part else None for part in found]


def states(timeline: Iterable[Stretch]) -> list[State | None]:
    return [part[0] if part else None for part in painted(timeline)]


# Intervals, clipping, filling, joining


def test_an_interval_may_be_empty_but_not_end_before_it_starts() -> None:
    assert window(3, 3).length == 0
    with pytest.raises(ValueError, match="ends before it starts: 4 > 3"):
        window(4, 3)


@given(timelines(), st.integers(0, HORIZON), st.integers(0, HORIZON))
def test_clip_keeps_what_lies_within_and_nothing_else(line: Timeline, one: int, two: int) -> None:
    start, end = sorted((one, two))
    whole = painted(line)
    expected = [part if start <= i < end else None for i, part in enumerate(whole)]
    assert painted(clip(line, window(start, end))) == expected


@given(timelines(), st.integers(0, HORIZON), st.integers(0, HORIZON), st.sampled_from(State))
def test_fill_covers_the_window_and_changes_nothing_that_was_there(
    line: Timeline, one: int, two: int, state: State
) -> None:
    start, end = sorted((one, two))
    filled = fill(line, window(start, end), state, "gap")
    assert sum(part.length for part in filled) == end - start
    for instant, (before, after) in enumerate(zip(painted(line), painted(filled), strict=True)):
        inside = start <= instant < end
        assert after == ((before or (state, "gap", None)) if inside else None)


@given(timelines(), st.sampled_from(State))
def test_the_classes_of_a_filled_window_add_up_to_its_length(line: Timeline, state: State) -> None:
    time = totals(fill(line, window(0, HORIZON), state, ""))
    parts = (time.excluded, time.maintenance, time.unknown, time.down, time.degraded, time.up)
    assert sum(parts) == HORIZON
    assert time.in_scope == time.known + time.unknown == HORIZON - time.excluded - time.maintenance


@given(timelines())
def test_join_loses_no_time_and_no_reference(line: Timeline) -> None:
    joined = join(line)
    assert painted(joined) == painted(line)
    assert {ref for part in joined for ref in part.refs} == {r for part in line for r in part.refs}


@given(timelines())
def test_join_leaves_nothing_to_join(line: Timeline) -> None:
    for left, right in pairwise(join(line)):
        touching = left.end == right.start
        assert not (touching and painted([left])[left.start] == painted([right])[right.start])


def test_join_keeps_apart_what_differs_only_in_reason_or_beneath() -> None:
    line = (
        stretch(0, 1, State.DOWN, "timeout"),
        stretch(1, 2, State.DOWN, "refused"),
        replace(stretch(2, 3, State.DOWN, "refused"), beneath=State.UP),
        stretch(4, 5, State.DOWN, "refused"),
    )
    assert join(line) == line


def test_join_drops_what_lasted_no_time() -> None:
    assert join([stretch(1, 1, State.DOWN), stretch(1, 2, State.UP)]) == (stretch(1, 2, State.UP),)


# Parts in series


def worst_part(parts: list[State]) -> State | None:
    return min(parts, key=WORST_PART.index, default=None)


@given(st.lists(timelines(), max_size=4))
def test_in_series_is_per_instant_the_worst_part(lines: list[Timeline]) -> None:
    columns = [[at(line, instant) for line in lines] for instant in range(HORIZON)]
    expected = [worst_part([part.state for part in column if part]) for column in columns]
    assert states(in_series(lines)) == expected


@given(st.lists(timelines(gaps=False), min_size=1, max_size=4))
def test_in_series_of_whole_timelines_is_whole(lines: list[Timeline]) -> None:
    assert sum(part.length for part in in_series(lines)) == HORIZON


@given(st.lists(timelines(), max_size=4))
def test_in_series_names_the_entries_of_every_part_to_blame(lines: list[Timeline]) -> None:
    result = in_series(lines)
    for instant in range(HORIZON):
        whole = at(result, instant)
        for line in lines:
            part = at(line, instant)
            if whole and part and part.state is whole.state:
                assert set(part.refs) <= set(whole.refs)


@given(timelines())
def test_one_part_in_series_is_itself(line: Timeline) -> None:
    assert painted(in_series([line])) == painted(line)


@given(
    st.lists(timelines(), max_size=3).flatmap(lambda x: st.tuples(st.just(x), st.permutations(x)))
)
def test_in_series_does_not_depend_on_the_order(
    lines: tuple[list[Timeline], list[Timeline]],
) -> None:
    one, other = lines
    assert states(in_series(one)) == states(in_series(other))


# Parts of which some are enough


@given(
    st.lists(timelines(gaps=False), min_size=1, max_size=4).flatmap(
        lambda lines: st.tuples(st.just(lines), st.integers(1, len(lines)))
    )
)
def test_so_many_good_parts_are_enough_at_each_instant(case: tuple[list[Timeline], int]) -> None:
    lines, needed = case
    result = redundant(lines, needed)
    for instant in range(HORIZON):
        parts = Counter(part.state for line in lines if (part := at(line, instant)))
        good, fair = parts[State.UP], parts[State.UP] + parts[State.DEGRADED]
        whole = at(result, instant)
        assert whole is not None
        assert (whole.state is State.UP) == (good >= needed)
        assert (whole.state is State.DOWN) == (sum(parts.values()) - parts[State.DOWN] < needed)
        assert (whole.state in (State.UP, State.DEGRADED)) == (fair >= needed)


@given(st.lists(timelines([State.UP, State.DOWN], gaps=False), min_size=1, max_size=4))
def test_all_parts_needed_is_in_series_where_all_is_known(lines: list[Timeline]) -> None:
    assert states(redundant(lines, len(lines))) == states(in_series(lines))


# Windows laid over


@given(timelines(OBSERVED), st.lists(windows(), max_size=4))
def test_overlay_is_per_instant_the_strongest_class(line: Timeline, over: list[Stretch]) -> None:
    result = states(overlay(line, over))
    for instant, seen in enumerate(states(line)):
        active = [part.state for part in over if part.start <= instant < part.end]
        choices = [*active, *([seen] if seen else [])]
        assert result[instant] == min(choices, key=PRIORITY.index, default=None)


@given(timelines(OBSERVED), st.lists(windows(), max_size=4))
def test_what_was_observed_is_kept_beneath(line: Timeline, over: list[Stretch]) -> None:
    result = painted(overlay(line, over))
    for instant, seen in enumerate(painted(line)):
        covered = any(part.start <= instant < part.end for part in over)
        if seen and covered:
            found = result[instant]
            assert found is not None
            assert found[2] is seen[0]
        elif seen:
            assert result[instant] == seen


@given(timelines(OBSERVED), st.lists(windows(), max_size=3), st.lists(windows(), max_size=3))
def test_windows_laid_one_after_the_other_are_windows_laid_together(
    line: Timeline, first: list[Stretch], second: list[Stretch]
) -> None:
    one_by_one = painted(overlay(overlay(line, first), second))
    together = painted(overlay(line, [*first, *second]))
    for step, whole, seen in zip(one_by_one, together, states(line), strict=True):
        assert (step and step[0]) == (whole and whole[0])
        if seen:
            assert step == whole


@given(timelines())
def test_no_window_changes_nothing(line: Timeline) -> None:
    assert overlay(line, []) == join(line)


def test_down_inside_maintenance_stays_reportable() -> None:
    line = (stretch(0, 4, State.UP), stretch(4, 8, State.DOWN, "refused"), stretch(8, 9, State.UP))
    assert overlay(line, [stretch(2, 6, State.MAINTENANCE, "patching", 7)]) == (
        stretch(0, 2, State.UP),
        replace(stretch(2, 4, State.MAINTENANCE, "patching", 7), beneath=State.UP),
        replace(stretch(4, 6, State.MAINTENANCE, "patching", 7), beneath=State.DOWN),
        stretch(6, 8, State.DOWN, "refused"),
        stretch(8, 9, State.UP),
    )


# Availability


def settled(line: Timeline, state: State) -> Timeline:
    """Return LINE with everything unknown taken for STATE."""
    return tuple(
        replace(part, state=state) if part.state is State.UNKNOWN else part for part in line
    )


@given(timelines(gaps=False))
def test_the_bounds_are_what_the_unknown_time_could_have_been(line: Timeline) -> None:
    found = availability(line)
    assert found.low == availability(settled(line, State.DOWN)).value
    assert found.high == availability(settled(line, State.UP)).value


@given(timelines())
def test_the_value_lies_between_its_bounds_and_all_between_0_and_1(line: Timeline) -> None:
    found = availability(line)
    if found.value is None:
        assert found.totals.known == 0
    else:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1


@given(timelines(gaps=False))
def test_the_value_weighs_each_observed_instant_once(line: Timeline) -> None:
    worth = {State.UP: Fraction(1), State.DEGRADED: Fraction(1, 2), State.DOWN: Fraction(0)}
    seen = [worth[state] for state in states(line) if state in worth]
    assert availability(line).value == (sum(seen) / len(seen) if seen else None)


@given(timelines(gaps=False), st.lists(windows(), max_size=2))
def test_maintenance_and_excluded_time_are_in_no_figure(
    line: Timeline, over: list[Stretch]
) -> None:
    within = overlay(line, over)
    outside = tuple(part for part in within if part.state not in LAID_OVER)
    one, other = availability(within), availability(outside)
    assert (one.value, one.low, one.high, one.coverage) == (
        other.value,
        other.low,
        other.high,
        other.coverage,
    )


def test_nothing_observed_is_not_a_percentage() -> None:
    found = availability([stretch(0, 10, State.UNKNOWN)])
    assert found.value is None
    assert found.low == found.coverage == Fraction(0)
    assert found.high == Fraction(1)
    assert not found.sufficient
    assert availability([]) == Availability(Totals(), None, None, None, None)


@pytest.mark.parametrize(("seen", "enough"), [(94, False), (95, True), (100, True)])
def test_below_95_percent_of_coverage_no_figure_is_printed(seen: int, enough: bool) -> None:
    line = [stretch(0, seen, State.UP), stretch(seen, 100, State.UNKNOWN)]
    assert availability(line).sufficient is enough


@pytest.mark.parametrize(
    ("up", "unknown", "edge", "objective", "met"),
    [
        (990, 0, 0, Fraction(99, 100), True),
        (989, 0, 0, Fraction(99, 100), False),
        # The unknown time could have been up or down.
        (989, 1, 0, Fraction(99, 100), None),
        (980, 5, 0, Fraction(99, 100), False),
        (950, 50, 0, Fraction(95, 100), True),
        # Too little was seen to say anything.
        (940, 60, 0, Fraction(90, 100), None),
        # The outage may have begun earlier, or later, than it was seen.
        (990, 0, 1, Fraction(99, 100), None),
        (991, 0, 1, Fraction(99, 100), True),
        (989, 0, 1, Fraction(99, 100), None),
        (988, 0, 1, Fraction(99, 100), False),
        (1000, 0, 0, None, None),
    ],
)
def test_an_objective_is_judged_only_where_nothing_unseen_could_turn_it(
    up: int, unknown: int, edge: int, objective: Fraction | None, met: bool | None
) -> None:
    line = [
        stretch(0, up, State.UP),
        stretch(up, up + unknown, State.UNKNOWN),
        stretch(up + unknown, 1000, State.DOWN),
    ]
    assert availability(line).meets(objective, edge) is met


def test_a_service_that_was_never_in_scope_meets_and_misses_nothing() -> None:
    line = [stretch(0, 10, State.EXCLUDED)]
    assert availability(line).meets(Fraction(99, 100), 0) is None


# Percentages


@pytest.mark.parametrize(
    ("ratio", "digits", "shown"),
    [
        (None, 3, "not observed"),
        (Fraction(0), 3, "0 %"),
        (Fraction(1), 3, "100 %"),
        (Fraction(999_999, 1_000_000), 3, "99.999 %"),
        (Fraction(999_999, 1_000_000), 0, "99 %"),
        (Fraction(9_999_999, 10_000_000), 3, "99.999 %"),
        (Fraction(1, 10), 3, "10 %"),
        (Fraction(1, 10), 0, "10 %"),
        (Fraction(1), 0, "100 %"),
        (Fraction(99931, 100_000), 3, "99.931 %"),
        (Fraction(9995, 10_000), 3, "99.95 %"),
        (Fraction(1, 100_000_000), 3, "0 %"),
    ],
)
def test_a_percentage(ratio: Fraction | None, digits: int, shown: str) -> None:
    assert percent(ratio, digits) == shown


@given(st.fractions(0, 1), st.integers(0, 6))
def test_a_percentage_is_cut_and_never_rounded_up(ratio: Fraction, digits: int) -> None:
    number, unit = percent(ratio, digits).split(" ")
    assert unit == "%"
    assert ratio * 100 - Fraction(1, 10**digits) < Fraction(number) <= ratio * 100


@given(st.integers(2, 10**12))
def test_100_percent_means_that_nothing_was_missing(microseconds: int) -> None:
    assert percent(Fraction(microseconds - 1, microseconds)) != "100 %"
