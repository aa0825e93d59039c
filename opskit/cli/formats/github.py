"""Workflow commands, as GitHub Actions turns them into annotations beside the lines."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.core.findings import Finding, Severity
from opskit.core.text import clean_block

_LEVELS = {
    Severity.INFO: "notice",
    Severity.LOW: "notice",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}


def render(findings: Sequence[Finding]) -> str:
    """Return one command per finding."""
    return "\n".join(_command(finding) for finding in findings)


def _command(finding: Finding) -> str:
    place = finding.location
    where = {"file": place.path, "line": str(max(place.line, 1))} if place else {}
    named = {**where, "title": finding.rule}
    properties = ",".join(f"{name}={_property(value)}" for name, value in named.items())
    text = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
    return f"::{_LEVELS[finding.severity]} {properties}::{_data(text)}"


def _data(text: str) -> str:
    escaped = clean_block(text).replace("%", "%25")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
