"""A rota that a calendar says: events, each naming who is on call. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from opskit.alerts.routing.rota import Shift, cut, over
from opskit.core.clock import DAY
from opskit.core.interval import Interval

# A calendar has no turns: so far ahead is looked for who comes next.
_AHEAD = 31 * DAY
_WORDS = re.compile(r"[^\s()\[\],;:/|]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event: when it is, its summary, and the addresses of who attends."""

    interval: Interval
    summary: str
    attendees: tuple[str, ...] = ()


class Entries(Protocol):
    """The events of a calendar, those that come again included."""

    def within(self, window: Interval, zone: ZoneInfo) -> Sequence[Entry]:
        """Return the events that reach into a window; `zone` is of times that name none."""
        ...


@dataclass(frozen=True, slots=True)
class Roll:
    """Who may be on call: people by their name, and by their address of mail."""

    contacts: Mapping[str, Sequence[str]]

    def whose(self, summary: str, attendees: Sequence[str]) -> str | None:
        """Return who an event names; None for nobody who has contacts.

        An attendee goes first; of a summary the first word that is somebody's name.
        """
        addresses = {
            way.partition(":")[2].casefold(): person
            for person, ways in self.contacts.items()
            for way in ways
            if ":" in way
        }
        known = (addresses.get(one.casefold()) for one in attendees)
        names = {person.casefold(): person for person in self.contacts}
        whole = names.get(summary.strip().casefold())
        words = (names.get(word.casefold()) for word in _WORDS.findall(summary))
        return next((one for one in (*known, whole, *words) if one is not None), None)


@dataclass(frozen=True, slots=True)
class Agenda:
    """A layer of a rota by a calendar; events that name nobody leave a gap."""

    entries: Entries
    roll: Roll

    def taken(self, window: Interval, zone: ZoneInfo) -> tuple[Shift, ...]:
        """Return the shifts that reach into a window, cut at its ends.

        Where two events overlap, the one that begins later holds.
        """
        found: tuple[Shift, ...] = ()
        for one in sorted(self.entries.within(window, zone), key=lambda one: one.interval.start):
            person = self.roll.whose(one.summary, one.attendees)
            if person is not None:
                found = over(found, cut(Shift(one.interval, person), window))
        return found

    @property
    def reach(self) -> int:
        """Return how far is looked for who comes next."""
        return _AHEAD
