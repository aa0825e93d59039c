"""SARIF 2.1.0, as code-scanning services read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

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


class Result(NamedTuple):
    """A finding, its fingerprint, and why it is suppressed, if it is."""

    finding: Finding
    fingerprint: str
    accepted: str = ""


def render(findings: Sequence[Finding], accepted: Mapping[str, str] | None = None) -> str:
    """Return the findings as one SARIF run.

    `accepted` gives for the fingerprint of a finding why it is suppressed.
    """
    why = accepted or {}
    return render_results(
        [Result(one, one.fingerprint, why.get(one.fingerprint, "")) for one in findings]
    )


def render_results(results: Sequence[Result]) -> str:
    """Return findings that bring fingerprints of their own as one SARIF run."""
    rules = sorted({one.finding.rule for one in results})
    driver = {
        "name": "opskit",
        "version": __version__,
        "rules": [{"id": rule} for rule in rules],
    }
    any_accepted = any(one.accepted for one in results)
    told = [
        {**_result(one), **({"suppressions": _suppressions(one)} if any_accepted else {})}
        for one in results
    ]
    run = {"tool": {"driver": driver}, "results": told}
    return json.dumps({"version": "2.1.0", "$schema": _SCHEMA, "runs": [run]}, indent=2)


_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def _suppressions(one: Result) -> list[dict[str, str]]:
    """Return why it is suppressed; SARIF wants the property in every result or in none."""
    return [{"kind": "external", "justification": clean(one.accepted)}] if one.accepted else []


def _result(one: Result) -> dict[str, object]:
    finding = one.finding
    text = clean(f"{finding.subject}: {finding.message}" if finding.subject else finding.message)
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.location)] if finding.location else [],
        "partialFingerprints": {"opskit/v1": one.fingerprint},
    }


def _location(place: Location) -> dict[str, object]:
    region = (
        {"startLine": place.line, "startColumn": max(place.column, 1)}
        if place.line
        else {"startLine": 1}
    )
    return {"physicalLocation": {"artifactLocation": {"uri": clean(place.path)}, "region": region}}
