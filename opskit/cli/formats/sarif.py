"""SARIF 2.1.0, as code-scanning services read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from opskit import __version__
from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import clean

_LEVELS = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}


def render(findings: Sequence[Finding], accepted: Mapping[str, str] | None = None) -> str:
    """Return the findings as one SARIF run.

    `accepted` gives for the fingerprint of a finding why it is suppressed.
    """
    why = accepted or {}
    rules = sorted({finding.rule for finding in findings})
    driver = {
        "name": "opskit",
        "version": __version__,
        "rules": [{"id": rule} for rule in rules],
    }
    run = {"tool": {"driver": driver}, "results": [_result(finding, why) for finding in findings]}
    return json.dumps({"version": "2.1.0", "$schema": _SCHEMA, "runs": [run]}, indent=2)


_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def _result(finding: Finding, accepted: Mapping[str, str]) -> dict[str, object]:
    text = clean(f"{finding.subject}: {finding.message}" if finding.subject else finding.message)
    why = accepted.get(finding.fingerprint)
    suppressed = [{"kind": "external", "justification": clean(why)}] if why else []
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.location)] if finding.location else [],
        "partialFingerprints": {"opskit/v1": finding.fingerprint},
        **({"suppressions": suppressed} if accepted else {}),
    }


def _location(place: Location) -> dict[str, object]:
    region = (
        {"startLine": place.line, "startColumn": max(place.column, 1)}
        if place.line
        else {"startLine": 1}
    )
    return {"physicalLocation": {"artifactLocation": {"uri": clean(place.path)}, "region": region}}
