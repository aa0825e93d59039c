"""What the monitor can show for a period, in the report's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant
from opskit.core.evidence import (
    Evidence,
    Reading,
    RenewalEvidence,
    ServiceEvidence,
    WarningEvidence,
    only,
)
from opskit.core.interval import Interval, State, Stretch
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Registration
from opskit.monitor.numbers import CERTIFICATE, DOMAIN
from opskit.monitor.proof import evidenced
from opskit.monitor.store import deadlines, targets
from opskit.monitor.store.deadlines import Deadline
from opskit.monitor.uptime import ServiceUptime, uptimes
from opskit.monitor.windows import parts
from opskit.outside.database import Database


@dataclass(frozen=True)
class MonitorEvidence:
    """Reads services out of the monitor's tables; read `BARE`, no row names what shows it."""

    database: Database
    catalogue: Catalogue | None
    zone: ZoneInfo
    now: Instant
    reading: Reading = Reading.ALL

    @property
    def name(self) -> str:
        """Return what its records are called."""
        return "looks at services"

    def since(self) -> Instant | None:
        """Return when the first target was registered; None where there is none."""
        with self.database.read() as connection:
            known = targets.registrations(connection)
        return min((one.since for one in known.values()), default=None)

    def evidence(self, period: Interval) -> Evidence:
        """Return each service's timeline.

        What came into the catalogue after a period was over is no part of it.
        """
        if self.catalogue is None:
            return Evidence(not_configured={"services": "there is no service catalogue"})
        with self.database.read() as connection:
            names = self._known_by(targets.registrations(connection), self.catalogue, period.end)
            seen = uptimes(connection, self.catalogue, period, self.zone, names)
            found = evidenced(connection, seen) if self.reading is Reading.ALL else seen
            watched = deadlines.any_watched(connection, tuple(_ENDS), period.end)
            ends = deadlines.within(connection, period)
        return Evidence(
            services=tuple(_row(uptime) for uptime in found),
            warnings=_warnings(ends) if watched else None,
        )

    def _known_by(
        self, known: Mapping[str, Registration], catalogue: Catalogue, end: Instant
    ) -> tuple[str, ...]:
        """Return the services that were watched by then; all of them while a period goes on."""
        if end >= self.now:
            return tuple(catalogue.services)
        watched = {one.service for one in known.values() if one.since < end}
        return tuple(
            name for name in catalogue.services if watched.intersection(parts(catalogue, name))
        )


_ENDS = {CERTIFICATE: "certificate", DOMAIN: "domain"}


def _warnings(found: Sequence[Deadline]) -> WarningEvidence:
    """Return what was renewed, and what ran out in service.

    Forecasts are left out: nobody writes down who acted on one. Those that alerted somebody are
    alerting's predictions, with what followed.
    """
    moved = {(one.subject, one.labels, one.ends_at) for one in found if one.moved}
    rows = [
        one for one in found if one.moved or (one.subject, one.labels, one.ends_at) not in moved
    ]
    return WarningEvidence(
        renewals=tuple(_renewal(one) for one in rows), unrecorded=only(WarningEvidence, "renewals")
    )


def _renewal(one: Deadline) -> RenewalEvidence:
    labels = ", ".join(text for _, text in one.labels)
    name = f"{one.subject} ({labels})" if labels else one.subject
    renewed_at = one.seen_at if one.moved else None
    kind = _ENDS.get(one.metric, one.metric)
    return RenewalEvidence(name, kind, one.ends_at, renewed_at, None, (one.seq,))


def _row(uptime: ServiceUptime) -> ServiceEvidence:
    return ServiceEvidence(
        name=uptime.service,
        owner=uptime.owner,
        kind=uptime.kind,
        objective=uptime.objective,
        timeline=tuple(map(_impersonal, uptime.timeline)),
        blips=uptime.blips,
        edge=uptime.edge,
        refs=uptime.refs,
    )


def _impersonal(one: Stretch) -> Stretch:
    """Return a stretch without what somebody wrote: why maintenance was announced."""
    return replace(one, reason="") if one.state is State.MAINTENANCE else one
