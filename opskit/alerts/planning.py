"""`alerts/routes.yaml`, read: who is told of an alert, and who is on call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.settings import Routes
from opskit.core.errors import ConfigError
from opskit.core.text import nearest
from opskit.outside.config import Config, Settings
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
    return planned(read(path, Routes, name=ROUTES))


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
