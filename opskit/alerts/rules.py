"""Rule files judged: what Prometheus would refuse, what opskit cannot evaluate, what misleads.

A file that Prometheus refuses has a finding of `REFUSED` or one that reading it gave (`file-...`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from opskit.alerts.checks.catalogue import CHECKS
from opskit.alerts.checks.subject import Around, Subject
from opskit.alerts.evaluating import rule_of
from opskit.alerts.model import Group, Rule, RuleFile
from opskit.alerts.promql.nodes import Node, NotSupportedError, QueryError
from opskit.core.findings import Finding, Location, Severity
from opskit.outside.documents import Document, KeyPath

_EXPRESSION: Final = "alerts-expression"
REFUSED: Final = frozenset({_EXPRESSION})


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule and where it stands."""

    rule: Rule
    group: Group
    key_path: KeyPath
    document: Document

    @property
    def subject(self) -> str:
        """Return what it is called: its group and its name."""
        return f"{self.group.name}.{self.rule.alert or self.rule.record}"

    def at(self, key: str) -> Location:
        """Return where a key of it stands."""
        return self.document.place((*self.key_path, key))


def placed(file: RuleFile, document: Document) -> Iterator[Placed]:
    """Yield each rule of a file."""
    for number, group in enumerate(file.groups):
        for index, rule in enumerate(group.rules):
            yield Placed(rule, group, ("groups", number, "rules", index), document)


def is_refused(finding: Finding) -> bool:
    """Tell whether Prometheus would not load the file."""
    return finding.rule in REFUSED or finding.rule.startswith("file-")


def recorded(rules: Sequence[Placed]) -> Mapping[str, tuple[Node, frozenset[str]]]:
    """Return what is recorded: the expression by name, and the labels that the rule sets."""
    found = {}
    for one in rules:
        if one.rule.record:
            node = _node(one)
            if node is not None:
                found[one.rule.record] = (node, frozenset({*one.rule.labels, *one.group.labels}))
    return found


def _node(one: Placed) -> Node | None:
    try:
        return rule_of(one.rule, one.group).expression
    except QueryError:
        return None


def judged(file: RuleFile, document: Document, around: Around) -> Iterator[Finding]:
    """Yield all that is wrong with the rules of a file."""
    every = tuple(placed(file, document))
    if not every:
        message = "there is no rule in this file, so nothing is looked at"
        at = document.place(("groups",))
        yield Finding("alerts-empty", Severity.MEDIUM, "groups", message, at, "add a rule")
    yield from _twice(every)
    for one in every:
        wrong = tuple(_understood(one))
        yield from wrong
        node = None if wrong else _node(one)
        if node is not None:
            yield from _checked(one, node, around)


def _checked(one: Placed, node: Node, around: Around) -> Iterator[Finding]:
    subject = Subject(one.rule, one.group, node, around)
    for check in CHECKS:
        for remark in check(subject):
            at = one.at(_KEYS.get(remark.rule, "expr"))
            yield Finding(remark.rule, remark.severity, one.subject, remark.message, at, remark.fix)


# Where a finding stands that is not about the expression.
_KEYS: Final = {
    "alerts-severity": "labels",
    "alerts-owner": "labels",
    "alerts-annotation": "annotations",
    "alerts-text-label": "annotations",
    "alerts-for": "for",
}


def _twice(rules: Sequence[Placed]) -> Iterator[Finding]:
    """Yield rules of the same name and the same labels, as promtool counts them."""
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Placed] = {}
    for one in rules:
        labels = tuple(sorted((name, str(value)) for name, value in one.rule.labels.items()))
        key = (one.rule.alert or one.rule.record, labels)
        first = seen.setdefault(key, one)
        if first is not one:
            line = first.at("expr").line
            message = f"has the name and the labels of the rule on line {line}"
            fix = "tell them apart by a label, or remove one"
            at = one.at("record" if one.rule.record else "alert")
            yield Finding("alerts-twice", Severity.MEDIUM, one.subject, message, at, fix)


def understood(file: RuleFile, document: Document) -> Iterator[Finding]:
    """Yield each rule whose expression or template cannot be read or is not supported."""
    for one in placed(file, document):
        yield from _understood(one)


def _understood(one: Placed) -> Iterator[Finding]:
    try:
        rule_of(one.rule, one.group)
    except NotSupportedError as error:
        message = f"{error.message}; opskit cannot evaluate this rule"
        fix = "write it otherwise, or leave it to a Prometheus"
        yield Finding(
            "alerts-unsupported", Severity.HIGH, one.subject, message, _at(one, error), fix
        )
    except QueryError as error:
        yield Finding(_EXPRESSION, Severity.HIGH, one.subject, error.message, _at(one, error))


def _at(one: Placed, error: QueryError) -> Location:
    return one.at("annotations" if "template: " in error.message else "expr")
