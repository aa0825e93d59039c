"""The door to iCalendar files (RFC 5545): what is in them is read once, and told by times.

Files come from elsewhere: what would cost more than it says is refused, with where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, Instant, from_datetime, to_datetime
from opskit.core.errors import DataError
from opskit.core.findings import Finding, Location, Severity
from opskit.core.interval import Interval
from opskit.core.text import clean, decode, shorten
from opskit.outside.files import open_file

if TYPE_CHECKING:
    from icalendar import Calendar

_MOST_BYTES = 2_000_000
_MOST_EVENTS = 5_000
# Each is counted from its beginning, whenever that was.
_MOST_RECURRING = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_PARTS_OF_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event at one time: its summary, and the addresses of who attends."""

    interval: Interval
    summary: str
    attendees: tuple[str, ...]


class CalendarFile:
    """The events of a file, those that come again included.

    Raises:
        DataError: it is none, or holds what is not taken, each with its line.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name, self._text = name, text
        self._calendar = _parsed(text, name)
        findings = tuple(_refused(self._calendar, text, name))
        if findings:
            raise DataError(f"{name}: {findings[0].message}", findings)
        # One look at who is on call asks for the same days as the one before.
        self._of_days = lru_cache(16)(self._expanded)

    @classmethod
    def read(cls, path: Path, name: str) -> CalendarFile:
        """Return the file at `path`.

        Raises:
            DataError: it is no calendar.
            ConfigError: there is no such file.
        """
        with open_file(path) as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            message = f"more than {_MOST_BYTES // 1_000_000} MB are no calendar of shifts"
            finding = Finding("file-value", Severity.HIGH, name, message, Location(name))
            raise DataError(f"{name}: {message}", (finding,))
        return cls(decode(data), name)

    def within(self, window: Interval, zone: ZoneInfo) -> tuple[Happening, ...]:
        """Return the events that reach into a window; `zone` is of times that name none."""
        first, last = window.start // DAY, window.end // DAY + 1
        return tuple(
            one
            for one in self._of_days(first, last, zone)
            if one.interval.start < window.end and one.interval.end > window.start
        )

    def happenings(self) -> Iterator[tuple[str, tuple[str, ...], Location]]:
        """Yield each event once: summary, attendees, and where it stands."""
        for event in self._calendar.walk("VEVENT"):
            yield _summary(event), _attendees(event), self._where(event)

    def _where(self, event: Any) -> Location:  # noqa: ANN401  # a component of the library
        return Location(self.name, _line(self._text, str(event.get("UID", ""))))

    def _expanded(self, first: int, last: int, zone: ZoneInfo) -> tuple[Happening, ...]:
        import recurring_ical_events  # noqa: PLC0415  # heavy

        start, end = to_datetime(first * DAY, zone), to_datetime(last * DAY, zone)
        found = recurring_ical_events.of(self._calendar).between(start, end)
        return tuple(one for event in found if (one := _happening(event, zone)) is not None)


def _parsed(text: str, name: str) -> Calendar:
    import icalendar  # noqa: PLC0415  # heavy

    try:
        return icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError) as error:
        why = shorten(clean(str(error)), 120) or "it cannot be read"
        finding = Finding("file-value", Severity.HIGH, name, f"no calendar: {why}", Location(name))
        raise DataError(f"{name} is no calendar: {why}", (finding,)) from error


def _refused(calendar: Calendar, text: str, name: str) -> Iterator[Finding]:
    """Yield what is not taken, each with its line."""
    events = calendar.walk("VEVENT")
    recurring = [one for one in events if "RRULE" in one]
    if len(events) > _MOST_EVENTS or len(recurring) > _MOST_RECURRING:
        message = (
            f"{len(events)} events, {len(recurring)} of which come again; at most "
            f"{_MOST_EVENTS} and {_MOST_RECURRING} are taken"
        )
        yield Finding("file-value", Severity.HIGH, name, message, Location(name))
    for event in events:
        why = _why_not(event)
        if why:
            at = Location(name, _line(text, str(event.get("UID", ""))))
            yield Finding("file-value", Severity.HIGH, _summary(event), why, at)


def _why_not(event: Any) -> str:  # noqa: ANN401  # a component of the library
    if "DTSTART" not in event:
        return "an event without DTSTART is at no time"
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if _TOO_OFTEN & {str(one).upper() for one in rule.get("FREQ", [])}:
            return "an event that comes several times a day is no shift"
        if any(part in rule for part in _PARTS_OF_A_DAY):
            return "an event that comes at several times of a day is taken as several events only"
    return ""


def _line(text: str, uid: str) -> int:
    if not uid:
        return 0
    found = text.find(f"UID:{uid}")
    return 0 if found < 0 else text.count("\n", 0, found) + 1


def _happening(event: Any, zone: ZoneInfo) -> Happening | None:  # noqa: ANN401  # the same
    start, end = _instant(event.start, zone), _instant(event.end, zone)
    if start >= end:
        return None
    return Happening(Interval(start, end), _summary(event), _attendees(event))


def _instant(value: date | datetime, zone: ZoneInfo) -> Instant:
    """Return the instant of a time; a day begins at midnight, what names no zone is in `zone`."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    return from_datetime(value if value.tzinfo is not None else value.replace(tzinfo=zone))


def _summary(event: Any) -> str:  # noqa: ANN401  # the same
    return clean(str(event.get("SUMMARY", "")))


def _attendees(event: Any) -> tuple[str, ...]:  # noqa: ANN401  # the same
    found = event.get("ATTENDEE", [])
    every = found if isinstance(found, list) else [found]
    return tuple(clean(str(one).partition(":")[2] or str(one)) for one in every)
