"""What the monitor can show for a period, in the report's words."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.core.evidence import Evidence, ServiceEvidence
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.proof import evidenced
from opskit.monitor.uptime import ServiceUptime, uptimes
from opskit.outside.database import Database


@dataclass(frozen=True)
class MonitorEvidence:
    """Reads services out of the monitor's tables."""

    database: Database
    catalogue: Catalogue | None
    zone: ZoneInfo

    def evidence(self, period: Interval) -> Evidence:
        """Return each service's timeline."""
        if self.catalogue is None:
            return Evidence(not_configured={"services": "there is no service catalogue"})
        with self.database.read() as connection:
            found = evidenced(connection, uptimes(connection, self.catalogue, period, self.zone))
        return Evidence(services=tuple(_row(uptime) for uptime in found))


def _row(uptime: ServiceUptime) -> ServiceEvidence:
    return ServiceEvidence(
        name=uptime.service,
        owner=uptime.owner,
        kind=uptime.kind,
        objective=uptime.objective,
        timeline=uptime.timeline,
        blips=uptime.blips,
        edge=uptime.edge,
        refs=uptime.refs,
    )
