"""Rules over time: what an expression finds becomes pending, fires, and is over. Pure.

Source: Prometheus documentation, "Alerting rules". An element of the expression's vector is one
alert, told apart by its labels. It fires once it was there for `for`; it goes on firing for
`keep_firing_for` after it was there last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from opskit.alerts.model import Group, Rule, milliseconds
from opskit.alerts.promql.evaluation import Settings, instant
from opskit.alerts.promql.nodes import Node, QueryError
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.series import NAME, STALE, Labels, Memory, Sample, unnamed
from opskit.alerts.promql.templates import Data, Template, read

ALERTNAME: Final = "alertname"
_TWICE: Final = "vector contains metrics with the same labelset after applying {} labels"
_ALERTS, _FOR_STATE = "ALERTS", "ALERTS_FOR_STATE"


@dataclass(frozen=True, slots=True)
class Alerting:
    """An alerting rule, read."""

    name: str
    expression: Node
    pending: int
    keeps: int
    labels: Mapping[str, Template]
    annotations: Mapping[str, Template]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule, read."""

    name: str
    expression: Node
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that is pending or fires; times in ms.

    `since` is when its expression held first; `missing` when it was first not there any more, of
    one that is kept firing.
    """

    labels: Labels
    annotations: Mapping[str, str]
    value: float
    since: int
    fires: bool
    missing: int | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a rule found at an instant."""

    active: Mapping[Labels, Active] = field(default_factory=dict)
    over: tuple[Active, ...] = ()


def rules_of(group: Group) -> tuple[Alerting | Recording, ...]:
    """Return the rules of a group, read.

    Raises:
        QueryError: an expression or a template is not understood; the rule is named.
    """
    return tuple(rule_of(one, group) for one in group.rules)


def rule_of(rule: Rule, group: Group) -> Alerting | Recording:
    """Return a rule, read.

    Raises:
        QueryError: its expression or a template is not understood.
    """
    name = rule.alert or rule.record
    try:
        expression = parsed(str(rule.expr))
        labels = {**group.labels, **{key: _text(value) for key, value in rule.labels.items()}}
        if rule.record:
            return Recording(name, expression, labels)
        notes = {key: read(_text(value)) for key, value in rule.annotations.items()}
        return Alerting(
            name,
            expression,
            milliseconds(rule.for_),
            milliseconds(rule.keep_firing_for),
            {key: read(value) for key, value in labels.items()},
            notes,
        )
    except QueryError as error:
        raise type(error)(f"rule {name}: {error.message}") from error


def _text(value: object) -> str:
    """Return a label's value as Prometheus reads it from YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def evaluated(
    rule: Alerting,
    before: Mapping[Labels, Active],
    storage: Memory,
    at: int,
    settings: Settings,
    external: Mapping[str, str],
) -> Evaluated:
    """Return what a rule finds at an instant, given what was active before.

    Raises:
        QueryError: the expression has no answer, or two elements have the same labels.
    """
    active: dict[Labels, Active] = {}
    for sample in _vector(rule.expression, storage, at, settings):
        found = _found(rule, sample, before, at, external)
        if found.labels in active:
            raise QueryError(_TWICE.format("alert"))
        active[found.labels] = found
    gone = [
        replace(one, missing=at if one.missing is None else min(one.missing, at))
        for labels, one in before.items()
        if labels not in active and one.fires
    ]
    kept = {one.labels: one for one in gone if at - (one.missing or at) < rule.keeps}
    over = tuple(one for one in gone if one.labels not in kept)
    return Evaluated({**active, **kept}, over)


def _vector(node: Node, storage: Memory, at: int, settings: Settings) -> Sequence[Sample]:
    answer = instant(node, storage, at, settings)
    if isinstance(answer, float):
        return [Sample(Labels(), answer)]
    if isinstance(answer, str) or not all(isinstance(one, Sample) for one in answer):
        raise QueryError("rule result is not a vector or scalar")
    return [one for one in answer if isinstance(one, Sample)]


def _found(
    rule: Alerting,
    sample: Sample,
    before: Mapping[Labels, Active],
    at: int,
    external: Mapping[str, str],
) -> Active:
    data = Data(dict(sample.labels.pairs), sample.value, external)
    own = {name: one.expanded(data) for name, one in rule.labels.items()}
    labels = unnamed(sample.labels).changed({**own, ALERTNAME: rule.name})
    notes = {name: one.expanded(data) for name, one in rule.annotations.items()}
    known = before.get(labels)
    # One that is kept firing and comes back goes on as it was; none began in the future, which it
    # seems to have done where the clock was set back.
    since = at if known is None else min(known.since, at)
    fires = (known is not None and known.fires) or at - since >= rule.pending
    return Active(labels, notes, sample.value, since, fires)


@dataclass
class Running:
    """A group that is evaluated again and again over one storage, as Prometheus does.

    Recorded series and `ALERTS` are written to the storage, so that later rules see them.
    """

    rules: Sequence[Alerting | Recording]
    storage: Memory
    settings: Settings = field(default_factory=Settings)
    external: Mapping[str, str] = field(default_factory=dict)
    active: dict[int, Mapping[Labels, Active]] = field(default_factory=dict)
    _written: dict[int, frozenset[Labels]] = field(default_factory=dict)

    def turn(self, at: int) -> None:
        """Evaluate every rule at an instant (ms).

        Raises:
            QueryError: a rule has no answer; those after it were not evaluated.
        """
        for index in range(len(self.rules)):
            self.attempt(index, at)

    def attempt(self, index: int, at: int) -> None:
        """Evaluate one rule at an instant (ms).

        Raises:
            QueryError: it has no answer; its alerts are as they were.
        """
        samples = dict(self._samples(index, self.rules[index], at))
        for labels, value in samples.items():
            self.storage.append(labels, at, value)
        for labels in self._written.get(index, frozenset()) - samples.keys():
            self.storage.append(labels, at, STALE)
        self._written[index] = frozenset(samples)

    def of(self, index: int) -> tuple[Active, ...]:
        """Return the alerts of one rule that are pending or fire."""
        return tuple(self.active.get(index, {}).values())

    def restore(self, index: int, alerts: Iterable[Active]) -> None:
        """Go on with alerts that were there before."""
        self.active[index] = {one.labels: one for one in alerts}

    def alerts(self, name: str) -> tuple[Active, ...]:
        """Return all alerts of rules of this name that are pending or fire."""
        return tuple(
            one
            for index, rule in enumerate(self.rules)
            if isinstance(rule, Alerting) and rule.name == name
            for one in self.of(index)
        )

    def _samples(
        self, index: int, rule: Alerting | Recording, at: int
    ) -> Iterator[tuple[Labels, float]]:
        if isinstance(rule, Recording):
            yield from self._recorded(rule, at)
            return
        before = self.active.get(index, {})
        found = evaluated(rule, before, self.storage, at, self.settings, self.external)
        self.active[index] = found.active
        for labels, one in found.active.items():
            state = "firing" if one.fires else "pending"
            yield labels.changed({NAME: _ALERTS, "alertstate": state}), 1.0
            yield labels.changed({NAME: _FOR_STATE}), one.since / 1_000

    def _recorded(self, rule: Recording, at: int) -> Iterator[tuple[Labels, float]]:
        seen: set[Labels] = set()
        for sample in _vector(rule.expression, self.storage, at, self.settings):
            labels = sample.labels.changed({**rule.labels, NAME: rule.name})
            if labels in seen:
                raise QueryError(_TWICE.format("rule"))
            seen.add(labels)
            yield labels, sample.value
