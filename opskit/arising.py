"""Alerts as the desk is told of them: whose they are, whether users are hit, who has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opskit.alerts.firing import Firing, State
from opskit.alerts.routing.verdicts import Acknowledgement
from opskit.alerts.store import firings, said
from opskit.core.clock import Clock, Instant
from opskit.core.interval import Interval
from opskit.desk.incidents.model import Warned
from opskit.outside.database import Database


@dataclass(frozen=True, slots=True)
class Hit:
    """Whose a service is, and whether users are hit when it is down."""

    team: str
    visible: bool


@dataclass(frozen=True)
class RecordedAlerts:
    """Reads what fires and fired; `services` says of each whose it is."""

    database: Database
    clock: Clock
    services: Callable[[], Mapping[str, Hit]]

    def since(self, at: Instant) -> tuple[Warned, ...]:
        """Return what fires, and what ended after an instant, oldest first."""
        now = self.clock.now()
        with self.database.read() as connection:
            found = firings.within(connection, Interval(at, Instant(now + 1)))
            taken = said.acknowledgements(connection, at)
        own = [one for one in found if one.state(now) is not State.PENDING]
        services = self.services() if own else {}
        return tuple(_warned(one, services, _of(one, taken), now) for one in own)


def _of(one: Firing, taken: Iterable[Acknowledgement]) -> Acknowledgement | None:
    """Return who first took an alert this time that it fires."""
    begun = one.starts_at or one.since
    own = (each for each in taken if each.fingerprint == one.fingerprint and each.at >= begun)
    return min(own, key=lambda each: each.at, default=None)


def _warned(
    one: Firing, services: Mapping[str, Hit], taken: Acknowledgement | None, now: Instant
) -> Warned:
    service = one.labels.get("service", "")
    hit = services.get(service, Hit("", visible=False))
    over = one.ends_at is not None and one.ends_at <= now
    return Warned(
        name=f"alert-{one.id}",
        look=one.fingerprint,
        title=one.annotations.get("summary") or one.name,
        severity=one.severity,
        labels=one.labels,
        begun=one.starts_at or one.since,
        ended=one.ends_at if over else None,
        service=service,
        team=one.labels.get("team") or hit.team,
        visible=hit.visible,
        taken_by="" if taken is None else taken.by,
        taken_at=None if taken is None else taken.at,
    )
