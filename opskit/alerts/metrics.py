"""What alerting shows: when telling a human was last proven to work."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.alerts.store import drills as store
from opskit.core.clock import SECOND, Instant
from opskit.core.metrics import Family, gauge, one
from opskit.outside.database import Database


def drills(database: Database, now: Instant) -> Iterator[Family]:
    """Yield how old the last proof is, and how the last drill stands."""
    with database.read() as connection:
        every = store.every(connection)
    proven = [drill for drill in every if drill.state(now) == "confirmed"]
    age = (now - proven[-1].begun_at) / SECOND if proven else None
    says = "Since the last drill that went from the fault to a human's confirmation."
    yield gauge("opskit_alerts_drill_proven_age_seconds", says, one(age))
    last = every[-1].state(now) if every else None
    says = "Whether the last drill failed or was confirmed by nobody in time."
    broken = None if last is None else float(last in {"failed", "missed"})
    yield gauge("opskit_alerts_drill_broken", says, one(broken))
