"""Functions of one element at a time: rounding, logarithms, angles, parts of a date. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from opskit.alerts.promql import numbers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATES: Final = frozenset(
    [
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "month",
        "year",
    ]
)


def _total(function: Callable[[float], float]) -> Callable[[float], float]:
    """Return a function that says NaN where the library raises."""

    def answered(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.copysign(math.inf, value)

    return answered


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -math.inf if value == 0 else _total(function)(value)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: math.copysign(function(value), value) if math.isfinite(value) else value


def _sign(value: float) -> float:
    if value == 0 or math.isnan(value):
        return value
    return math.copysign(1, value)


def _arc_tangent_h(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) == 1 else _total(math.atanh)(value)


_PLAIN: Final[dict[str, Callable[[float], float]]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "sgn": _sign,
    "sqrt": _total(math.sqrt),
    "exp": _exp,
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sin": _total(math.sin),
    "cos": _total(math.cos),
    "tan": _total(math.tan),
    "asin": _total(math.asin),
    "acos": _total(math.acos),
    "atan": math.atan,
    "sinh": _total(math.sinh),
    "cosh": lambda value: _total(math.cosh)(abs(value)),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _total(math.acosh),
    "atanh": _arc_tangent_h,
    "deg": math.degrees,
    "rad": math.radians,
}


def _least(left: float, right: float) -> float:
    if -math.inf in {left, right}:
        return -math.inf
    return math.nan if math.isnan(left) or math.isnan(right) else min(left, right)


def _greatest(left: float, right: float) -> float:
    return -_least(-left, -right)


def _round(value: float, parameters: Sequence[float]) -> float:
    inverse = numbers.divided(1, parameters[0] if parameters else 1.0)
    scaled = value * inverse + 0.5
    return numbers.divided(_PLAIN["floor"](scaled), inverse)


def _clamp(value: float, parameters: Sequence[float]) -> float | None:
    low, high = parameters
    return None if high < low else _greatest(low, _least(high, value))


_WITH_PARAMETERS: Final[dict[str, Callable[[float, Sequence[float]], float | None]]] = {
    "round": _round,
    "clamp": _clamp,
    "clamp_min": lambda value, given: _greatest(given[0], value),
    "clamp_max": lambda value, given: _least(given[0], value),
}


def _date(name: str, value: float) -> float:
    """Return a part of the date VALUE seconds after 1970 in UTC; NaN outside years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(seconds=int(value))
    except (OverflowError, ValueError):
        return math.nan
    parts: dict[str, Callable[[], int]] = {
        "day_of_month": lambda: moment.day,
        "day_of_week": lambda: moment.isoweekday() % 7,
        "day_of_year": lambda: moment.timetuple().tm_yday,
        "days_in_month": lambda: _days(moment),
        "hour": lambda: moment.hour,
        "minute": lambda: moment.minute,
        "month": lambda: moment.month,
        "year": lambda: moment.year,
    }
    return float(parts[name]())


def _days(moment: datetime) -> int:
    first = moment.replace(day=1)
    return ((first + timedelta(days=31)).replace(day=1) - first).days


CONSTANT: Final = "pi"
NAMES: Final = frozenset({CONSTANT, *_PLAIN, *_WITH_PARAMETERS, *_DATES})


def of_now(name: str) -> bool:
    """Tell whether function NAME without arguments speaks of the instant asked for."""
    return name in _DATES


def applied(name: str, value: float, parameters: Sequence[float]) -> float | None:
    """Return what function NAME makes of VALUE; None where the element goes."""
    if name in _PLAIN:
        return _PLAIN[name](value)
    if name in _DATES:
        return _date(name, value)
    return _WITH_PARAMETERS[name](value, parameters)
