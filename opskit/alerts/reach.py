"""Which metrics rules look at, and how far back. Pure.

Lengths are milliseconds. A selector reaches back as far as Prometheus looks for the newest sample,
a range as far as it is long; an offset and each subquery around them add to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from opskit.alerts.evaluating import Alerting, Recording
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Negated,
    Node,
    Range,
    Selector,
    Subquery,
    When,
)
from opskit.alerts.promql.series import NAME, Match

# `@ 1700000000` looks at the same instant for ever: all that there is has to be kept.
FOREVER: Final = 100 * 365 * 86_400_000
_ANY: Final = ""


class Look(NamedTuple):
    """A metric that is looked at, empty for any, and how far back."""

    name: str
    length: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back metrics are looked at; EVERY is for what selectors without a name may meet."""

    of_name: Mapping[str, int] = field(default_factory=dict)
    every: int = 0

    def __call__(self, name: str) -> int:
        """Return how far back a metric is looked at; 0 where nobody does."""
        return max(self.of_name.get(name, 0), self.every)

    @property
    def names(self) -> frozenset[str] | None:
        """Return the metrics that are looked at; None where it may be any."""
        return None if self.every else frozenset(self.of_name)

    def portions(self) -> Iterator[tuple[frozenset[str] | None, int]]:
        """Yield metrics (None: all) with how far back they are looked at, each with its like."""
        if self.every:
            yield None, self.longest
            return
        for length in sorted(set(self.of_name.values())):
            yield frozenset(name for name, own in self.of_name.items() if own == length), length

    @property
    def longest(self) -> int:
        """Return how far back anything is looked at."""
        return max((self.every, *self.of_name.values()))


def reach_through(rules: Iterable[Alerting | Recording], settings: Settings) -> Reach:
    """Return what has to be there to evaluate rules from nothing on.

    Where a rule looks back at what another records, that one has to have been evaluated by then:
    what it looks at reaches back as much further. A ring of rules is followed as often as there
    are rules in it.
    """
    every = tuple(rules)
    own = [(one, tuple(looks(one.expression, settings))) for one in every]
    found = _reach(look for _, each in own for look in each)
    for _ in every:
        further = _reach(
            Look(look.name, look.length + (found(one.name) if isinstance(one, Recording) else 0))
            for one, each in own
            for look in each
        )
        if further == found:
            break
        found = further
    return found


def looks(node: Node, settings: Settings, back: int = 0) -> Iterator[Look]:
    """Yield what an expression looks at when it is asked BACK ms before now."""
    match node:
        case Selector():
            yield _look(node, settings.lookback, back)
        case Range(selector, length):
            yield _look(selector, length, back)
        case Subquery(inner, length, _, when):
            yield from looks(inner, settings, _further(when, length, back))
        case Negated(inner):
            yield from looks(inner, settings, back)
        case Binary(_, left, right):
            yield from looks(left, settings, back)
            yield from looks(right, settings, back)
        case Aggregate(_, inner, parameter):
            yield from looks(inner, settings, back)
            if parameter is not None:
                yield from looks(parameter, settings, back)
        case Call(_, arguments):
            for one in arguments:
                yield from looks(one, settings, back)
        case _:
            return


def _look(selector: Selector, length: int, back: int) -> Look:
    fixed = (one.value for one in selector.matchers if one.name == NAME and one.how is Match.EQUAL)
    return Look(next(fixed, _ANY), _further(selector.when, length, back))


def _further(when: When, length: int, back: int) -> int:
    """Return how far back a window begins; `@ end()` is now at most, so it adds nothing."""
    if isinstance(when.at, int):
        return FOREVER
    return max(back + when.offset + length, 0)


def _reach(found: Iterable[Look]) -> Reach:
    of_name: dict[str, int] = {}
    for look in found:
        of_name[look.name] = max(min(look.length, FOREVER), of_name.get(look.name, 0))
    every = of_name.pop(_ANY, 0)
    return Reach(of_name, every)
