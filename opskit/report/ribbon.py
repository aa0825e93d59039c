"""A timeline cut into cells that a reader can take in at a glance. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Instant, midnight, to_datetime
from opskit.core.interval import Interval, Timeline, clip, totals
from opskit.report.model import Cell

_MOST_CELLS = 62
# Cell lengths for periods under two days; longer ones get civil days.
_STEPS = (
    SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND,
    MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR,
)  # fmt: skip


def ribbon(timeline: Timeline, period: Interval, zone: ZoneInfo) -> tuple[Cell, ...]:
    """Return the period's cells: one per civil day of `zone`, or shorter for a short period."""
    return tuple(
        Cell(cell.start, cell.end, label, totals(clip(timeline, cell)))
        for cell, label in _labeled(period, zone)
    )


# The same for each service of a report.
@lru_cache(maxsize=16)
def _labeled(period: Interval, zone: ZoneInfo) -> tuple[tuple[Interval, str], ...]:
    return tuple((cell, _label(cell, period, zone)) for cell in _cells(period, zone))


def _cells(period: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    if period.length >= 2 * DAY:
        yield from _days(period, zone)
        return
    step = next((s for s in _STEPS if period.length <= s * _MOST_CELLS), HOUR)
    start = period.start
    while start < period.end:
        end = Instant(min((start // step + 1) * step, period.end))
        yield Interval(start, end)
        start = end


def _days(period: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    day = to_datetime(period.start, zone).date()
    start = period.start
    while start < period.end:
        day += timedelta(days=1)
        end = Instant(min(midnight(day, zone), period.end))
        # A zone that moves across the date line leaves a day out.
        if end > start:
            yield Interval(start, end)
        start = end


def _label(cell: Interval, period: Interval, zone: ZoneInfo) -> str:
    moment: datetime = to_datetime(cell.start, zone)
    if period.length >= 2 * DAY:
        return moment.strftime("%a %d %b")
    return moment.strftime("%H:%M" if period.length > HOUR else "%H:%M:%S")
