"""`alerts/routes.yaml`, read: who is told of an alert, and who is on call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.alerts.routing.agenda import Entry, Roll
from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.settings import Routes
from opskit.core.errors import ConfigError, DataError
from opskit.core.findings import Finding, Location, Severity
from opskit.core.interval import Interval
from opskit.core.text import nearest
from opskit.outside.config import Config, Settings
from opskit.outside.icalendar import CalendarFile
from opskit.outside.models import read
from opskit.outside.notify.settings import ADDRESS, Mail

ROUTES = "alerts/routes.yaml"
WEBHOOK, MAIL, SLACK = "webhook", "mail", "slack"


def plan_of(config: Config) -> Plan:
    """Return what the routes file of an ops repository says.

    Raises:
        ConfigError: there is none.
        DataError: with a finding for each mistake in it.
    """
    path = config.path(ROUTES)
    if not path.is_file():
        raise ConfigError(f"there is no {ROUTES}", hint="opskit schema routes says what it holds")
    routes = read(path, Routes, name=ROUTES)
    return planned(routes, {name: _entries(config, name) for name in calendars(routes)})


def calendars(routes: Routes) -> tuple[str, ...]:
    """Return the calendar files that layers of rotas name, each once."""
    named = (layer.calendar for rota in routes.rotas for layer in rota.layers)
    return tuple(dict.fromkeys(one for one in named if one))


def _entries(config: Config, name: str) -> CalendarEntries:
    return CalendarEntries(CalendarFile.read(config.path(name), name))


@dataclass(frozen=True, slots=True)
class CalendarEntries:
    """A calendar file as a rota reads it."""

    file: CalendarFile

    def within(self, window: Interval, zone: ZoneInfo) -> tuple[Entry, ...]:
        """Return the events that reach into a window; `zone` is of times that name none."""
        found = self.file.within(window, zone)
        return tuple(Entry(one.interval, one.summary, one.attendees) for one in found)


def unnamed(config: Config, routes: Routes) -> Iterator[Finding]:
    """Yield each event of a calendar that names nobody who has contacts, and bad calendars."""
    roll = Roll(routes.contacts)
    for name in calendars(routes):
        try:
            events = CalendarFile.read(config.path(name), name).happenings()
        except DataError as error:
            yield from error.findings
            continue
        except ConfigError as error:
            yield Finding("file-missing", Severity.HIGH, name, error.message, Location(name))
            continue
        for summary, attendees, where in events:
            if roll.whose(summary, attendees) is None:
                message = f"{summary!r} names nobody who has contacts in {ROUTES}"
                yield Finding("alerts-calendar", Severity.MEDIUM, summary, message, where)


def untold(routes: Routes, settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the channels that a routes file names."""
    mail = {name for name, one in settings.channels.items() if isinstance(one, Mail)}
    mail |= {MAIL} if settings.mail is not None else set()
    named = ((name, getattr(settings, name)) for name in (WEBHOOK, MAIL, SLACK))
    known = {*settings.channels, *(name for name, own in named if own is not None)}
    for where, destination in _destinations(routes):
        name, colon, address = destination.partition(":")
        if name not in known:
            guess = nearest(name, sorted(known))
            meant = f"; did you mean {guess}?" if guess else ""
            yield f"{where}: there is no channel {name!r} in opskit.yaml{meant}"
        elif colon and name not in mail:
            yield f"{where}: {name} is no mail, so {destination!r} cannot name who is told"
        elif colon and not re.fullmatch(ADDRESS, address):
            yield f"{where}: {address!r} is no address"


def _destinations(routes: Routes) -> Iterator[tuple[str, str]]:
    for receiver in routes.receivers:
        yield from ((f"receiver {receiver.name}", one) for one in receiver.channels)
    for person, ways in routes.contacts.items():
        yield from ((f"contacts of {person}", one) for one in ways)
