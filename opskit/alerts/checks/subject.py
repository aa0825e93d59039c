"""What a check looks at: one rule that could be read, and all that is known around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from opskit.alerts.families import Known, exporters, own
from opskit.alerts.model import Group, Rule, milliseconds
from opskit.alerts.promql.nodes import Node, Selector
from opskit.alerts.promql.wording import every, name_of
from opskit.core.findings import Severity

# How often a group is evaluated that does not say so, as Prometheus has it.
EVERY: Final = 60_000


class Remark(NamedTuple):
    """What is wrong with a rule, and what to write instead."""

    rule: str
    severity: Severity
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a rule.

    `records` are the expressions of recording rules by name, with the labels these set; `seen` are
    names from a page that somebody saved, None where nobody did; `services` are None where no
    catalogue is.
    """

    records: Mapping[str, tuple[Node, frozenset[str]]] = field(default_factory=dict)
    seen: frozenset[str] | None = None
    services: frozenset[str] | None = None
    # Labels of records that were looked up: one may be recorded from many others.
    labels: dict[str, frozenset[str] | None] = field(default_factory=dict, compare=False)

    def family(self, name: str) -> Known | None:
        """Return a metric that opskit or a known exporter shows."""
        return own().get(name) or exporters().get(name)

    def names(self) -> list[str]:
        """Return every name that somebody is known to show."""
        return [*own(), *exporters(), *self.records, *(self.seen or ())]


@dataclass(frozen=True, slots=True)
class Subject:
    """A rule to be judged, its expression read."""

    rule: Rule
    group: Group
    node: Node
    around: Around

    @property
    def interval(self) -> int:
        """Return how often it is evaluated, in ms."""
        return milliseconds(self.group.interval) or EVERY

    @property
    def pending(self) -> int:
        """Return how long it waits before it fires, in ms."""
        return milliseconds(self.rule.for_)

    def every(self) -> Iterator[Node]:
        """Yield each part of the expression."""
        return every(self.node)

    def selectors(self) -> Iterator[Selector]:
        """Yield each selector of the expression, those of the records that it names included."""
        return resolved(self.node, self.around)


def resolved(node: Node, around: Around) -> Iterator[Selector]:
    """Yield the selectors below a node and, once for each record named, those it comes from."""
    left, passed = [node], set[str]()
    while left:
        for part in every(left.pop()):
            if isinstance(part, Selector):
                yield part
                name = name_of(part)
                if name in around.records and name not in passed:
                    passed.add(name)
                    left.append(around.records[name][0])


Check = Callable[[Subject], Iterator[Remark]]
