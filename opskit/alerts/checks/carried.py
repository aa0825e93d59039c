"""What an alert must carry before somebody is woken by it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opskit.alerts.checks.shape import labels_of
from opskit.alerts.checks.subject import Remark, Subject
from opskit.alerts.promql.wording import name_of
from opskit.core.findings import Severity
from opskit.core.text import nearest

SEVERITIES: Final = ("info", "warning", "critical", "page", "ticket")
_WANTED: Final = {
    "summary": "say what is wrong, in one line",
    "runbook_url": "link to what to do about it, such as a section of alerts/README.md",
}
_OWNED: Final = frozenset({"team", "owner"})
# By these somebody finds whose it is: the catalogue knows services, the inventory hosts.
_WHOSE: Final = frozenset({"service", "target", "host", "instance", "job"})
_OWN: Final = "opskit_"


def severities(subject: Subject) -> Iterator[Remark]:
    """Yield an alert that routes cannot tell how urgent it is."""
    if not subject.rule.alert:
        return
    said = str(subject.rule.labels.get("severity", subject.group.labels.get("severity", "")))
    if said not in SEVERITIES:
        message = f"label severity is not one of {', '.join(SEVERITIES)}"
        guess = nearest(said, list(SEVERITIES))
        fix = f"did you mean {guess!r}?" if guess else "write severity: warning, or what it is"
        yield Remark("alerts-severity", Severity.MEDIUM, message, fix)


def texts(subject: Subject) -> Iterator[Remark]:
    """Yield an alert without the words that whoever is woken needs."""
    if not subject.rule.alert:
        return
    for name, fix in _WANTED.items():
        if not subject.rule.annotations.get(name):
            message = f"annotation {name} is missing: whoever is woken needs it"
            yield Remark("alerts-annotation", Severity.LOW, message, fix)


def owners(subject: Subject) -> Iterator[Remark]:
    """Yield an alert of which nobody can tell whose it is.

    It is somebody's by a label `team` or `owner`, by a label that services.yaml or the inventory
    know an owner for, or because it speaks of opskit itself: that is Ops's.
    """
    rule = subject.rule
    if not rule.alert or _OWNED & {*rule.labels, *subject.group.labels}:
        return
    if rule.labels.get("severity") == "info":  # that wakes nobody
        return
    kept = labels_of(subject.node, subject.around)
    names = {name_of(one) for one in subject.selectors()}
    ours = all(name.startswith(_OWN) or name in subject.around.records for name in names)
    if kept is None or kept & (_WHOSE | _OWNED) or ours:
        return
    message = "nobody can tell whose this is: the expression keeps no service or host"
    fix = "add the label team, or keep one: sum by (service) (...)"
    yield Remark("alerts-owner", Severity.LOW, message, fix)
