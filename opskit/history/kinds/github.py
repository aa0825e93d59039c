"""GitHub issues: JSON of its API, JSON of `gh issue list`, and CSV with the same names.

Pull requests, which the API lists among issues, are left out. What is reopened has no `closed_at`.

Sources: GitHub's API reference, "List repository issues" (`number`, `created_at`, `closed_at`,
`labels`, `pull_request`, `repository_url`); `gh issue list --json number,createdAt,closedAt,...`.
"""

from __future__ import annotations

from dataclasses import replace

from opskit.history.fields import Condition, Reading, texts
from opskit.history.kinds.kind import Kind, incident, linked, resolved
from opskit.history.model import Incident, Raw, Unusable

_SERVICE = "service:"


def row(raw: Raw, reading: Reading) -> Incident:
    """Return one issue as an incident; a label `service:NAME` names its service."""
    if raw.values.get("pull_request"):
        raise Unusable("a pull request")
    number = reading.needed(raw, "id")
    found = incident(
        raw, reading, key=_repository(raw) + number, resolved_at=resolved(raw, reading)
    )
    found = replace(found, names=linked(raw, ("title", "body")))
    return found if found.service else _labeled(found, raw)


def _labeled(found: Incident, raw: Raw) -> Incident:
    parts = (part.strip() for text in texts(raw, "labels") for part in text.split(","))
    named = (one[len(_SERVICE) :].strip() for one in parts if one.lower().startswith(_SERVICE))
    return replace(found, service=next(named, ""))


def _repository(raw: Raw) -> str:
    """Return `owner/name#` of an issue whose row says it, so that numbers of several differ."""
    for path in ("repository_url", "html_url", "url"):
        for text in texts(raw, path):
            parts = text.split("/issues/")[0].rstrip("/").split("/")
            if len(parts) > 4:
                return f"{parts[-2]}/{parts[-1]}#"
    return ""


GITHUB = Kind(
    name="github",
    paths={
        "id": ("number",),
        "started": ("created_at", "createdAt"),
        "detected": ("created_at", "createdAt"),
        "resolved": ("closed_at", "closedAt"),
        "updated": ("updated_at", "updatedAt"),
    },
    row=row,
    envelopes=("items",),
    only=(Condition("labels", "incident"),),
)
