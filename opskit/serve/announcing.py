"""Maintenance by API: announce work on services, end it, list it.

What is announced is kept apart from outages, so nobody may do it without a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from opskit.core.clock import DAY, Instant
from opskit.core.errors import ConfigError, DataError
from opskit.monitor.maintenance import Announcement, planned
from opskit.monitor.present import planned_json
from opskit.outside.bodies import read_body
from opskit.serve.answer import Answer, Asked, as_json, text
from opskit.serve.site import Site

_AHEAD = 30 * DAY
_NUMBER = re.compile(r"(?:M-)?([0-9]{1,9})")
_NO_TOKEN = text(403, "set serve.token_file: without a token nobody may announce work")

Handler = Callable[[Site, Asked], Answer]


def with_token(handler: Handler) -> Handler:
    """Return a handler that works only where there is a token at all."""

    def guarded(site: Site, asked: Asked) -> Answer:
        return handler(site, asked) if site.access.token else _NO_TOKEN

    return guarded


@with_token
def announce(site: Site, asked: Asked) -> Answer:
    """Announce work on services, from now on or later."""
    if not asked.is_json:
        return text(415, "send application/json, and say so in Content-Type")
    app = site.app
    try:
        wanted = read_body(asked.body, Announcement)
    except DataError as error:
        return text(400, error.message)
    try:
        services = app.catalogue.known(wanted.services)
    except ConfigError:
        return text(400, "services: there is no such service; /status.json names them")
    try:
        window = wanted.window(app.clock.now(), app.config.zone)
    except ConfigError:
        return text(400, "at: write a time to come, like 2026-12-01T22:00")
    by = replace(app.announcements, through=f"HTTP from {asked.peer}")
    numbers = by.open(services, window, wanted.reason, until_healthy=wanted.until_healthy)
    site.log.info("maintenance.opened", ids=",".join(map(str, numbers)), peer=asked.peer)
    found = [
        {"id": f"M-{number}", "service": name}
        for number, name in zip(numbers, services, strict=True)
    ]
    return replace(as_json({"maintenance": found}), status=201)


@with_token
def end(site: Site, asked: Asked) -> Answer:
    """End work now; from here on what is down counts."""
    match = _NUMBER.fullmatch(asked.path["number"])
    if match is None:
        return text(404, "there is no such maintenance")
    by = replace(site.app.announcements, through=f"HTTP from {asked.peer}")
    try:
        (ended,) = by.close([int(match[1])])
    except ConfigError:
        return text(404, "no such maintenance is open")
    site.log.info("maintenance.closed", id=ended.id, peer=asked.peer)
    return as_json({"id": f"M-{ended.id}", "service": ended.service})


def announced(site: Site, _asked: Asked) -> Answer:
    """Return the work that is announced or comes again within a month."""
    app, now = site.app, site.app.clock.now()
    with app.database.read() as connection:
        until = Instant(now + _AHEAD)
        found = planned(connection, app.catalogue, now, until, app.config.zone)
    return as_json({"maintenance": [planned_json(one) for one in found]})
