"""Samples as spells, and hours instead of samples, against oracles that look at every tick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from opskit.core.clock import SECOND, Instant
from opskit.core.interval import Interval, State, clip
from opskit.monitor.model import Registration, Seen, Spell
from opskit.monitor.rules import NO_OBSERVATION, history
from opskit.monitor.samples import LONGEST, Sample, in_order, intervals, joined, spells
from opskit.monitor.slots import SLOT, Slot, merged, plan, segments, unfit

TICK = SECOND // 10  # spacings are told to a tenth of a second
DOWN = "up = 0"
ALWAYS = Registration("", "", Instant(0), 0, Instant(0))


def sample(tick: int, up: bool = True) -> Sample:
    return Sample(Instant(tick * TICK), up)


def interval_of(samples: Sequence[Sample], index: int) -> int:
    """Return the interval in force at a sample, by the words in which the rule is written."""
    spacings = [then.at - one.at for one, then in pairwise(samples)]
    near = spacings[max(0, index - 8) : index + 8]
    counts = Counter(spacing for spacing in near if spacing <= LONGEST)
    if not counts:
        return 0
    most = max(counts.values())
    commonest = {spacing for spacing, count in counts.items() if count == most}
    following = spacings[index] if index < len(spacings) else None
    return following if following in commonest else min(commonest)


def states(samples: Sequence[Sample], ticks: range) -> list[State]:
    """Return the state of each tick: what was last seen, while it holds."""
    rhythm = [interval_of(samples, index) for index in range(len(samples))]
    found = []
    for tick in ticks:
        at = tick * TICK
        told = [
            (one, interval)
            for one, interval in zip(samples, rhythm, strict=True)
            if one.at <= at and interval
        ]
        if not told or at >= told[-1][0].at + told[-1][1] * 5 / 2:
            found.append(State.UNKNOWN)
        else:
            found.append(State.UP if told[-1][0].up else State.DOWN)
    return found


def spread(found: Sequence[Spell], ticks: range) -> list[State]:
    """Return the state of each tick as the rules make it of spells."""
    window = Interval(Instant(ticks.start * TICK), Instant(ticks.stop * TICK))
    timeline = history(found, ALWAYS, window).timeline
    at = 0
    states = []
    for tick in ticks:
        while timeline[at].end <= tick * TICK:
            at += 1
        states.append(timeline[at].state)
    return states


SERIES = st.lists(
    st.tuples(st.sampled_from([1, 2, 2, 2, 3, 4, 4, 4, 4, 9, 30]), st.booleans()), max_size=40
)


@given(SERIES)
def test_spells_say_of_every_tick_what_the_samples_say(steps: list[tuple[int, bool]]) -> None:
    tick, samples = 3, []
    for spacing, up in steps:
        samples.append(sample(tick, up))
        tick += spacing
    ticks = range(tick + 80)
    assert spread(spells(samples, DOWN), ticks) == states(samples, ticks)


@given(SERIES)
def test_the_interval_is_the_commonest_spacing_around(steps: list[tuple[int, bool]]) -> None:
    tick, samples = 0, []
    for spacing, up in steps:
        samples.append(sample(tick, up))
        # Some of them further apart than any interval is.
        tick += spacing if spacing < 30 else 2 * LONGEST // TICK
    assert intervals(samples) == [interval_of(samples, index) for index in range(len(samples))]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())))
def test_an_instant_recorded_twice_counts_once_and_as_down(pairs: list[tuple[int, bool]]) -> None:
    found = in_order(sample(tick, up) for tick, up in pairs)
    assert [one.at for one in found] == sorted({tick * TICK for tick, _ in pairs})
    for one in found:
        assert one.up is all(up for tick, up in pairs if tick * TICK == one.at)


def test_a_lone_sample_holds_for_no_time() -> None:
    assert spells([sample(5)], DOWN) == []
    far = LONGEST // TICK + 1
    assert spells([sample(0), sample(far), sample(2 * far)], DOWN) == []


def test_a_series_that_flaps_is_judged_sample_by_sample() -> None:
    samples = [sample(tick, tick % 20 == 0) for tick in range(0, 100, 10)]
    found = spells(samples, DOWN)
    assert [one.seen for one in found] == [Seen.UP, Seen.DOWN] * 5
    assert {one.reason for one in found if one.seen is Seen.DOWN} == {DOWN}


def test_the_interval_turns_where_it_was_changed() -> None:
    ticks = [*range(0, 1500, 150), *range(1500, 9000, 600)]
    rhythm = intervals([sample(tick) for tick in ticks])
    assert rhythm == [15 * SECOND] * 10 + [60 * SECOND] * 13


@pytest.mark.parametrize("off", [-1, 1])
def test_a_scrape_a_few_milliseconds_off_is_the_same_rhythm(off: int) -> None:
    samples = [
        Sample(Instant(at * 15 * SECOND + off * (at % 7) * 4_000), up=True) for at in range(50)
    ]
    (spell,) = spells(samples, DOWN)
    assert (spell.interval, spell.last_at) == (15 * SECOND, samples[-1].at)


# Hours instead of samples


@dataclass(frozen=True)
class Past:
    """What a server recorded over some hours."""

    samples: tuple[Sample, ...]
    hours: int

    @property
    def whole(self) -> Interval:
        return Interval(Instant(0), Instant(self.hours * SLOT))

    def slots(self) -> list[Slot]:
        """Return the sums per hour, an hour being what comes after its start, its end included."""
        found: dict[int, list[bool]] = {}
        for one in self.samples:
            found.setdefault(-(-one.at // SLOT) * SLOT, []).append(one.up)
        return [Slot(Instant(end), len(ups), float(sum(ups))) for end, ups in sorted(found.items())]

    def read(self, spans: Sequence[Interval]) -> list[Sample]:
        return in_order(
            one for one in self.samples for span in spans if span.start < one.at <= span.end
        )


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Draw a day or so with changes of the interval, outages and gaps of any length."""
    hours = draw(st.integers(3, 30))
    length = hours * 3_600
    moment = st.integers(0, length)
    first = draw(moment)
    # Back within the hour, and scrapes lost in it: that alone hours cannot tell.
    changes = (first, first + draw(st.integers(7_200, 20_000)))
    steps = draw(st.lists(st.sampled_from([60, 90, 70, 300, 120]), min_size=3, max_size=3))
    gaps = [(at, at + draw(st.integers(1, 9_000))) for at in draw(st.lists(moment, max_size=4))]
    outages = [(at, at + draw(st.integers(1, 9_000))) for at in draw(st.lists(moment, max_size=4))]
    lost = draw(st.sets(moment, max_size=5))
    second, samples = draw(st.integers(1, 60)), []
    while second <= length:
        step = steps[sum(change <= second for change in changes)]
        gone = any(start <= second < end for start, end in gaps)
        if not gone and not any(second <= one < second + step for one in lost):
            down = any(start <= second < end for start, end in outages)
            samples.append(Sample(Instant(second * SECOND), not down))
        second += step
    return Past(tuple(samples), hours)


