"""What an alert must carry before somebody is woken by it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.alerts.model import Rule, RuleFile
from opskit.core.findings import Finding, Location, Severity

_SEVERITIES = ("info", "warning", "critical", "page", "ticket")
_WANTED = ("summary", "runbook_url")


def complete(rules: RuleFile, path: str) -> Iterator[Finding]:
    """Yield what each alert lacks: a severity that routes it, a summary, a runbook."""
    for group in rules.groups:
        for rule in group.rules:
            if rule.alert:
                yield from _alert(rule, f"{group.name}.{rule.alert}", Location(path))


def _alert(rule: Rule, subject: str, place: Location) -> Iterator[Finding]:
    if rule.labels.get("severity") not in _SEVERITIES:
        message = f"label severity is not one of {', '.join(_SEVERITIES)}"
        yield Finding("alerts-severity", Severity.MEDIUM, subject, message, place)
    for name in _WANTED:
        if not rule.annotations.get(name):
            message = f"annotation {name} is missing: whoever is woken needs it"
            yield Finding("alerts-annotation", Severity.LOW, subject, message, place)
