"""The thirteen months, the last of which is reported on, and chance that is always the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import HOUR, MINUTE, Duration, Instant, from_datetime, to_datetime
from opskit.core.interval import Interval
from opskit.report.statistics.draws import normal
from opskit.report.statistics.functions import exp

ZONE = ZoneInfo("Europe/Berlin")
MONTHS: tuple[Interval, ...] = tuple(
    month(2025 + (9 + number) // 12, (9 + number) % 12 + 1, ZONE) for number in range(13)
)
PERIOD = MONTHS[-1]
WHOLE = Interval(MONTHS[0].start, PERIOD.end)
# Until then the services were watched, and incidents kept, by what was there before opskit.
TAKEN_OVER = MONTHS[3].start
# From then on warnings are told, and drills made.
WARNED_SINCE = MONTHS[2].start
_OFFICE_OPENS, _OFFICE_CLOSES, _SATURDAY = 8, 18, 5

T = TypeVar("T")


def at(text: str) -> Instant:
    """Return the instant of a wall time, `2026-10-14 09:12`."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def later(start: Instant, minutes: float) -> Instant:
    """Return the instant some minutes on."""
    return Instant(start + round(minutes) * MINUTE)


def minutes(number: float) -> Duration:
    """Return so many whole minutes."""
    return Duration(round(number) * MINUTE)


def after_hours(instant: Instant) -> bool:
    """Return whether the office is closed then."""
    moment = to_datetime(instant, ZONE)
    open_now = _OFFICE_OPENS <= moment.hour < _OFFICE_CLOSES
    return moment.weekday() >= _SATURDAY or not open_now


def mornings(period: Interval, weekdays: Sequence[int], time: str) -> tuple[Instant, ...]:
    """Return a time of day on each of these days of the week, 0 being Monday."""
    day = to_datetime(period.start, ZONE).date()
    found = []
    while (now := at(f"{day} {time}")) < period.end:
        if day.weekday() in weekdays:
            found.append(now)
        day += timedelta(days=1)
    return tuple(found)


def pick(source: Random, choices: Sequence[T]) -> T:
    """Return one of several."""
    return choices[int(source.random() * len(choices))]


def office_hour(source: Random, period: Interval) -> Instant:
    """Return a moment of a working day of the period."""
    while True:
        moment = Instant(period.start + int(source.random() * (period.length // MINUTE)) * MINUTE)
        if not after_hours(moment):
            return moment


def skewed(source: Random, median: float, spread: float) -> float:
    """Return a value as times are spread: half are below `median`, some are far above."""
    return median * exp(spread * normal(source))


def slowly(number: int, first: float, last: float) -> float:
    """Return where something stands in month `number` on its way over the thirteen months."""
    return first + (last - first) * number / (len(MONTHS) - 1)


def hours(number: float) -> Duration:
    """Return so many hours."""
    return Duration(round(number * HOUR))
