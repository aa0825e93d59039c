"""Alertmanager: what `/api/v2/alerts` gave, and what its webhook sent, one message per line.

An alert from its first firing to its end is one incident; the same alert firing again is another.
In the API `endsAt` of an alert that still fires lies after `updatedAt`: it is when Alertmanager
would take it for over if nothing more were heard. In a webhook's message it is the year 1. The API
cuts `startsAt` to milliseconds, the webhook does not: it is told apart by the second.

Sources: Alertmanager's OpenAPI file for v2 (`gettableAlert`), and its documentation of
`<webhook_config>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opskit.core.clock import SECOND, Instant
from opskit.history.fields import Reading, texts
from opskit.history.kinds.kind import Kind, incident
from opskit.history.model import Incident, Raw, Unusable


def row(raw: Raw, reading: Reading) -> Incident:
    """Return one alert as an incident."""
    started = reading.moment(raw, "started")
    identity = reading.needed(raw, "id")
    if started is None:
        raise Unusable("no start")
    name = next(iter(texts(raw, "labels.alertname")), "")
    key = f"{identity}/{started // SECOND}"
    ended = _resolved(raw, reading)
    found = incident(raw, reading, key=key, resolved_at=ended, fingerprint=name)
    stood = max(filter(None, (found.as_of, found.resolved_at, found.started_at)))
    return replace(found, as_of=stood)


def _resolved(raw: Raw, reading: Reading) -> Instant | None:
    status = raw.values.get("status")
    # Where it still fires, the end that is named lies ahead, and is none.
    ended = None if status == "firing" else reading.moment(raw, "resolved")
    if ended is None or not isinstance(status, Mapping):
        return ended
    updated = reading.moment(raw, "updated")
    return ended if updated is not None and ended <= updated else None


ALERTMANAGER = Kind(
    name="alertmanager",
    paths={
        "id": ("fingerprint",),
        "service": ("labels.service", "labels.job"),
        "team": ("labels.team",),
        "started": ("startsAt",),
        "detected": ("startsAt",),
        "resolved": ("endsAt",),
        "updated": ("updatedAt",),
    },
    row=row,
    envelopes=("alerts", "data"),
)
