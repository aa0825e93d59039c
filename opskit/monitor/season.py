"""A number's days laid over one another: what is usual at this time, and what is not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant

Points = Sequence[tuple[Instant, float]]
# One number for each step, the newest last; none where there was no sample.
Cells = Sequence[float | None]

STEP = Duration(5 * MINUTE)
PER_DAY = DAY // STEP
_PER_HOUR = HOUR // STEP
_DRIFT_HOURS = (1, 3)
# A drift of three hours is believed for so long; yesterday's shape for a day.
_BELIEVED = 12 * _PER_HOUR
# What comes every day need not come at the same minute.
_JITTER = 3 * _PER_HOUR // 2
_LEVEL_DAYS, _RISE_DAYS = 3, 6
_CLEARLY, _MARGIN = 1.25, 0.1


def by_step(known: Points, end: Instant, span: Duration) -> list[float | None]:
    """Return the mean of each step of a span up to `end`."""
    sums = [0.0] * (span // STEP)
    counts = [0] * len(sums)
    for at, value in known:
        back = (end - at) // STEP
        if back < len(sums):
            sums[-1 - back] += value
            counts[-1 - back] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def lacking_of(cells: Cells, windows: Iterable[Duration]) -> Duration:
    """Return for how long samples must come before the windows are half full again."""
    lacking = 0
    for length in windows:
        window = cells[-(length // STEP) :]
        lacking = max(lacking, (len(window) + 1) // 2 - sum(one is not None for one in window))
    return Duration(lacking * STEP)


def slope(cells: Cells) -> float | None:
    """Return the rise per step of the line of least squares; none where half is missing."""
    pairs = [(index, one) for index, one in enumerate(cells) if one is not None]
    if len(pairs) < 2 or len(pairs) * 2 < len(cells):
        return None
    x = sum(index for index, _ in pairs) / len(pairs)
    y = sum(one for _, one in pairs) / len(pairs)
    spread = sum((index - x) ** 2 for index, _ in pairs)
    return sum((index - x) * (one - y) for index, one in pairs) / spread


def steps_left(cells: Cells, left: float) -> float | None:
    """Return the steps to the threshold by yesterday's shape and today's drift."""
    start = next((one for one in reversed(cells[-PER_DAY - 3 : -PER_DAY]) if one is not None), None)
    drift = _drift(cells)
    if start is None or drift is None:
        return None
    before = 0.0
    for step in range(1, PER_DAY):
        then = cells[step - PER_DAY - 1]
        if then is None:
            continue
        ahead = then - start + drift * min(step, _BELIEVED)
        if ahead >= left:
            # Between two steps: where the line through both meets the threshold.
            return step - (ahead - left) / (ahead - before) if ahead > before else float(step)
        before = ahead
    return None


def _drift(cells: Cells) -> float | None:
    """Return how fast today leaves yesterday behind: the least that both windows say."""
    found = []
    for hours in _DRIFT_HOURS:
        length = hours * _PER_HOUR
        today, yesterday = cells[-length:], cells[-length - PER_DAY : -PER_DAY]
        rise = slope([_minus(a, b) for a, b in zip(today, yesterday, strict=True)])
        if rise is None:
            return None
        found.append(rise)
    return min(found)


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def unusual(cells: Cells) -> bool:
    """Return whether a number is higher than it was at this time, give or take, of other days.

    Either higher than on each of the last three, by a tenth of what a day moves it; or further
    above the least of its last 24 hours than on any of the last six: it may have been put right
    since, and fill up anew.
    """
    now = next((one for one in reversed(cells[-3:]) if one is not None), None)
    if now is None:
        return False
    levels = [one for day in range(1, _LEVEL_DAYS + 1) for one in _around(cells, day)]
    least = _least(cells, 0)
    margin = _MARGIN * (max(one for one in cells[-PER_DAY:] if one is not None) - least)
    if not levels or now > max(levels) + margin:
        return True
    rises = [
        max(around) - _least(cells, day)
        for day in range(1, _RISE_DAYS + 1)
        if (around := _around(cells, day))
    ]
    return now - least > _CLEARLY * max(rises)


def _around(cells: Cells, day: int) -> list[float]:
    """Return what was so many days ago about this time."""
    then = len(cells) - 1 - day * PER_DAY
    return [one for one in cells[max(0, then - _JITTER) : then + _JITTER + 1] if one is not None]


def _least(cells: Cells, day: int) -> float:
    end = len(cells) - day * PER_DAY
    return min((one for one in cells[end - PER_DAY : end] if one is not None), default=0.0)


def by_day(cells: Cells, most: int) -> list[float]:
    """Return the usual change against the day before of each of the last days, newest first."""
    found = []
    for day in range(most):
        end = len(cells) - day * PER_DAY
        newer, older = cells[end - PER_DAY : end], cells[end - 2 * PER_DAY : end - PER_DAY]
        pairs = [_minus(a, b) for a, b in zip(newer, older, strict=True)]
        changes = [one for one in pairs if one is not None]
        if len(changes) * 2 < PER_DAY:
            break
        found.append(median(changes))
    return found
