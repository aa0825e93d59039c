"""Time as intervals with a state: the algebra behind uptime.

An interval is half open, `[start, end)`. A timeline is a tuple of stretches in order, without
overlap. Samples are never averaged: what counts is how long each state held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from opskit.core.clock import Duration, Instant

# A degraded service is worth this much of an up one. A contract may say otherwise.
DEGRADED_WEIGHT = Fraction(1, 2)
# Below this share of observed time a percentage would claim more than was seen.
COVERAGE_FLOOR = Fraction(95, 100)


class State(StrEnum):
    """The six exclusive classes an instant can belong to, strongest claim first."""

    EXCLUDED = "excluded"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    DOWN = "down"
    DEGRADED = "degraded"
    UP = "up"


# A service in series is as good as its worst part; parts out of scope do not speak for it.
_WORST_FIRST = (
    State.DOWN,
    State.UNKNOWN,
    State.DEGRADED,
    State.UP,
    State.MAINTENANCE,
    State.EXCLUDED,
)
_BEST_FIRST = (
    State.UP,
    State.DEGRADED,
    State.UNKNOWN,
    State.MAINTENANCE,
    State.EXCLUDED,
    State.DOWN,
)
_STRONGEST_FIRST = tuple(State)


@dataclass(frozen=True, slots=True)
class Interval:
    """The instants from `start` up to, not including, `end`."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        """Refuse an interval that ends before it starts."""
        if self.end < self.start:
            message = f"interval ends before it starts: {self.start} > {self.end}"
            raise ValueError(message)

    def holds(self, at: Instant) -> bool:
        """Return whether an instant is one of them."""
        return self.start <= at < self.end

    @property
    def length(self) -> Duration:
        """Return how long it lasts."""
        return Duration(self.end - self.start)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which one state held, why, and the ledger entries that show it.

    `beneath` keeps what was observed under a stronger class: down inside maintenance.
    """

    start: Instant
    end: Instant
    state: State
    reason: str = ""
    refs: tuple[int, ...] = ()
    beneath: State | None = None

    @property
    def length(self) -> Duration:
        """Return how long it lasts."""
        return Duration(self.end - self.start)


Timeline = tuple[Stretch, ...]


def clip(timeline: Iterable[Stretch], window: Interval) -> Timeline:
    """Return the part of a timeline that lies within `window`."""
    return tuple(
        replace(
            stretch,
            start=Instant(max(stretch.start, window.start)),
            end=Instant(min(stretch.end, window.end)),
        )
        for stretch in timeline
        if stretch.start < window.end and stretch.end > window.start
    )


def fill(timeline: Timeline, window: Interval, state: State, reason: str) -> Timeline:
    """Return `timeline` clipped to `window`, every gap filled with `state`."""
    filled: list[Stretch] = []
    at = window.start
    for stretch in clip(timeline, window):
        if stretch.start > at:
            filled.append(Stretch(at, stretch.start, state, reason))
        filled.append(stretch)
        at = stretch.end
    if at < window.end:
        filled.append(Stretch(at, window.end, state, reason))
    return tuple(filled)


def join(timeline: Iterable[Stretch]) -> Timeline:
    """Return the timeline with touching stretches of the same state and reason made one."""
    runs: list[list[Stretch]] = []
    for stretch in timeline:
        if runs and _continues(runs[-1][-1], stretch):
            runs[-1].append(stretch)
        elif stretch.length:
            runs.append([stretch])
    return tuple(_as_one(run) for run in runs)


def _as_one(run: Sequence[Stretch]) -> Stretch:
    refs = dict.fromkeys(ref for stretch in run for ref in stretch.refs)
    return replace(run[0], end=run[-1].end, refs=tuple(refs))


def _continues(last: Stretch, stretch: Stretch) -> bool:
    same = (last.state, last.reason, last.beneath) == (
        stretch.state,
        stretch.reason,
        stretch.beneath,
    )
    return same and last.end == stretch.start


def overlay(timeline: Timeline, windows: Iterable[Stretch]) -> Timeline:
    """Return the timeline with stronger classes laid over it; windows may overlap each other."""
    pieces = []
    for start, end, active in _elementary([timeline, *((window,) for window in windows)]):
        top = min(active, key=lambda stretch: _STRONGEST_FIRST.index(stretch.state))
        seen = max((part.beneath or part.state for part in active), key=_STRONGEST_FIRST.index)
        beneath = seen if seen is not top.state else None
        pieces.append(replace(top, start=start, end=end, beneath=beneath))
    return join(pieces)


def in_series(timelines: Sequence[Timeline]) -> Timeline:
    """Return the state of something that needs all its parts: per instant, the worst of them."""
    if len(timelines) == 1:
        return timelines[0]
    pieces = []
    for start, end, active in _elementary(timelines):
        worst = min(active, key=lambda stretch: _WORST_FIRST.index(stretch.state))
        refs = _refs_of(active, worst.state)
        pieces.append(replace(worst, start=start, end=end, refs=refs))
    return join(pieces)


