"""Shifts as a calendar that phones and mail programs subscribe to. Pure.

Source of the format: RFC 5545.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from opskit.alerts.routing.rota import Shift
from opskit.core.clock import Instant, to_datetime

_LINE = 75


def calendar(shifts: Iterable[tuple[str, Shift]], now: Instant) -> str:
    """Return shifts, each with the name of its rota, as an iCalendar stream.

    One shift has the same UID each time, so that a calendar that reads it again moves nothing.
    """
    events = (line for rota, shift in shifts for line in _event(rota, shift, now))
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//opskit//on call//EN", "CALSCALE:GREGORIAN")
    lines = (*head, *events, "END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(rota: str, shift: Shift, now: Instant) -> Iterator[str]:
    start, end = shift.interval.start, shift.interval.end
    uid = hashlib.sha256(f"{rota}\0{shift.person}\0{start}".encode()).hexdigest()[:32]
    yield "BEGIN:VEVENT"
    yield f"UID:{uid}@opskit"
    yield f"DTSTAMP:{_moment(now)}"
    yield f"DTSTART:{_moment(start)}"
    yield f"DTEND:{_moment(end)}"
    yield f"SUMMARY:{_escaped(f'{shift.person} on call ({rota})')}"
    yield "END:VEVENT"


def _moment(at: Instant) -> str:
    return f"{to_datetime(at):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return "".join(one if one >= " " and one != "\x7f" else " " for one in text)


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 bytes; those after the first begin with a space."""
    part = ""
    for letter in line:
        if len((part + letter).encode()) > _LINE:
            yield part
            part = " "
        part += letter
    yield part
