"""Aggregations over the elements of a vector. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from opskit.alerts.promql import numbers
from opskit.alerts.promql.labeling import LABEL, Vector
from opskit.alerts.promql.nodes import Aggregate, Grouping, QueryError
from opskit.alerts.promql.ranges import Edges
from opskit.alerts.promql.series import NAME, Labels, Sample, only, without

Parameter = float | str | None

_PLAIN: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "sum": numbers.total,
    "avg": numbers.mean,
    "min": numbers.lowest,
    "max": numbers.highest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
_SPREADS: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "stddev": numbers.deviation,
    "stdvar": numbers.variance,
}


def applied(node: Aggregate, vector: Vector, parameter: Parameter, edges: Edges) -> Vector:
    """Return one element for each group, or what of each group is chosen (topk, bottomk)."""
    name = node.operator
    if isinstance(parameter, str):
        return _counted(node.grouping, vector, parameter)
    groups = _groups(node.grouping, vector)
    if name in {"topk", "bottomk"} and parameter is not None:
        count = _whole(parameter)
        return [
            sample for group in groups.values() for sample in _first(group, count, name == "topk")
        ]
    function = _function(name, parameter, edges)
    return [
        Sample(labels, function([sample.value for sample in group]))
        for labels, group in groups.items()
    ]


def _function(
    name: str, parameter: float | None, edges: Edges
) -> Callable[[Sequence[float]], float]:
    if parameter is not None:
        return lambda values: numbers.quantile(parameter, values)
    if name in _SPREADS:
        return lambda values: _spread(_SPREADS[name], values, edges)
    return _PLAIN[name]


def _spread(
    function: Callable[[Sequence[float]], float], values: Sequence[float], edges: Edges
) -> float:
    """Return it; Prometheus 2 said 0 of a single element, even if that was NaN or infinite."""
    return 0.0 if len(values) == 1 and edges is Edges.CLOSED else function(values)


def _key(grouping: Grouping) -> Callable[[Labels], Labels]:
    if grouping.except_names:
        dropped = grouping.names | {NAME}
        return lambda labels: without(labels, dropped)
    return lambda labels: only(labels, grouping.names)


def _groups(grouping: Grouping, vector: Iterable[Sample]) -> dict[Labels, Vector]:
    key = _key(grouping)
    groups: dict[Labels, Vector] = {}
    for sample in vector:
        groups.setdefault(key(sample.labels), []).append(sample)
    return groups


def _whole(parameter: float) -> int:
    if math.isnan(parameter) or abs(parameter) >= 2**63:
        raise QueryError(f"Scalar value {parameter} overflows int64")
    return int(parameter)


def _first(group: Vector, count: int, descending: bool) -> Vector:
    sign = -1 if descending else 1
    ordered = sorted(group, key=lambda one: (math.isnan(one.value), sign * one.value))
    return ordered[: max(count, 0)]


def _counted(grouping: Grouping, vector: Vector, label: str) -> Vector:
    if not LABEL.fullmatch(label):
        raise QueryError(f'invalid label name "{label}"')
    named = [
        Sample(sample.labels.changed({label: written(sample.value)}), sample.value)
        for sample in vector
    ]
    if not grouping.except_names:
        grouping = Grouping(grouping.names | {label})
    groups = _groups(grouping, named)
    return [Sample(labels, float(len(group))) for labels, group in groups.items()]


def written(value: float) -> str:
    """Return a number without an exponent and with no more digits than it needs."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
