"""Instants, durations and the clock that can be frozen.

An instant is a UTC integer in microseconds since 1970; a duration is an integer in microseconds.
Wall time stamps events; only the monotonic reading measures how long something took.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NewType, Protocol
from zoneinfo import ZoneInfo

Instant = NewType("Instant", int)
Duration = NewType("Duration", int)

NOTHING = Duration(0)
SECOND = Duration(1_000_000)
MINUTE = Duration(60 * SECOND)
HOUR = Duration(60 * MINUTE)
DAY = Duration(24 * HOUR)

_UNITS = {"ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time. Everything that needs `now` is given one of these."""

    def now(self) -> Instant:
        """Return the wall clock."""
        ...

    def monotonic(self) -> Duration:
        """Return a reading that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Return the wall clock."""
        return Instant(time.time_ns() // 1_000)

    def monotonic(self) -> Duration:
        """Return the monotonic clock."""
        return Duration(time.monotonic_ns() // 1_000)


@dataclass
class FrozenClock:
    """A clock that moves only when told to. For tests and for recomputing the past."""

    at: Instant
    elapsed: Duration = field(default=Duration(0))

    def now(self) -> Instant:
        """Return the frozen instant."""
        return self.at

    def monotonic(self) -> Duration:
        """Return how far the clock was advanced."""
        return self.elapsed

    def advance(self, duration: int) -> None:
        """Move both clocks forward."""
        self.at = Instant(self.at + duration)
        self.elapsed = Duration(self.elapsed + duration)


def parse_duration(text: str) -> Duration:
    """Return the duration written as `30s`, `4h`, `1h30m`, `250ms`.

    Raises:
        ValueError: the text is anything else, a bare number included.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        message = f"{text!r} is not a duration; write a number with a unit: 500ms, 30s, 5m, 4h, 7d"
        raise ValueError(message)
    return Duration(sum(int(number) * _UNITS[unit] for number, unit in parts))


def format_duration(duration: int) -> str:
    """Return a duration for people: `4 min 12 s`, `3 h 5 min`, `0.25 s`; at most two units."""
    if duration < 0:
        return "-" + format_duration(-duration)
    if duration < 10 * SECOND and duration % SECOND:
        return f"{duration / SECOND:.2f} s"
    seconds = (duration + SECOND // 2) // SECOND
    names = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    index = next((i for i, (_, size) in enumerate(names) if seconds >= size), len(names) - 1)
    words: list[str] = []
    for name, size in names[index : index + 2]:
        count, seconds = divmod(seconds, size)
        if count or not words:
            words.append(f"{count} {name}")
    return " ".join(words)


def from_datetime(moment: datetime) -> Instant:
    """Return the instant of an aware datetime, exact to the microsecond."""
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))


def to_datetime(instant: int, zone: ZoneInfo | None = None) -> datetime:
    """Return an instant as an aware datetime in `zone` (default UTC)."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone or UTC)


def iso(instant: int, zone: ZoneInfo | None = None) -> str:
    """Return `2026-11-21T09:15:02Z`, or with the offset of `zone`."""
    text = to_datetime(instant, zone).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z") if zone is None else text


def parse_instant(text: str, zone: ZoneInfo) -> Instant:
    """Return the instant of an ISO date or date-time; one without an offset is in `zone`.

    Raises:
        ValueError: the text is no ISO 8601 date or date-time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a date; write 2026-11-21 or 2026-11-21T09:15:00"
        raise ValueError(message) from None
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def midnight(day: date, zone: ZoneInfo) -> Instant:
    """Return the first instant of a civil day, also where a clock change skips midnight."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    # A wall time that a clock change skipped does not survive the round trip through UTC.
    return from_datetime(start.astimezone(UTC).astimezone(zone))
