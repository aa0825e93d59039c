"""Names that nobody shows: metrics, labels, values of labels, services. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from opskit.alerts.checks.shape import Names, labels_of, pinned
from opskit.alerts.checks.subject import Remark, Subject
from opskit.alerts.families import Known
from opskit.alerts.promql.nodes import Aggregate, Binary, Call, Node, Selector
from opskit.alerts.promql.series import NAME, Match, Matcher
from opskit.alerts.promql.wording import name_of, written
from opskit.core.findings import Severity
from opskit.core.text import nearest

_OWN: Final = "opskit_"
# Where every name is known: what is not among them is a mistake.
_WHOLE: Final = (_OWN, "probe_")
# So alike, a name of a stranger is a known one with a slip in it.
_ALIKE: Final = 0.9
_NEAR: Final = 0.75
# What Prometheus and its external labels add to any series.
_ADDED: Final = frozenset({NAME, "job", "instance"})
_COPYING: Final = frozenset({"label_replace", "label_join"})
_IN_TEMPLATE: Final = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")


def metrics(subject: Subject) -> Iterator[Remark]:
    """Yield metrics that neither opskit, nor a recording rule, nor a known exporter shows."""
    for selector in (one for one in subject.every() if isinstance(one, Selector)):
        name = name_of(selector)
        if name and subject.around.family(name) is None and name not in subject.around.records:
            yield from _unknown(name, subject)


def _unknown(name: str, subject: Subject) -> Iterator[Remark]:
    around = subject.around
    if around.seen is not None and name in around.seen:
        return
    if ":" in name:
        guess = nearest(name, list(around.records))
        message = f"no rule records {name}, so this finds nothing"
        yield Remark("alerts-record", Severity.HIGH, message, _meant(guess, "add the record"))
        return
    if name.startswith(_OWN):
        ours = [one for one in around.names() if one.startswith(_OWN)]
        guess = next(iter(get_close_matches(name, ours, n=1, cutoff=_NEAR)), "")
        message = f"opskit shows no metric {name}, so this finds nothing"
        yield Remark("alerts-metric", Severity.HIGH, message, _meant(guess, "see opskit metrics"))
        return
    alike = next(iter(get_close_matches(name, around.names(), n=1, cutoff=_ALIKE)), "")
    if alike or around.seen is not None or name.startswith(_WHOLE):
        message = f"nobody is known to show a metric {name}"
        fix = _meant(alike, "see what its exporter shows")
        yield Remark("alerts-metric", Severity.MEDIUM, message, fix)
        return
    message = f"whether somebody shows {name} was not looked at"
    yield Remark("alerts-metric-unseen", Severity.INFO, message, "give a saved page: --metrics")


def _meant(guess: str, otherwise: str) -> str:
    return f"did you mean {guess!r}?" if guess else otherwise


def labels(subject: Subject) -> Iterator[Remark]:
    """Yield labels that are matched or grouped by, and that the metric never has."""
    for part in subject.every():
        match part:
            case Selector():
                yield from _matched(part, subject)
            case Aggregate() if not part.grouping.except_names:
                yield from _asked(part.grouping.names, part.inner, "by", subject)
            case Binary() if part.matching.on:
                for side in (part.left, part.right):
                    yield from _asked(part.matching.names, side, "on", subject)


def _matched(selector: Selector, subject: Subject) -> Iterator[Remark]:
    kept = labels_of(selector, subject.around)
    family = subject.around.family(name_of(selector))
    for matcher in selector.matchers:
        if kept is not None and matcher.name not in kept | _ADDED:
            # To ask that a label is not there is no mistake.
            if not matcher.holds(""):
                yield _no_label(matcher.name, written(selector), kept)
        elif family is not None:
            yield from _value(matcher, family)
        if matcher.name == "service":
            yield from _service(matcher, subject)


def _value(matcher: Matcher, family: Known) -> Iterator[Remark]:
    values = family.values.get(matcher.name)
    if values is None or any(matcher.holds(one) for one in values):
        return
    guess = nearest(matcher.value, sorted(values)) if matcher.how is Match.EQUAL else ""
    message = f"no {family.name} has {matcher.name}{matcher.how.value}{matcher.value!r}"
    fix = _meant(guess, f"there are {', '.join(sorted(values))}")
    yield Remark("alerts-label-value", Severity.HIGH, message, fix)


def _service(matcher: Matcher, subject: Subject) -> Iterator[Remark]:
    services = subject.around.services
    if services and matcher.how is Match.EQUAL and matcher.value not in {"", *services}:
        message = f"services.yaml has no service {matcher.value!r}"
        fix = _meant(nearest(matcher.value, sorted(services)), "name one that is there")
        yield Remark("alerts-service", Severity.HIGH, message, fix)


def _asked(names: Names, inner: Node, how: str, subject: Subject) -> Iterator[Remark]:
    kept = labels_of(inner, subject.around)
    if kept is None:
        return
    for name in sorted(names - kept - _ADDED):
        yield _no_label(name, f"{how} ({name}): {written(inner)}", kept)


def _no_label(name: str, where: str, kept: Names) -> Remark:
    has = f"it has {', '.join(sorted(kept))}" if kept else "it has none"
    message = f"{where} never has the label {name}"
    fix = _meant(nearest(name, sorted(kept)), has)
    return Remark("alerts-label", Severity.HIGH, message, fix)


def shadowed(subject: Subject) -> Iterator[Remark]:
    """Yield labels that the rule sets over ones that tell its alerts apart."""
    kept = labels_of(subject.node, subject.around)
    copied = any(isinstance(one, Call) and one.name in _COPYING for one in subject.every())
    if kept is None or copied or not subject.rule.alert:
        return
    named = {name_of(one) for one in subject.selectors()} & subject.around.records.keys()
    # What a recording rule sets has one value.
    set_by = frozenset().union(*(subject.around.records[one][1] for one in named))
    fixed = set_by | pinned(subject.node).keys()
    for name in sorted((kept & subject.rule.labels.keys()) - fixed):
        message = f"label {name} of the rule covers that of the expression: two elements become "
        message += "one, and then evaluating it fails"
        fix = f"leave one {name} in the expression, or aggregate the others away"
        yield Remark("alerts-label-covered", Severity.MEDIUM, message, fix)


def templates(subject: Subject) -> Iterator[Remark]:
    """Yield labels that a text names and that the expression does not keep."""
    kept = labels_of(subject.node, subject.around)
    if kept is None or not subject.rule.alert:
        return
    texts = {**subject.rule.labels, **subject.rule.annotations}
    for where, text in texts.items():
        for name in dict.fromkeys(_IN_TEMPLATE.findall(str(text))):
            if name not in kept | _ADDED:
                message = f"{where} names $labels.{name}, which the expression does not keep"
                has = f"it keeps {', '.join(sorted(kept))}" if kept else "it keeps no label"
                yield Remark("alerts-text-label", Severity.MEDIUM, message, has)
