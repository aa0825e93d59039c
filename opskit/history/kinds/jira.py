"""Jira: an issue export as CSV, and JSON of a search.

Of a reopened issue Jira clears the date of its resolution, so it counts as open. One that is done
without such a date was over when its status last moved from one category to another.

Sources: Atlassian's API reference, "Search for issues using JQL" (`key`, `fields.created`,
`fields.resolutiondate`, `fields.statuscategorychangedate`, `isLast`); the columns of the issue
navigator's "Export CSV (all fields)", of which several may stand more than once.
"""

from __future__ import annotations

from dataclasses import replace

from opskit.core.clock import Instant
from opskit.history.fields import Condition, Reading, texts
from opskit.history.kinds.kind import Kind, incident, linked, resolved
from opskit.history.model import Incident, Raw

_TEXTS = ("fields.summary", "fields.description", "Summary", "Description")
_DONE = ("fields.status.statusCategory.key", "Status Category")
_CHANGED = ("fields.statuscategorychangedate", "Status Category Changed")


def row(raw: Raw, reading: Reading) -> Incident:
    """Return one issue as an incident."""
    key = reading.needed(raw, "id")
    found = incident(raw, reading, key=key, resolved_at=_resolved(raw, reading))
    return replace(found, names=linked(raw, _TEXTS))


def _resolved(raw: Raw, reading: Reading) -> Instant | None:
    at = resolved(raw, reading)
    if at is not None or not any("done" in _lower(raw, path) for path in _DONE):
        return at
    changed = (text for path in _CHANGED for text in texts(raw, path))
    found = next(changed, "")
    return reading.moments.read(found) if found else None


def _lower(raw: Raw, path: str) -> tuple[str, ...]:
    return tuple(one.lower() for one in texts(raw, path))


_TYPES = ("Incident", "[System] Incident")

JIRA = Kind(
    name="jira",
    paths={
        "id": ("key", "Issue key"),
        "service": ("fields.components", "Components", "Component/s"),
        "started": ("fields.created", "Created"),
        "detected": ("fields.created", "Created"),
        "resolved": ("fields.resolutiondate", "Resolved"),
        "updated": ("fields.updated", "Updated"),
    },
    row=row,
    envelopes=("issues",),
    only=tuple(
        Condition(path, name) for path in ("fields.issuetype", "Issue Type") for name in _TYPES
    ),
)
