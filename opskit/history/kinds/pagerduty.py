"""PagerDuty: the CSV of its incident reports, and JSON of its API.

Sources: PagerDuty's API reference, "List incidents" (`created_at`, `resolved_at`, `service`,
`teams`, `last_status_change_at`) and "Get raw data - multiple incidents" (`seconds_to_first_ack`,
`service_name`, `team_name`); its incident report as CSV (`created_on`, `resolved_on`).
"""

from __future__ import annotations

from opskit.core.clock import Instant
from opskit.history.fields import Reading, texts
from opskit.history.kinds.kind import Kind, incident, later, resolved
from opskit.history.model import Incident, Raw

_CREATED = ("created_on", "created_at")


def row(raw: Raw, reading: Reading) -> Incident:
    """Return one incident.

    A resolved one without a time of its own for that was resolved when its status last changed.
    """
    key = reading.needed(raw, "id")
    return incident(raw, reading, key=key, resolved_at=_resolved(raw, reading))


def _resolved(raw: Raw, reading: Reading) -> Instant | None:
    status = raw.values.get("status")
    if status in ("triggered", "acknowledged"):
        return None
    at = resolved(raw, reading)
    if at is not None:
        return at
    started = reading.moment(raw, "started")
    if started is not None and (told := later(raw, "seconds_to_resolve", started)) is not None:
        return told
    if status == "resolved":
        changed = next(iter(texts(raw, "last_status_change_at")), "")
        return reading.moments.read(changed) if changed else None
    return None


PAGERDUTY = Kind(
    name="pagerduty",
    paths={
        "id": ("id", "incident_number"),
        "service": ("service_name", "service.summary"),
        "team": ("team_name", "teams.summary"),
        "started": _CREATED,
        "detected": _CREATED,
        "acknowledged": ("acknowledgements.at",),
        "resolved": ("resolved_on", "resolved_at"),
        "updated": ("updated_at", "last_status_change_at"),
    },
    row=row,
    envelopes=("incidents", "data"),
)
