"""Wall-clock rules of a zone as instants: months, quarters, hours of the week. Pure.

A rule is written in the time of a place, and that place's clock is put forward and back. A wall
time that is skipped means the same time counted on from before the gap, as java.time and RFC 5545
read it; one that comes twice means its first occurrence. No day has to have 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant, from_datetime, midnight, to_datetime
from opskit.core.interval import Interval

_ONE_DAY = timedelta(days=1)


def instant_of(day: date, at: time, zone: ZoneInfo) -> Instant:
    """Return the instant at which the clocks of `zone` show `at` on `day`."""
    return from_datetime(datetime.combine(day, at, zone))


def month(year: int, number: int, zone: ZoneInfo) -> Interval:
    """Return the month `number` (1 to 12) of `year`, as the clocks of `zone` count it."""
    return _months(year, number, 1, zone)


def quarter(year: int, number: int, zone: ZoneInfo) -> Interval:
    """Return the quarter `number` (1 to 4) of `year`, as the clocks of `zone` count it."""
    return _months(year, 3 * number - 2, 3, zone)


def year(number: int, zone: ZoneInfo) -> Interval:
    """Return a year, as the clocks of `zone` count it."""
    return _months(number, 1, 12, zone)


def _months(year: int, first: int, count: int, zone: ZoneInfo) -> Interval:
    more, index = divmod(first - 1 + count, 12)
    after = date(year + more, index + 1, 1)
    return Interval(midnight(date(year, first, 1), zone), midnight(after, zone))


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of wall-clock time on some days of the week, 0 being Monday.

    One that ends at or before its start ends on the next day: 22:00 to 06:00, 00:00 to 00:00.
    """

    days: frozenset[int]
    start: time
    end: time

    def on(self, day: date, zone: ZoneInfo) -> Interval | None:
        """Return the span that begins on a day, if one does.

        A clock that is put forward over both ends leaves nothing of it.
        """
        if day.weekday() not in self.days:
            return None
        last = day if self.end > self.start else day + _ONE_DAY
        start, end = instant_of(day, self.start, zone), instant_of(last, self.end, zone)
        return Interval(start, end) if start < end else None


def spans(hours: Iterable[Hours], window: Interval, zone: ZoneInfo) -> tuple[Interval, ...]:
    """Return when any of these hours hold within `window`, in order, none touching another."""
    found = [
        span
        for day in _days(window, zone)
        for one in hours
        if (span := one.on(day, zone)) is not None
    ]
    return merged(found, window)


def _days(window: Interval, zone: ZoneInfo) -> Iterator[date]:
    """Yield every civil day on which a span may begin that reaches into `window`."""
    day = to_datetime(window.start, zone).date() - 2 * _ONE_DAY
    last = to_datetime(window.end, zone).date()
    while day <= last:
        yield day
        day += _ONE_DAY


def merged(intervals: Iterable[Interval], window: Interval) -> tuple[Interval, ...]:
    """Return what the intervals cover of `window`: in order, none touching another."""
    joined: list[Interval] = []
    for one in sorted(intervals, key=lambda one: one.start):
        start, end = max(one.start, window.start), min(one.end, window.end)
        if start >= end:
            continue
        if joined and start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, Instant(max(joined[-1].end, end)))
        else:
            joined.append(Interval(Instant(start), Instant(end)))
    return tuple(joined)


def outside(spans: Iterable[Interval], window: Interval) -> tuple[Interval, ...]:
    """Return what of `window` these spans, in order and apart, leave uncovered."""
    left: list[Interval] = []
    at = window.start
    for one in spans:
        if one.start > at:
            left.append(Interval(at, one.start))
        at = Instant(max(at, one.end))
    if at < window.end:
        left.append(Interval(at, window.end))
    return tuple(left)
