"""What the desk can show for a period, in the report's words: incidents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.evidence import DeskEvidence, Evidence, IncidentEvidence
from opskit.core.evidence.rows import only
from opskit.core.interval import Interval
from opskit.desk.incidents import store
from opskit.desk.incidents.model import Incident, Kind, Status
from opskit.desk.incidents.timeline import told
from opskit.outside.database import Database

_SOURCE = "opskit"


@dataclass(frozen=True)
class DeskRecords:
    """Reads incidents; nothing is said of a time before the first was written down."""

    database: Database
    name: str = "incidents"

    def since(self) -> Instant | None:
        """Return when the first incident was written down; None where none was."""
        with self.database.read() as connection:
            return store.first_at(connection)

    def evidence(self, period: Interval) -> Evidence:
        """Return the incidents of a period, as they stood at its end."""
        since = self.since()
        if since is None or since >= period.end:
            return Evidence()
        with self.database.read() as connection:
            found = store.within(connection, period)
        rows = tuple(_row(one) for incident in found for one in _then(incident, period.end))
        return Evidence(
            desk=DeskEvidence(incidents=rows, unrecorded=only(DeskEvidence, "incidents"))
        )


def _then(incident: Incident, end: Instant) -> Iterator[Incident]:
    """Yield an incident as it stood at an instant; that it began may have been told later."""
    known = [one for one in incident.events if one.at < end or one.kind is Kind.OPENED]
    found = told(incident.number, known)
    if found.opening.started_at < end and found.status is not Status.MERGED:
        yield found


def _row(one: Incident) -> IncidentEvidence:
    opening = one.opening
    return IncidentEvidence(
        name=one.name,
        service=opening.service,
        team=opening.team,
        started_at=opening.started_at,
        detected_at=opening.detected_at,
        acknowledged_at=one.acknowledged_at,
        resolved_at=one.over_at,
        visible=opening.visible,
        source=_SOURCE,
        cause=one.cause,
        fingerprint=opening.fingerprint,
        by_ops=bool(one.change),
        change=one.change,
        refs=one.refs,
    )