def read_by_hours(past: Past) -> tuple[list[Spell], int]:
    """Return the spells, and of how many samples."""
    planned = plan(past.slots(), past.whole)
    samples = past.read(planned.raw)
    odd = {one.hole for one in unfit(planned.calm, samples)}
    samples = past.read([*planned.raw, *odd])
    holes = [one.hole for one in planned.calm if one.hole not in odd]
    return joined(spells(part, DOWN) for part in segments(samples, holes)), len(samples)


@settings(max_examples=200)
@given(pasts())
def test_hours_and_few_samples_tell_what_all_samples_tell(past: Past) -> None:
    found, _ = read_by_hours(past)
    every = spells(past.samples, DOWN)
    assert history(found, ALWAYS, past.whole) == history(every, ALWAYS, past.whole)


def regular(hours: int, step: int, gone: Sequence[tuple[int, int]] = ()) -> Past:
    seconds = [
        at
        for at in range(7, hours * 3_600, step)
        if not any(start <= at < end for start, end in gone)
    ]
    return Past(tuple(Sample(Instant(at * SECOND), up=True) for at in seconds), hours)


def test_a_calm_month_needs_samples_at_its_ends_alone() -> None:
    found, read = read_by_hours(regular(24 * 30, 60))
    assert (len(found), read) == (1, 20)


@pytest.mark.parametrize(
    "gone",
    [
        [(hour * 3_600 + 900, hour * 3_600 + 2_700) for hour in range(20)],
        [(3 * 3_600 + 1_800, 4 * 3_600 + 1_800)],
    ],
    ids=["half of every hour", "half of two hours in a row"],
)
def test_hours_that_lack_as_much_as_their_neighbours_are_looked_into(
    gone: list[tuple[int, int]],
) -> None:
    past = regular(20, 15, gone)
    timeline = history(read_by_hours(past)[0], ALWAYS, past.whole).timeline
    unseen = clip(timeline, Interval(Instant(600 * SECOND), Instant(19 * 3_600 * SECOND)))
    unknown = sum(one.length for one in unseen if one.reason == NO_OBSERVATION)
    # The first scrape that is missing lies up to 15 s into a gap, and the last one before it holds
    # for 37.5 s; the first one after it ends the unknown.
    inside = [one for one in gone if one[1] < 19 * 3_600]
    seconds = 0.0
    for start, end in inside:
        first = -(-(start - 7) // 15) * 15 + 7
        again = -(-(end - 7) // 15) * 15 + 7
        seconds += again - (first - 15 + 37.5)
    assert unknown == seconds * SECOND


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5))))
def test_merged_spans_cover_the_same_and_lie_apart(pairs: list[tuple[int, int]]) -> None:
    spans = [Interval(Instant(start), Instant(start + length)) for start, length in pairs]
    found = merged(spans)
    covered = {tick for one in spans for tick in range(one.start, one.end)}
    assert {tick for one in found for tick in range(one.start, one.end)} == covered
    assert all(one.end < then.start for one, then in pairwise(found))


@pytest.mark.parametrize("hour", range(4, 12))
def test_two_scrapes_lost_in_a_row_are_seen_across_the_end_of_an_hour_too(hour: int) -> None:
    # 95 s do not divide an hour: most hours hold 38 samples, some 37.
    every = [one.at // SECOND for one in regular(16, 95).samples]
    last = max(at for at in every if at <= hour * 3_600)
    past = regular(16, 95, [(last, last + 96)])
    timeline = history(read_by_hours(past)[0], ALWAYS, past.whole).timeline
    gap = next(part for part in timeline if part.reason == NO_OBSERVATION and part.start)
    assert (gap.start, gap.end) == ((last - 95) * SECOND + 237_500_000, (last + 190) * SECOND)


@given(st.lists(st.integers(-9, 9), min_size=30, max_size=60), st.integers(50, 600))
def test_scrapes_that_come_a_little_early_or_late_leave_no_gap(late: list[int], step: int) -> None:
    ticks = [number * step + off for number, off in enumerate(late, start=1)]
    window = Interval(Instant(ticks[0] * TICK), Instant(ticks[-1] * TICK))
    timeline = history(spells([sample(tick) for tick in ticks], DOWN), ALWAYS, window).timeline
    assert [part.state for part in timeline] == [State.UP]
