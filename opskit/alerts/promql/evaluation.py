"""What an expression answers over a storage, at an instant or over a period. Pure.

The public doors are `instant` and `over`. Semantics are those of Prometheus; see `Edges` for what
differs between its versions.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from opskit.alerts.promql import aggregation, binary, labeling, mapping, ranges
from opskit.alerts.promql.labeling import Argument, Vector
from opskit.alerts.promql.nodes import (
    Aggregate,
    Binary,
    Bound,
    Call,
    Negated,
    Node,
    Number,
    QueryError,
    Range,
    Selector,
    Subquery,
    Text,
    When,
)
from opskit.alerts.promql.ranges import Edges, Window
from opskit.alerts.promql.series import (
    Labels,
    Sample,
    Series,
    Storage,
    is_stale,
    unnamed,
)

Matrix = list[Series]
Answer = float | str | Vector | Matrix
_NOTHING: Final = Labels()
_KEEPS_NAME: Final = frozenset({"last_over_time"})
# As many as Prometheus gives for each series in one answer.
_MOST_POINTS: Final = 11_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How far back the newest sample may lie, the default step of subqueries (ms), the edges."""

    lookback: int = 300_000
    step: int = 60_000
    edges: Edges = Edges.LEFT_OPEN


_DEFAULT: Final = Settings()


def instant(node: Node, storage: Storage, at: int, settings: Settings = _DEFAULT) -> Answer:
    """Return a vector, a number, a text or (for a range selector) a matrix AT an instant (ms).

    `QueryError` where it has no answer, in Prometheus's own words.
    """
    asked = _Asked(storage, settings, at, at)
    if isinstance(node, Range | Subquery):
        return [
            Series.made(labels, zip(window.times, window.values, strict=True))
            for labels, window in asked.windows(node, at)
        ]
    return asked.value(node, at)


