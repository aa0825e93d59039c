"""Functions of the samples in a window: rates, lines and `*_over_time`. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final

from opskit.alerts.promql import numbers
from opskit.alerts.promql.nodes import QueryError


class Edges(Enum):
    """Whether a window takes in the sample at its very beginning, and what else came with that.

    Prometheus 3 leaves it out; Prometheus 2 took it in. `rate` over a gap at the beginning of a
    window and `stddev` of one infinite element changed between them as well.
    """

    LEFT_OPEN = 3
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of one series from START to END (ms); NOW is the instant that was asked for."""

    times: Sequence[int]
    values: Sequence[float]
    start: int
    end: int
    now: int
    edges: Edges


Function = Callable[[Window, Sequence[float]], float | None]


def _increase(window: Window) -> float:
    values = window.values
    rise = values[-1] - values[0]
    for before, value in pairwise(values):
        if value < before:
            rise += before
    return rise


def _extrapolated(window: Window, *, counter: bool) -> float | None:
    """Return how much it rose over the whole window, as Prometheus's extrapolatedRate does."""
    times, values = window.times, window.values
    if len(times) < 2:
        return None
    rise = _increase(window) if counter else values[-1] - values[0]
    seen = (times[-1] - times[0]) / 1000
    between = seen / (len(times) - 1)
    to_start = (times[0] - window.start) / 1000
    to_end = (window.end - times[-1]) / 1000
    to_zero = math.inf
    if counter and rise > 0 and values[0] >= 0:
        to_zero = seen * (values[0] / rise)
    if window.edges is Edges.CLOSED:
        to_start = _reaching(min(to_start, to_zero), between)
    else:
        to_start = min(_reaching(to_start, between), to_zero)
    return rise * ((seen + to_start + _reaching(to_end, between)) / seen)


def _reaching(gap: float, between: float) -> float:
    return gap if gap < between * 1.1 else between / 2


def _rate(window: Window, _: Sequence[float]) -> float | None:
    rise = _extrapolated(window, counter=True)
    return None if rise is None else rise / ((window.end - window.start) / 1000)


def _last_two(window: Window, *, counter: bool, each_second: bool) -> float | None:
    if len(window.times) < 2:
        return None
    before, last = window.values[-2], window.values[-1]
    rise = last if counter and last < before else last - before
    return rise / ((window.times[-1] - window.times[-2]) / 1000) if each_second else rise


def _deriv(window: Window, _: Sequence[float]) -> float | None:
    if len(window.times) < 2:
        return None
    return numbers.line(window.times, window.values, window.times[0])[0]


def _predict(window: Window, parameters: Sequence[float]) -> float | None:
    if len(window.times) < 2:
        return None
    slope, value = numbers.line(window.times, window.values, window.now)
    return slope * parameters[0] + value


def _changes(window: Window, _: Sequence[float]) -> float:
    return float(
        sum(
            now != before and not (math.isnan(now) and math.isnan(before))
            for before, now in pairwise(window.values)
        )
    )


def _smoothed(window: Window, parameters: Sequence[float]) -> float | None:
    """Return the last value, smoothed by level and trend (Holt's double exponential smoothing)."""
    level, trend = parameters
    for name, factor in (("smoothing", level), ("trend", trend)):
        if not 0 < factor < 1:
            raise QueryError(f"invalid {name} factor. Expected: 0 < factor < 1, got: {factor:f}")
    values = window.values
    if len(values) < 2:
        return None
    before, now, slope = 0.0, values[0], values[1] - values[0]
    for index, value in enumerate(values[1:]):
        if index:
            slope = trend * (now - before) + (1 - trend) * slope
        before, now = now, level * value + (1 - level) * (now + slope)
    return now


def _of_values(function: Callable[[Sequence[float]], float]) -> Function:
    return lambda window, _: function(window.values)


_FUNCTIONS: Final[dict[str, Function]] = {
    "rate": _rate,
    "increase": lambda window, _: _extrapolated(window, counter=True),
    "delta": lambda window, _: _extrapolated(window, counter=False),
    "irate": lambda window, _: _last_two(window, counter=True, each_second=True),
    "idelta": lambda window, _: _last_two(window, counter=False, each_second=False),
    "deriv": _deriv,
    "predict_linear": _predict,
    "changes": _changes,
    "resets": lambda window, _: float(sum(now < old for old, now in pairwise(window.values))),
    "holt_winters": _smoothed,
    "sum_over_time": _of_values(numbers.total),
    "avg_over_time": _of_values(numbers.mean),
    "min_over_time": _of_values(numbers.lowest),
    "max_over_time": _of_values(numbers.highest),
    "count_over_time": _of_values(lambda values: float(len(values))),
    "stddev_over_time": _of_values(numbers.deviation),
    "stdvar_over_time": _of_values(numbers.variance),
    "last_over_time": _of_values(lambda values: values[-1]),
    "present_over_time": _of_values(lambda _: 1.0),
    "quantile_over_time": lambda window, given: numbers.quantile(given[0], window.values),
}
NAMES: Final = frozenset(_FUNCTIONS)


def applied(name: str, window: Window, parameters: Sequence[float]) -> float | None:
    """Return what function NAME says of a window with at least one sample, or None."""
    return _FUNCTIONS[name](window, parameters)
