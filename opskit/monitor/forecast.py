"""When a number will reach its threshold, if it goes on: told carefully, or not at all. Pure.

Within a day, three must agree. The season-aware fit takes yesterday's shape from here on, and adds
the drift: the slope of today minus yesterday, over one and over three hours, whichever is less. The
plain lines through the last hour and through the last six hours must both get there as well, and
the number must be where it has not been at this time of the day. A nightly backup looks like
yesterday, also when it begins an hour late; a burst is over within six hours; only what is neither
is told.

Over days, the change from one day to the next decides: its median over up to seven days, where at
least two thirds of the days went that way. What happened once is no trend.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from opskit.core.clock import DAY, HOUR, MINUTE, NOTHING, SECOND, Duration, Instant
from opskit.monitor.season import (
    PER_DAY,
    STEP,
    Cells,
    Points,
    by_day,
    by_step,
    lacking_of,
    slope,
    steps_left,
    unusual,
)

WINDOWS = {"1h": HOUR, "6h": Duration(6 * HOUR)}
# Yesterday, and the three hours before it that the drift is compared with.
_LEAST = Duration(DAY + 3 * HOUR)
_LEAST_DAYS, _MOST_DAYS = 3, 7
SPAN = Duration((_MOST_DAYS + 1) * DAY)
_STALE = 30 * MINUTE
# Nothing goes on quite as it did: so much of the time left is added at both ends.
_UNSURE = 0.1


class Outlook(StrEnum):
    """What can be said of a number; `MISSING` is that nothing can, for want of data."""

    REACHED = "reached"
    REACHES = "reaches"
    STABLE = "stable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Goal:
    """The threshold that a number is held against: from below if `rising`, else from above.

    A `deadline` is an instant in seconds, like the end of a certificate: it comes by itself.
    """

    threshold: float
    within: Duration
    rising: bool = True
    deadline: bool = False

    def reached(self, value: float) -> bool:
        """Return whether a number is at its threshold or beyond."""
        return value >= self.threshold if self.rising else value <= self.threshold


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will be, as far as that can be told.

    `at` is when the threshold will be reached, between `earliest` and `latest`. `windows` are the
    seconds until then by the plain lines alone. `missing` is how much more data is needed: for
    anything where the outlook is `MISSING` (nothing, if it only stopped coming), else for looking
    ahead further than a day.
    """

    outlook: Outlook
    value: float | None = None
    at: Instant | None = None
    earliest: Instant | None = None
    latest: Instant | None = None
    windows: tuple[tuple[str, float], ...] = ()
    missing: Duration = NOTHING


def forecast(points: Iterable[tuple[Instant, float]], goal: Goal, now: Instant) -> Forecast:
    """Return what a number will do, from its samples in any order; those after `now` are left out.

    Raises:
        ValueError: a sample is no number.
    """
    known = sorted({at: value for at, value in points if at <= now}.items())
    if any(not math.isfinite(value) for _, value in known):
        message = "a sample is not a finite number"
        raise ValueError(message)
    if not known:
        return Forecast(Outlook.MISSING, missing=_LEAST)
    if goal.deadline:
        return _deadline(known[-1][1], goal, now)
    return _trend(known, goal, now)


def _deadline(value: float, goal: Goal, now: Instant) -> Forecast:
    at = Instant(int((value + goal.threshold) * SECOND))
    if at <= now:
        return Forecast(Outlook.REACHED, value, at, at, at)
    if at - now > goal.within:
        return Forecast(Outlook.STABLE, value)
    return Forecast(Outlook.REACHES, value, at, at, at)


def _trend(known: Points, goal: Goal, now: Instant) -> Forecast:
    end, value = known[-1]
    lacking = Duration(max(0, _LEAST - (end - known[0][0])))
    if now - end > _STALE:
        return Forecast(Outlook.MISSING, value, missing=lacking)
    if goal.reached(value):
        return Forecast(Outlook.REACHED, value, now, now, now)
    if lacking:
        return Forecast(Outlook.MISSING, value, missing=lacking)
    # Turned so that every threshold is reached from below.
    sign = 1.0 if goal.rising else -1.0
    cells = [None if one is None else sign * one for one in by_step(known, end, SPAN)]
    left = sign * (goal.threshold - value)
    soon, windows = _soon(cells, left)
    found = soon or _later(cells, left, goal.within)
    within = tuple((name, steps * STEP / SECOND) for name, steps in windows)
    if found is None or found[0] * STEP > goal.within:
        gaps = lacking_of(cells, WINDOWS.values())
        short = gaps or Duration(max(0, (_LEAST_DAYS + 1) * DAY - (end - known[0][0])))
        outlook = Outlook.MISSING if gaps else Outlook.STABLE
        return Forecast(outlook, value, windows=within, missing=short)
    at, first, last = (Instant(int(end + steps * STEP)) for steps in found)
    return Forecast(Outlook.REACHES, value, at, first, last, within)


Steps = tuple[float, float, float]


def _soon(cells: Cells, left: float) -> tuple[Steps | None, list[tuple[str, float]]]:
    """Return (expected, earliest, latest) within a day, in steps; and what each window says."""
    windows = [
        (name, left / rise)
        for name, length in WINDOWS.items()
        if (rise := slope(cells[-(length // STEP) :])) is not None and rise > 0
    ]
    agreed = [steps for _, steps in windows if steps <= PER_DAY]
    season = steps_left(cells, left) if len(agreed) == len(WINDOWS) and unusual(cells) else None
    if season is None:
        return None, windows
    every = (season, *agreed)
    return (season, min(every) * (1 - _UNSURE), max(every) * (1 + _UNSURE)), windows


def _later(cells: Cells, left: float, within: Duration) -> Steps | None:
    """Return the same by the change from day to day."""
    changes = by_day(cells, _MOST_DAYS)
    grew = [one for one in changes if one > 0]
    if len(changes) < _LEAST_DAYS or len(grew) * 3 < len(changes) * 2:
        return None
    today = [one for one in cells[-PER_DAY:] if one is not None]
    last = next(one for one in reversed(cells) if one is not None)
    # It is the highest hour of a day that gets there first.
    height = left - (max(today) - last)
    usual = median(changes)
    if usual <= 0 or height / usual * DAY > within:
        return None
    expected, first, late = (
        max(0.0, height / rise) * PER_DAY for rise in (usual, max(grew), min(grew))
    )
    return expected, first, late
