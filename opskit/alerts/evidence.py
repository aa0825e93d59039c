"""What alerting can show for a period, in the report's words: drills, and how far they came."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.alerts.drill import Drill
from opskit.alerts.store import drills as store
from opskit.core.clock import Instant
from opskit.core.evidence import DrillEvidence, Evidence, WarningEvidence
from opskit.core.evidence.rows import only
from opskit.core.interval import Interval
from opskit.outside.database import Database

# The fault is opskit's own, and no service's.
SERVICE = "opskit drill"


@dataclass(frozen=True)
class AlertsEvidence:
    """Reads drills; nothing is said of a repository that never had one."""

    database: Database
    name: str = "drills of alerting"

    def since(self) -> Instant | None:
        """Return when the first drill began; None where there was none."""
        with self.database.read() as connection:
            return min((one.begun_at for one in store.every(connection)), default=None)

    def evidence(self, period: Interval) -> Evidence:
        """Return the drills that began within a period, as they stood at its end."""
        with self.database.read() as connection:
            every = store.every(connection)
        if not any(one.begun_at < period.end for one in every):
            return Evidence()
        own = (one for one in every if period.start <= one.begun_at < period.end)
        rows = tuple(_drill(one, period.end) for one in own)
        lacking = only(WarningEvidence, "drills")
        return Evidence(warnings=WarningEvidence(drills=rows, unrecorded=lacking))


def _drill(drill: Drill, end: Instant) -> DrillEvidence:
    return DrillEvidence(
        at=drill.begun_at,
        service=SERVICE,
        seen=drill.seen,
        routed=drill.routed,
        received=_received(drill, end),
        refs=drill.refs,
    )


def _received(drill: Drill, end: Instant) -> bool | None:
    """Return whether a human answered in time; None while one still may."""
    if drill.confirmed_at is not None and drill.confirmed_at < end:
        return True
    return False if drill.deadline_at <= end else None