def redundant(timelines: Sequence[Timeline], needed: int) -> Timeline:
    """Return the state of something that needs `needed` of its parts: per instant, not on average.

    It is as good as the part that completes the number, the best taken first. A part that nobody
    saw, that is maintained or out of scope is better than one that is down: it may be up.
    """
    pieces = []
    for start, end, active in _elementary(timelines):
        best = sorted(active, key=lambda stretch: _BEST_FIRST.index(stretch.state))
        last = best[min(needed, len(best)) - 1]
        refs = _refs_of(active, last.state)
        pieces.append(replace(last, start=start, end=end, refs=refs))
    return join(pieces)


def _refs_of(parts: Iterable[Stretch], state: State) -> tuple[int, ...]:
    return tuple(sorted({ref for part in parts if part.state is state for ref in part.refs}))


def _elementary(
    timelines: Sequence[Timeline],
) -> Iterable[tuple[Instant, Instant, list[Stretch]]]:
    """Yield each span in which no timeline changes, with the stretches that cover it."""
    edges = sorted({edge for line in timelines for part in line for edge in (part.start, part.end)})
    positions = [0] * len(timelines)
    for start, end in pairwise(edges):
        active = []
        for index, line in enumerate(timelines):
            while positions[index] < len(line) and line[positions[index]].end <= start:
                positions[index] += 1
            if positions[index] < len(line) and line[positions[index]].start <= start:
                active.append(line[positions[index]])
        if active:
            yield start, end, active


@dataclass(frozen=True, slots=True)
class Totals:
    """How long each class held, in microseconds."""

    excluded: int = 0
    maintenance: int = 0
    unknown: int = 0
    down: int = 0
    degraded: int = 0
    up: int = 0

    @property
    def known(self) -> int:
        """Return the time in which the service was seen, outside maintenance."""
        return self.up + self.degraded + self.down

    @property
    def in_scope(self) -> int:
        """Return the time the figure speaks of: neither excluded nor maintenance."""
        return self.known + self.unknown


def totals(timeline: Iterable[Stretch]) -> Totals:
    """Return the time spent in each class."""
    sums = dict.fromkeys(State, 0)
    for stretch in timeline:
        sums[stretch.state] += stretch.end - stretch.start
    return Totals(**sums)


@dataclass(frozen=True, slots=True)
class Accounting:
    """What counts as what.

    `degraded` is the worth of a degraded instant, `unknown` what one counts as that nobody
    observed, `coverage_floor` the share of observed time below which there is no percentage.
    """

    degraded: Fraction = DEGRADED_WEIGHT
    unknown: Literal["excluded", "down", "up"] = "excluded"
    coverage_floor: Fraction = COVERAGE_FLOOR


@dataclass(frozen=True, slots=True)
class Availability:
    """Uptime as a value with bounds; ratios between 0 and 1, `None` where nothing was observed.

    `low` counts all unknown time as down, `high` counts it as up.
    """

    totals: Totals
    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    coverage: Fraction | None
    coverage_floor: Fraction = COVERAGE_FLOOR

    @property
    def sufficient(self) -> bool:
        """Return whether enough was observed to print a percentage."""
        return self.coverage is not None and self.coverage >= self.coverage_floor

    def meets(self, objective: Fraction | None, edge: int) -> bool | None:
        """Return whether an objective was met; nothing where it cannot be said.

        Met needs the lower bound at or above it, missed the upper bound below it, both moved by
        `edge`: the time, in microseconds, by which outages may have begun or ended unseen.
        """
        if objective is None or self.low is None or self.high is None or not self.sufficient:
            return None
        unseen = Fraction(edge, self.totals.in_scope)
        if self.low - unseen >= objective:
            return True
        return False if self.high + unseen < objective else None


DEFAULT = Accounting()


def availability(timeline: Iterable[Stretch], accounting: Accounting = DEFAULT) -> Availability:
    """Return the availability of a timeline.

    value = (up + w x degraded) / (up + degraded + down), with w the worth of a degraded instant;
    low and high add the unknown time to the denominator, high also to the numerator;
    coverage = known / (known + unknown). Excluded time and maintenance are in none of them.
    Where unknown time counts as down or up, the value is the one of these bounds.
    """
    time = totals(timeline)
    good = time.up + (accounting.degraded * time.degraded if time.degraded else 0)
    low, high = _ratio(good, time.in_scope), _ratio(good + time.unknown, time.in_scope)
    values = {"excluded": _ratio(good, time.known), "down": low, "up": high}
    return Availability(
        totals=time,
        value=values[accounting.unknown],
        low=low,
        high=high,
        coverage=_ratio(time.known, time.in_scope),
        # What unobserved time counts as is decided: then any share of it will do.
        coverage_floor=accounting.coverage_floor
        if accounting.unknown == "excluded"
        else Fraction(0),
    )


def _ratio(part: Fraction | int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def percent(ratio: Fraction | None, digits: int = 3) -> str:
    """Return `99.931 %`, cut and never rounded up: 100 % means that nothing was missing."""
    if ratio is None:
        return "not observed"
    cut = int(ratio * 100 * 10**digits)
    whole, part = divmod(cut, 10**digits)
    text = f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".")
    return f"{text} %"
