"""What can be asked, by whom, and how much of it: the one table of the web side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opskit.serve import announcing, apiv2, intake, openapi, pages, probing, reports
from opskit.serve.answer import Answer, Asked
from opskit.serve.site import Site

Handler = Callable[[Site, Asked], Answer]
# nobody: open to all who reach it. token: needs it where there is one. status: as the settings
# say. beat: the token of one heartbeat does as well. signature: the handler looks itself.
Needs = Literal["nobody", "token", "status", "beat", "signature"]

_PAGE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Route:
    """A path, what answers it, and what that takes. `acts`: it is no page that only shows."""

    path: str
    page: str
    handler: Handler
    needs: Needs = "token"
    methods: tuple[str, ...] = _PAGE
    body_limit: int = 0
    acts: bool = False


_WORK = "/maintenance"
# A thousand alerts and more in one message; a signed event is much smaller (`intake.py`).
_ALERTS = 2_097_152
_API = "/api/v2"
_BEAT = ("GET", "HEAD", "POST")

ROUTES = (
    Route("/", "status", pages.status, "status"),
    Route("/status.json", "status", pages.status_json, "status"),
    Route("/badge/{file}", "badge", pages.badge, "status"),
    Route("/reports", "reports", reports.listing),
    Route("/reports/{file}", "report", reports.report),
    Route("/metrics", "metrics", pages.metrics),
    Route("/probe", "probe", probing.probe, acts=True),
    Route("/sd/http", "targets", pages.targets),
    Route("/-/healthy", "healthy", pages.healthy, "nobody"),
    Route("/-/ready", "ready", pages.ready, "nobody"),
    Route("/heartbeat/{name}", "heartbeat", intake.heartbeat, "beat", _BEAT, 16_384, acts=True),
    Route(
        "/heartbeat/{name}/{word}", "heartbeat", intake.heartbeat, "beat", _BEAT, 16_384, acts=True
    ),
    Route(_WORK, "maintenance", announcing.announced),
    Route(_WORK, "maintenance", announcing.announce, "token", ("POST",), 65_536, acts=True),
    Route(
        _WORK + "/{number}/close", "maintenance", announcing.end, "token", ("POST",), 0, acts=True
    ),
    Route("/webhook/{name}", "webhook", intake.webhook, "signature", ("POST",), _ALERTS, acts=True),
    Route("/api/openapi.json", "api", openapi.shown),
    Route(_API + "/status", "api", apiv2.status),
    Route(_API + "/receivers", "api", apiv2.receivers),
    Route(_API + "/alerts", "alerts", apiv2.alerts),
    Route(_API + "/alerts", "alerts", apiv2.post_alerts, "token", ("POST",), _ALERTS, acts=True),
    Route(_API + "/silences", "silences", apiv2.silences),
    Route(
        _API + "/silences", "silences", apiv2.post_silence, "token", ("POST",), 65_536, acts=True
    ),
    Route(_API + "/silence/{id}", "silences", apiv2.silence),
    Route(_API + "/silence/{id}", "silences", apiv2.end_silence, "token", ("DELETE",), acts=True),
)
