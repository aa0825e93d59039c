"""Times that come again, as Alertmanager writes `time_intervals`: hours, weekdays, months.

Source: Alertmanager documentation, "Configuration", section "time_interval". All ranges include
both ends, but of hours the end is left out; days of a month may be counted from its end.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from opskit.core.clock import Instant, to_datetime
from opskit.outside.models import Model

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_CLOCK = re.compile(r"^(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))$")


def _numbers(text: str, names: tuple[str, ...], first: int, low: int, high: int) -> tuple[int, int]:
    """Return the two ends of a range such as `monday:friday`, `1:5`, `-3:-1` or `may`."""
    start, colon, end = text.strip().lower().partition(":")
    ends = tuple(_number(one, names, first, text) for one in (start, end if colon else start))
    if not all(low <= one <= high for one in ends) or (low < 0 and 0 in ends):
        message = f"{text!r} is out of range"
        raise ValueError(message)
    if (ends[0] < 0) == (ends[1] < 0) and ends[0] > ends[1]:
        message = f"{text!r} ends before it begins"
        raise ValueError(message)
    return ends[0], ends[1]


def _number(text: str, names: tuple[str, ...], first: int, whole: str) -> int:
    if text in names:
        return names.index(text) + first
    try:
        return int(text)
    except ValueError as error:
        known = f"{names[0]}:{names[-1]}" if names else "a number or a range as 1:5"
        message = f"{whole!r} is not understood; write {known}"
        raise ValueError(message) from error


def _weekday(text: str) -> str:
    if text.strip().lstrip("-").isdigit():
        message = f"{text!r} is not understood; write monday:friday"
        raise ValueError(message)
    _numbers(text, _DAYS, 0, 0, 6)
    return text


def _day(text: str) -> str:
    _numbers(text, (), 1, -31, 31)
    return text


def _month(text: str) -> str:
    _numbers(text, _MONTHS, 1, 1, 12)
    return text


def _year(text: str) -> str:
    _numbers(text, (), 1, 1, 9_999)
    return text


def _clock(text: str) -> str:
    if _CLOCK.match(text) is None:
        message = f"{text!r} is no time of day; write 09:00, in quotes"
        raise ValueError(message)
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{text!r} is no time zone; write Europe/Berlin"
        raise ValueError(message) from error
    return text


ClockTime = Annotated[str, AfterValidator(_clock)]
ZoneName = Annotated[str, AfterValidator(_zone)]


def minute_of(text: str) -> int:
    """Return which minute of its day `HH:MM` is."""
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


class TimeRange(Model):
    """Hours of a day; the end is left out. A night is two of them: until 24:00, and from 00:00."""

    start_time: ClockTime
    end_time: ClockTime

    def holds(self, local: datetime) -> bool:
        """Return whether a wall clock that shows this is within."""
        at = 60 * local.hour + local.minute
        return minute_of(self.start_time) <= at < minute_of(self.end_time)


class TimeSpan(Model):
    """A time in which every condition that is given holds; of each, one of several is enough."""

    times: tuple[TimeRange, ...] = ()
    weekdays: tuple[Annotated[str, AfterValidator(_weekday)], ...] = ()
    days_of_month: tuple[Annotated[str, AfterValidator(_day)], ...] = ()
    months: tuple[Annotated[str, AfterValidator(_month)], ...] = ()
    years: tuple[Annotated[str, AfterValidator(_year)], ...] = ()
    location: ZoneName = "UTC"

    def holds(self, at: Instant) -> bool:
        """Return whether the clocks of its zone are within at this instant."""
        local = to_datetime(at, ZoneInfo(self.location))
        return (
            _one(one.holds(local) for one in self.times)
            and _one(_within(one, _DAYS, 0, local.weekday()) for one in self.weekdays)
            and _one(_on_day(one, local) for one in self.days_of_month)
            and _one(_within(one, _MONTHS, 1, local.month) for one in self.months)
            and _one(_within(one, (), 1, local.year) for one in self.years)
        )


class TimeInterval(Model):
    """Times under one name: any of them."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeSpan, ...] = Field(min_length=1)

    def holds(self, at: Instant) -> bool:
        """Return whether any of its times is now."""
        return any(one.holds(at) for one in self.time_intervals)


def _one(results: Iterable[bool]) -> bool:
    """Return whether one of them is true; where nothing is asked, nothing is wrong."""
    found = list(results)
    return not found or any(found)


def _within(text: str, names: tuple[str, ...], first: int, value: int) -> bool:
    start, end = _numbers(text, names, first, 0, 9_999)
    return start <= value <= end


def _on_day(text: str, local: datetime) -> bool:
    """Return whether a day is within; -1 is the last of its month, and 31 counts as the last."""
    last = monthrange(local.year, local.month)[1]
    start, end = _numbers(text, (), 1, -31, 31)
    start = max(1, start + last + 1) if start < 0 else start
    end = end + last + 1 if end < 0 else min(end, last)
    return start <= local.day <= end
