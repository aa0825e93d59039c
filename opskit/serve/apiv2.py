"""Version 2 of Alertmanager's API, as far as a Prometheus and amtool use it.

What acts takes the token as `Authorization: Bearer`, and needs that there is one. Answers to what
is wrong are JSON texts, as Alertmanager gives them, and never repeat what was sent.
"""

from __future__ import annotations

import platform
from dataclasses import replace

from opskit import __version__
from opskit.alerts.alertmanager.listing import NOBODY, Board, Wanted, matchers
from opskit.alerts.alertmanager.messages import MOST_ALERTS, PostedAlert
from opskit.alerts.alertmanager.silences import SilenceBody, shown, stamp
from opskit.alerts.store.said import Noted
from opskit.core.errors import ConfigError, DataError
from opskit.outside.bodies import read_bodies, read_body
from opskit.serve.announcing import with_token
from opskit.serve.answer import Answer, Asked, as_json
from opskit.serve.site import Site

# Who sends to the API has no name of its own.
SOURCE = "api"


def status(site: Site, _asked: Asked) -> Answer:
    """Say what answers here."""
    version = {
        "version": f"opskit-{__version__}", "branch": "", "revision": "", "buildDate": "",
        "buildUser": "", "goVersion": f"python-{platform.python_version()}",
    }  # fmt: skip
    return as_json(
        {
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": version,
            # The routes are a file of the repository; nothing of it is shown here.
            "config": {"original": ""},
            "uptime": stamp(site.since),
        }
    )


def receivers(site: Site, _asked: Asked) -> Answer:
    """Name who may be told."""
    plan = site.app.alerting.plan
    names = [one.name for one in plan.routes.receivers] if plan else [NOBODY]
    return as_json([{"name": name} for name in names])


def alerts(site: Site, asked: Asked) -> Answer:
    """Show the alerts that fire."""
    try:
        wanted = Wanted.of(asked.queries)
    except ValueError:
        return _wrong(400, "the query cannot be read")
    app, plan = site.app, site.app.alerting.plan
    router = None if plan is None else plan.router
    board = Board(
        app.alerting.silencing.alerts(), app.alerting.silencing.silences(), router, app.clock.now()
    )
    return as_json(list(board.alerts(wanted)))


@with_token
def post_alerts(site: Site, asked: Asked) -> Answer:
    """Take alerts; each ends at its end unless it is sent again."""
    if not asked.is_json:
        return _NO_JSON
    try:
        given = read_bodies(asked.body, PostedAlert, most=MOST_ALERTS)
    except DataError as error:
        return _wrong(400, error.message)
    app = site.app
    now = app.clock.now()
    app.alerting.hearing.lapse()
    heard = app.alerting.hearing.take(SOURCE, [one.posted(now) for one in given])
    if heard.fired or heard.resolved:
        site.log.info(
            "alerts", fired=heard.fired, resolved=heard.resolved, peer=asked.peer
        )  # fmt: skip
    return Answer(200, b"")


def silences(site: Site, asked: Asked) -> Answer:
    """Show the silences that hold, will hold, or ended lately."""
    try:
        wanted = matchers(asked.queries)
    except ValueError:
        return _wrong(400, "the query cannot be read")
    now = site.app.clock.now()
    found = [one for one in site.app.alerting.silencing.silences() if _has(one, wanted)]
    return as_json([shown(one, now) for one in found])


def silence(site: Site, asked: Asked) -> Answer:
    """Show one silence."""
    found = _kept(site, asked.path["id"])
    return _NO_SILENCE if found is None else as_json(shown(found, site.app.clock.now()))


@with_token
def post_silence(site: Site, asked: Asked) -> Answer:
    """Make a silence; one whose id is given ends for it."""
    if not asked.is_json:
        return _NO_JSON
    app = site.app
    now = app.clock.now()
    try:
        wanted = read_body(asked.body, SilenceBody)
    except DataError as error:
        return _wrong(400, error.message)
    noted = wanted.noted(now)
    if noted.silence.id and _kept(site, noted.silence.id) is None:
        return _NO_SILENCE
    try:
        name = app.alerting.silencing.silence(noted)
    except ConfigError as error:
        return _wrong(400, error.message)
    site.log.info("silence.created", id=name, peer=asked.peer)
    return as_json({"silenceID": name})


@with_token
def end_silence(site: Site, asked: Asked) -> Answer:
    """End a silence now; one that ended stays as it is."""
    if _kept(site, asked.path["id"]) is None:
        return _NO_SILENCE
    if site.app.alerting.silencing.expire(asked.path["id"]):
        site.log.info("silence.expired", id=asked.path["id"], peer=asked.peer)
    return Answer(200, b"")


def _wrong(code: int, words: str) -> Answer:
    return replace(as_json(words), status=code)


_NO_JSON = _wrong(415, "send application/json, and say so in Content-Type")
_NO_SILENCE = _wrong(404, "there is no such silence")


def _kept(site: Site, name: str) -> Noted | None:
    kept = site.app.alerting.silencing.silences()
    return next((one for one in kept if one.silence.id == name), None)


def _has(one: Noted, wanted: tuple[object, ...]) -> bool:
    """Return whether a silence has all matchers of a filter."""
    return all(each in one.silence.matchers for each in wanted)
