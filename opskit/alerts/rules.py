"""What an alert must carry before somebody is woken by it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.alerts.evaluating import rule_of
from opskit.alerts.model import Group, Rule, RuleFile
from opskit.alerts.promql.nodes import QueryError
from opskit.core.findings import Finding, Location, Severity

_SEVERITIES = ("info", "warning", "critical", "page", "ticket")
_WANTED = ("summary", "runbook_url")


def complete(rules: RuleFile, path: str) -> Iterator[Finding]:
    """Yield rules that nobody understands, and what an alert lacks: severity, summary, runbook."""
    yield from understood(rules, path)
    for group in rules.groups:
        for rule in group.rules:
            if rule.alert:
                yield from _alert(rule, f"{group.name}.{rule.alert}", Location(path))


def understood(rules: RuleFile, path: str) -> Iterator[Finding]:
    """Yield each rule whose expression or template cannot be read or is not supported."""
    for group in rules.groups:
        for rule in group.rules:
            yield from _understood(rule, group, Location(path))


def _understood(rule: Rule, group: Group, place: Location) -> Iterator[Finding]:
    try:
        rule_of(rule, group)
    except QueryError as error:
        subject = f"{group.name}.{rule.alert or rule.record}"
        yield Finding("alerts-expression", Severity.HIGH, subject, error.message, place)


def _alert(rule: Rule, subject: str, place: Location) -> Iterator[Finding]:
    if rule.labels.get("severity") not in _SEVERITIES:
        message = f"label severity is not one of {', '.join(_SEVERITIES)}"
        yield Finding("alerts-severity", Severity.MEDIUM, subject, message, place)
    for name in _WANTED:
        if not rule.annotations.get(name):
            message = f"annotation {name} is missing: whoever is woken needs it"
            yield Finding("alerts-annotation", Severity.LOW, subject, message, place)
