"""Between what the values of an expression lie, by what is known of its metrics. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from opskit.alerts.checks.shape import argument, is_scalar
from opskit.alerts.checks.subject import Around
from opskit.alerts.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Negated,
    Node,
    Number,
    Range,
    Selector,
    Subquery,
)
from opskit.alerts.promql.wording import name_of

COMPARING: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_MIRRORED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_SAME: Final = frozenset(
    {
        "min_over_time", "max_over_time", "avg_over_time", "last_over_time", "quantile_over_time",
        "label_replace", "label_join", "sort", "sort_desc",
    }
)  # fmt: skip
_AT_LEAST_NOTHING: Final = frozenset(
    {
        "rate", "increase", "irate", "count_over_time", "changes", "resets", "abs", "sqrt",
        "stddev_over_time", "stdvar_over_time", "timestamp", "time", "day_of_month",
        "days_in_month", "hour", "minute", "month", "year", "day_of_week",
    }
)  # fmt: skip
_ONE: Final = frozenset({"absent", "absent_over_time", "present_over_time"})


class Bounds(NamedTuple):
    """The least and the greatest value; OPEN_LOW and OPEN_HIGH leave the ends out."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    @property
    def empty(self) -> bool:
        """Tell whether nothing lies between them."""
        at_end = self.low == self.high and (self.open_low or self.open_high)
        return self.low > self.high or at_end

    def both(self, other: Bounds) -> Bounds:
        """Return what lies between these and others."""
        low, open_low = max((self.low, self.open_low), (other.low, other.open_low))
        high, closed = min((self.high, not self.open_high), (other.high, not other.open_high))
        return Bounds(low, high, open_low, not closed)


ANY: Final = Bounds(-math.inf, math.inf)
NOT_BELOW_ZERO: Final = Bounds(0.0, math.inf)
TRUTH: Final = Bounds(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Reader:
    """Says what values can be; GIVEN has those of some parts that are taken for known."""

    around: Around
    given: Mapping[Node, Bounds] = field(default_factory=dict)

    def of(self, node: Node) -> Bounds:  # noqa: PLR0911  # one line per kind of node
        """Return what the values of an expression lie between."""
        if node in self.given:
            return self.given[node]
        match node:
            case Number():
                return Bounds(node.value, node.value)
            case Selector():
                return self._selector(node)
            case Range():
                return self.of(node.selector)
            case Subquery():
                return self.of(node.inner)
            case Negated():
                low, high, *ends = self.of(node.inner)
                return Bounds(-high, -low, ends[1], ends[0])
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)
            case _:
                return ANY

    def _selector(self, node: Selector) -> Bounds:
        name = name_of(node)
        if name in self.around.records:
            return ANY
        family = self.around.family(name)
        return ANY if family is None else Bounds(family.low, family.high)

    def _aggregate(self, node: Aggregate) -> Bounds:
        inner = self.of(node.inner)
        if node.operator in {"min", "max", "avg", "topk", "bottomk", "quantile"}:
            return inner
        if node.operator in {"count", "count_values"}:
            return Bounds(1.0, math.inf)
        if node.operator == "group":
            return Bounds(1.0, 1.0)
        return NOT_BELOW_ZERO if inner.low >= 0 or node.operator.startswith("std") else ANY

    def _call(self, node: Call) -> Bounds:
        if node.name in _ONE:
            return Bounds(1.0, 1.0)
        if node.name == "vector":
            return self.of(node.arguments[0])
        if node.name in _AT_LEAST_NOTHING:
            return NOT_BELOW_ZERO
        inner = argument(node)
        found = ANY if inner is None else self.of(inner)
        if node.name in _SAME:
            return found
        return NOT_BELOW_ZERO if node.name == "sum_over_time" and found.low >= 0 else ANY

    def _binary(self, node: Binary) -> Bounds:
        left, right = self.of(node.left), self.of(node.right)
        if node.operator in COMPARING:
            return self._compared(node, left, right)
        if node.operator in {"and", "unless"}:
            return left
        if node.operator == "or":
            return Bounds(min(left.low, right.low), max(left.high, right.high))
        how = _ARITHMETIC.get(node.operator)
        return ANY if how is None else how(left, right)

    def _compared(self, node: Binary, left: Bounds, right: Bounds) -> Bounds:
        if node.as_bool:
            return TRUTH
        if is_scalar(node.left) and not is_scalar(node.right):
            return right.both(allowed(_MIRRORED.get(node.operator, node.operator), left))
        return left.both(allowed(node.operator, right))


def allowed(operator: str, other: Bounds) -> Bounds:
    """Return what a value can be that compares so with one within OTHER."""
    match operator:
        case ">":
            return Bounds(other.low, math.inf, open_low=True)
        case ">=":
            return Bounds(other.low, math.inf, other.open_low)
        case "<":
            return Bounds(-math.inf, other.high, open_high=True)
        case "<=":
            return Bounds(-math.inf, other.high, open_high=other.open_high)
        case "==":
            return other
        case _:
            return ANY


def always(node: Binary, reader: Reader) -> bool:
    """Tell whether a comparison holds for every value that can be."""
    left, right = reader.of(node.left), reader.of(node.right)
    if node.operator in {"<", "<="}:
        left, right = right, left
    match node.operator:
        case ">=" | "<=":
            return left.low >= right.high
        case ">" | "<":
            return left.low > right.high or (
                left.low == right.high and (left.open_low or right.open_high)
            )
        case "==":
            return left.low == left.high == right.low == right.high
        case _:
            return left.both(right).empty


def _added(one: Bounds, other: Bounds) -> Bounds:
    return _told(one.low + other.low, one.high + other.high)


def _taken(one: Bounds, other: Bounds) -> Bounds:
    return _told(one.low - other.high, one.high - other.low)


def _times(one: Bounds, other: Bounds) -> Bounds:
    ends = [0.0 if 0.0 in (a, b) else a * b for a in one[:2] for b in other[:2]]
    return _told(min(ends), max(ends))


def _divided(one: Bounds, other: Bounds) -> Bounds:
    if other.low <= 0 <= other.high:
        positive = one.low >= 0 and other.low >= 0
        return NOT_BELOW_ZERO if positive else ANY
    low, high = sorted((1 / other.low, 1 / other.high))
    return _times(one, Bounds(low, high))


def _told(low: float, high: float) -> Bounds:
    return ANY if math.isnan(low) or math.isnan(high) else Bounds(low, high)


_ARITHMETIC: Final[Mapping[str, Callable[[Bounds, Bounds], Bounds]]] = {
    "+": _added, "-": _taken, "*": _times, "/": _divided,
}  # fmt: skip
