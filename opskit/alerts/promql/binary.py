"""Binary operators between numbers and vectors, and how elements find each other. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Final

from opskit.alerts.promql import numbers
from opskit.alerts.promql.labeling import Vector
from opskit.alerts.promql.nodes import Binary, Matching, QueryError, Side
from opskit.alerts.promql.series import NAME, Labels, Sample, only, unnamed, without

_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": numbers.divided,
    "%": numbers.remainder,
    "^": numbers.power,
    "atan2": math.atan2,
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SETS: Final = frozenset({"and", "or", "unless"})


def applied(node: Binary, left: float | Vector, right: float | Vector) -> float | Vector:
    """Return what the operator makes of both sides. `QueryError` where they match ambiguously."""
    if isinstance(left, float):
        if isinstance(right, float):
            return _numbers(node.operator, left, right)
        return _scalar(node, right, lambda value: (left, value))
    if isinstance(right, float):
        return _scalar(node, left, lambda value: (value, right))
    if node.operator in _SETS:
        return _set(node, left, right)
    return _vectors(node, left, right)


def _numbers(name: str, left: float, right: float) -> float:
    if name in _COMPARISONS:
        return float(_COMPARISONS[name](left, right))
    return _ARITHMETIC[name](left, right)


# Whose result keeps the metric's name; Prometheus 2.42 forgot to drop it from `atan2`.
_NAMED: Final = frozenset({*_COMPARISONS, "atan2"})


def _keeps_name(node: Binary) -> bool:
    return node.operator in _NAMED and not node.as_bool


def _filters(node: Binary) -> bool:
    return node.operator in _COMPARISONS and not node.as_bool


def _scalar(node: Binary, vector: Vector, sides: Callable[[float], tuple[float, float]]) -> Vector:
    if _filters(node):
        compare = _COMPARISONS[node.operator]
        return [sample for sample in vector if compare(*sides(sample.value))]
    named = (lambda labels: labels) if _keeps_name(node) else unnamed
    return [
        Sample(named(labels), _numbers(node.operator, *sides(value))) for labels, value in vector
    ]


def _signature(matching: Matching) -> Callable[[Labels], Labels]:
    """Return what tells which elements belong together."""
    if matching.on:
        return lambda labels: only(labels, matching.names)
    ignored = matching.names | {NAME}
    return lambda labels: without(labels, ignored)


def _set(node: Binary, left: Vector, right: Vector) -> Vector:
    signature = _signature(node.matching)
    if node.operator == "or":
        seen = {signature(sample.labels) for sample in left}
        return left + [sample for sample in right if signature(sample.labels) not in seen]
    seen = {signature(sample.labels) for sample in right}
    wanted = node.operator == "and"
    return [sample for sample in left if (signature(sample.labels) in seen) is wanted]


def _vectors(node: Binary, left: Vector, right: Vector) -> Vector:
    signature = _signature(node.matching)
    swapped = node.matching.many is Side.RIGHT
    many, one = (right, left) if swapped else (left, right)
    if not many or not one:
        return []
    ones = _unique(one, signature, "left" if swapped else "right")
    result: Vector = []
    used: set[tuple[Labels, Labels | None]] = set()
    for sample in many:
        key = signature(sample.labels)
        other = ones.get(key)
        if other is None:
            continue
        pair = (other.value, sample.value) if swapped else (sample.value, other.value)
        value = _value(node, *pair)
        if value is None:
            continue
        labels = _labels(node, sample.labels, other.labels)
        _only_once(used, (key, None if node.matching.many is Side.NEITHER else labels))
        result.append(Sample(unnamed(labels) if node.as_bool else labels, value))
    return result


def _unique(
    vector: Vector, signature: Callable[[Labels], Labels], side: str
) -> dict[Labels, Sample]:
    found: dict[Labels, Sample] = {}
    for sample in vector:
        key = signature(sample.labels)
        other = found.get(key)
        if other is not None:
            raise QueryError(
                f"found duplicate series for the match group {key} on the {side} hand-side of the "
                f"operation: [{sample.labels}, {other.labels}];many-to-many matching not allowed: "
                "matching labels must be unique on one side"
            )
        found[key] = sample
    return found


def _only_once(
    used: set[tuple[Labels, Labels | None]], match: tuple[Labels, Labels | None]
) -> None:
    if match not in used:
        used.add(match)
        return
    if match[1] is None:
        raise QueryError(
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)"
        )
    raise QueryError("multiple matches for labels: grouping labels must ensure unique matches")


def _value(node: Binary, left: float, right: float) -> float | None:
    if not _filters(node):
        return _numbers(node.operator, left, right)
    return left if _COMPARISONS[node.operator](left, right) else None


def _labels(node: Binary, many: Labels, one: Labels) -> Labels:
    matching = node.matching
    labels = many if node.operator in _NAMED else unnamed(many)
    if matching.many is not Side.NEITHER:
        return (
            labels.changed({name: one.get(name) for name in matching.include})
            if (matching.include)
            else labels
        )
    return only(labels, matching.names) if matching.on else without(labels, matching.names)
