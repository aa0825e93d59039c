"""The pages that tell how things are: for Prometheus, for people, for programs."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from opskit.core.clock import SECOND, Duration, midnight, to_datetime
from opskit.core.interval import Interval
from opskit.monitor.status import TargetStatus, statuses
from opskit.monitor.uptime import ServiceUptime, uptimes
from opskit.report.render import html
from opskit.report.times import Times
from opskit.serve import exporter, statusview
from opskit.serve.answer import Answer, Asked, as_json, text
from opskit.serve.badge import badge_json, badge_svg
from opskit.serve.site import Site
from opskit.serve.statusview import ServiceNow

_KEPT = Duration(10 * SECOND)
_REFRESH = 60
_SVG = "image/svg+xml"


def metrics(site: Site, _asked: Asked) -> Answer:
    """Show what can be measured now."""
    return Answer(200, exporter.page(site.families()), exporter.CONTENT_TYPE)


def healthy(_site: Site, _asked: Asked) -> Answer:
    """Say that the process answers."""
    return text(200, "healthy")


def ready(site: Site, _asked: Asked) -> Answer:
    """Say whether it looks at what it should."""
    return text(200, "ready") if site.ready() else text(503, "the loop does not move")


@dataclass(frozen=True)
class _Overview:
    """What the pages for people are made of, read in one go."""

    window: Interval
    targets: Sequence[TargetStatus]
    uptimes: Sequence[ServiceUptime]
    services: Sequence[ServiceNow]


def _overview(site: Site) -> _Overview:
    return site.kept.get("overview", site.app.clock, _KEPT, lambda: _read(site))


def _read(site: Site) -> _Overview:
    app, zone = site.app, site.app.config.zone
    now = app.clock.now()
    first = to_datetime(now, zone).date() - timedelta(days=statusview.DAYS - 1)
    window = Interval(midnight(first, zone), now)
    with app.database.read() as connection:
        targets = statuses(connection, app.catalogue, now)
        past = uptimes(connection, app.catalogue, window, zone)
    return _Overview(window, targets, past, statusview.services_now(targets, past))


def _with_reasons(site: Site) -> bool:
    """Return whether whoever sees the page may know more than how things are."""
    return not site.app.config.settings.serve.public_status


def status(site: Site, _asked: Asked) -> Answer:
    """Show every service to people."""
    return Answer(
        200,
        site.kept.get("status", site.app.clock, _KEPT, lambda: _page(site)),
        "text/html; charset=utf-8",
        {"content-security-policy": policy()},
    )


def _page(site: Site) -> bytes:
    seen = _overview(site)
    page = statusview.status_page(
        seen.services,
        seen.uptimes,
        seen.window,
        Times(site.app.config.zone, seen.window),
        with_reasons=_with_reasons(site),
    )
    return html.status_page(page).encode("utf-8", "backslashreplace")


def policy() -> str:
    """Return what a browser may do with the page: show it in its own style, and nothing else."""
    digest = b64encode(hashlib.sha256(html.style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def status_json(site: Site, _asked: Asked) -> Answer:
    """Show every service to programs."""
    seen = _overview(site)
    data = statusview.status_json(
        seen.services, seen.uptimes, seen.targets, with_reasons=_with_reasons(site)
    )
    return as_json(data)


def badge(site: Site, asked: Asked) -> Answer:
    """Show one service as a picture, or as shields.io reads it."""
    name, _, form = asked.path["file"].rpartition(".")
    found = next((one for one in _overview(site).services if one.name == name), None)
    if found is None or form not in {"svg", "json"}:
        return text(404, "there is no such badge")
    if form == "json":
        return as_json(badge_json(found), Cache_Control=f"max-age={_REFRESH}")
    return Answer(200, badge_svg(found).encode(), _SVG, {"cache-control": f"max-age={_REFRESH}"})


def targets(site: Site, asked: Asked) -> Answer:
    """List what Prometheus may scrape, in the form of http_sd."""
    source = asked.query.get("source", "")
    if source not in {"", "inventory", "catalogue"}:
        return text(400, "source is inventory or catalogue")
    refresh = asked.headers.get("x-prometheus-refresh-interval-seconds", "")
    given = min(float(refresh), 3_600.0) if refresh.replace(".", "", 1).isdecimal() else _REFRESH
    # Whoever asks again so soon means to see what is new; Ansible takes a second to tell.
    length = Duration(int(max(given, 10) * SECOND) // 2)
    name = f"targets {source}"
    found = site.kept.get(name, site.app.clock, length, lambda: site.app.scrape_targets(source))
    return as_json([one.as_json() for one in found])