def over(
    node: Node,
    storage: Storage,
    start: int,
    end: int,
    step: int,
    settings: Settings = _DEFAULT,
) -> Matrix:
    """Return the answers from START to END, each STEP ms, as one series for each set of labels."""
    if isinstance(node, Range | Subquery | Text):
        raise QueryError(
            "invalid expression type for range query, must be Scalar or instant Vector"
        )
    if step <= 0 or end < start:
        raise QueryError("a period needs a step greater than zero and an end after its start")
    if (end - start) // step > _MOST_POINTS:
        raise QueryError(f"more than {_MOST_POINTS} points: take a greater step")
    return _Asked(storage, settings, start, end).matrix(node, range(start, end + 1, step))


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query: over which storage, and where it begins and ends as a whole."""

    storage: Storage
    settings: Settings
    start: int
    end: int

    def value(self, node: Node, now: int) -> float | str | Vector:
        """Return what NODE says at NOW."""
        match node:
            case Number(value) | Text(value):
                return value
            case Selector():
                return [Sample(labels, value) for labels, _, value in self.newest(node, now)]
            case Negated(inner):
                operand = self._operand(inner, now)
                return -operand if isinstance(operand, float) else _negated(operand)
            case Binary():
                answer = binary.applied(
                    node, self._operand(node.left, now), self._operand(node.right, now)
                )
                return answer if isinstance(answer, float) else _distinct(answer)
            case Aggregate():
                return self._aggregate(node, now)
            case Call():
                return self._call(node, now)
            case Range() | Subquery():
                raise QueryError("a range vector stands where an instant vector is needed")

    def matrix(self, node: Node, times: Sequence[int]) -> Matrix:
        """Return what NODE says at each of TIMES."""
        found: dict[Labels, list[tuple[int, float]]] = {}
        for time in times:
            value = self._operand(node, time)
            vector = [Sample(_NOTHING, value)] if isinstance(value, float) else value
            for labels, number in vector:
                found.setdefault(labels, []).append((time, number))
        return [Series.made(labels, points) for labels, points in found.items()]

    def newest(self, node: Selector, now: int) -> Iterator[tuple[Labels, int, float]]:
        """Yield labels, time and value of the newest sample of each series that is not stale."""
        now = self._moment(node.when, now)
        oldest = now - self.settings.lookback
        if self.settings.edges is Edges.LEFT_OPEN:
            oldest += 1
        for series in self.storage.select(node.matchers, oldest, now):
            times = series.times
            # Rules ask for what came last: it need not be searched for.
            behind = len(times) if times and times[-1] <= now else bisect_right(times, now)
            index = behind - 1
            if index < 0 or times[index] < oldest:
                continue
            value = series.values[index]
            if value == value or not is_stale(value):  # noqa: PLR0124  # NaN
                yield series.labels, times[index], value

    def windows(self, node: Range | Subquery, now: int) -> Iterator[tuple[Labels, Window]]:
        """Yield labels and samples of each series that has any in the window."""
        when = node.when if isinstance(node, Subquery) else node.selector.when
        end = self._moment(when, now)
        start = end - node.length
        first = start + 1 if self.settings.edges is Edges.LEFT_OPEN else start
        for series in self._inside(node, first, end):
            begin, behind = bisect_left(series.times, first), bisect_right(series.times, end)
            times, values = series.times[begin:behind], series.values[begin:behind]
            times, values = _fresh(times, values)
            if times:
                yield series.labels, Window(times, values, start, end, now, self.settings.edges)

    def _inside(self, node: Range | Subquery, first: int, end: int) -> Sequence[Series]:
        if isinstance(node, Range):
            return self.storage.select(node.selector.matchers, first, end)
        step = node.step or self.settings.step
        return self.matrix(node.inner, range(-(-first // step) * step, end + 1, step))

    def _moment(self, when: When, now: int) -> int:
        bounds = {Bound.START: self.start, Bound.END: self.end, None: now}
        at = bounds[when.at] if when.at is None or isinstance(when.at, Bound) else when.at
        return at - when.offset

    def _operand(self, node: Node, now: int) -> float | Vector:
        value = self.value(node, now)
        if isinstance(value, str):
            raise QueryError("a text stands where a number or a vector is needed")
        return value

    def _vector(self, node: Node, now: int) -> Vector:
        value = self.value(node, now)
        if not isinstance(value, list):
            raise QueryError("a number or a text stands where a vector is needed")
        return value

    def _number(self, node: Node, now: int) -> float:
        value = self.value(node, now)
        if not isinstance(value, float):
            raise QueryError("a vector or a text stands where a number is needed")
        return value

    def _aggregate(self, node: Aggregate, now: int) -> Vector:
        parameter = None if node.parameter is None else self.value(node.parameter, now)
        if isinstance(parameter, list):
            raise QueryError("a vector stands where a number is needed")
        return aggregation.applied(
            node, self._vector(node.inner, now), parameter, self.settings.edges
        )

    def _call(self, node: Call, now: int) -> float | Vector:
        name, arguments = node.name, node.arguments
        if name in ranges.NAMES:
            return _distinct(self._of_windows(node, now))
        if name in labeling.NAMES:
            given: list[Argument] = [self.value(one, now) for one in arguments]
            return _distinct(labeling.applied(name, given))
        if name == mapping.CONSTANT:
            return math.pi
        if name in mapping.NAMES:
            return self._mapped(node, now)
        return self._own(node, now)

    def _of_windows(self, node: Call, now: int) -> Vector:
        found: Vector = []
        window_of = next(one for one in node.arguments if isinstance(one, Range | Subquery))
        parameters = [self._number(one, now) for one in node.arguments if one is not window_of]
        keeps = node.name in _KEEPS_NAME
        for labels, window in self.windows(window_of, now):
            value = ranges.applied(node.name, window, parameters)
            if value is not None:
                found.append(Sample(labels if keeps else unnamed(labels), value))
        return found

    def _mapped(self, node: Call, now: int) -> Vector:
        if not node.arguments and mapping.of_now(node.name):
            vector = [Sample(_NOTHING, now / 1000)]
        else:
            vector = self._vector(node.arguments[0], now)
        parameters = [self._number(one, now) for one in node.arguments[1:]]
        applied = (
            (labels, mapping.applied(node.name, value, parameters)) for labels, value in vector
        )
        return _distinct(
            [Sample(unnamed(labels), value) for labels, value in applied if value is not None]
        )

    def _own(self, node: Call, now: int) -> float | Vector:
        if node.name == "time":
            return now / 1000
        inner = node.arguments[0]
        match node.name:
            case "vector":
                return [Sample(_NOTHING, self._number(inner, now))]
            case "scalar":
                vector = self._vector(inner, now)
                return vector[0].value if len(vector) == 1 else math.nan
            case "timestamp":
                return _distinct(self._timestamps(inner, now))
            case "absent":
                matchers = inner.matchers if isinstance(inner, Selector) else ()
                there = bool(self._vector(inner, now))
            case _:
                assert isinstance(inner, Range | Subquery)  # noqa: S101 - the grammar's promise
                matchers = inner.selector.matchers if isinstance(inner, Range) else ()
                there = any(True for _ in self.windows(inner, now))
        return [] if there else [Sample(labeling.of_absent(matchers), 1.0)]

    def _timestamps(self, inner: Node, now: int) -> Vector:
        if isinstance(inner, Selector):
            return [
                Sample(unnamed(labels), time / 1000) for labels, time, _ in self.newest(inner, now)
            ]
        return [Sample(unnamed(labels), now / 1000) for labels, _ in self._vector(inner, now)]


def _fresh(times: array[int], values: array[float]) -> tuple[array[int], array[float]]:
    # The sum is NaN where any value is, the mark of staleness too.
    if not math.isnan(sum(values)) or not any(map(is_stale, values)):
        return times, values
    kept = [index for index, value in enumerate(values) if not is_stale(value)]
    return array("q", [times[i] for i in kept]), array("d", [values[i] for i in kept])


def _negated(vector: Vector) -> Vector:
    return _distinct([Sample(unnamed(labels), -value) for labels, value in vector])


def _distinct(vector: Vector) -> Vector:
    if len({sample.labels for sample in vector}) < len(vector):
        raise QueryError("vector cannot contain metrics with the same labelset")
    return vector
