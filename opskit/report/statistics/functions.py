"""The few special functions that exact intervals need, the same to the last bit everywhere. Pure.

Formulas: Abramowitz and Stegun, "Handbook of Mathematical Functions", 4.1.29 (logarithm), 4.2.1
(exponential), 6.1.41 (log-gamma), 6.5.29 and 6.5.31 (incomplete gamma), 26.5.8 (incomplete beta).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from math import frexp, ldexp

# The logarithm of 2 in two parts: multiples of the first are exact (Cody and Waite, "Software
# Manual for the Elementary Functions", 1980).
_LN_2_HIGH, _LN_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
_HALF_LN_2_PI = 0.918938533204672741780329736406
_ROOT_HALF = 0.707106781186547524400844362105
# Bernoulli terms of Stirling's series; from `_LARGE` on they leave less than 1e-15.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_LARGE = 12.0
_ENOUGH = 1e-16
_TINY = 1e-300
# Halving an interval of doubles more often changes nothing.
_HALVINGS = 200


def ln(x: float) -> float:
    """Return the natural logarithm of a positive number."""
    part, power = frexp(x)
    if part < _ROOT_HALF:
        part, power = 2 * part, power - 1
    ratio = (part - 1) / (part + 1)
    square, term, total = ratio * ratio, ratio, 0.0
    for odd in range(1, 41, 2):
        total += term / odd
        term *= square
    return power * _LN_2_HIGH + (2 * total + power * _LN_2_LOW)


def exp(x: float) -> float:
    """Return e to the power of `x`; 0 where that is too small for a double."""
    power = round(x / _LN_2_HIGH)
    if power < -1_073:  # below the smallest double
        return 0.0
    rest = (x - power * _LN_2_HIGH) - power * _LN_2_LOW
    term, total = 1.0, 1.0
    for number in range(1, 22):
        term *= rest / number
        total += term
    return ldexp(total, power)


def log_gamma(x: float) -> float:
    """Return the logarithm of the gamma function of a positive number."""
    below = 1.0
    while x < _LARGE:
        below *= x
        x += 1
    series, power = 0.0, 1 / x
    for factor in _STIRLING:
        series += factor * power
        power /= x * x
    return (x - 0.5) * ln(x) - x + _HALF_LN_2_PI + series - ln(below)


def gamma_below(shape: float, x: float) -> float:
    """Return the chance that a gamma variable of that shape and scale 1 is at most `x`."""
    if x <= 0:
        return 0.0
    front = exp(shape * ln(x) - x - log_gamma(shape))
    if x >= shape + 1:
        return 1 - front / _fraction(_gamma_steps(shape, x), x + 1 - shape)
    term = total = 1 / shape
    for number in count(1):
        term *= x / (shape + number)
        total += term
        if term < total * _ENOUGH:
            break
    return front * total


def beta_below(a: float, b: float, x: float) -> float:
    """Return the chance that a beta variable of parameters `a` and `b` is at most `x`."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges fast
        return 1 - beta_below(b, a, 1 - x)
    choose = log_gamma(a + b) - log_gamma(a) - log_gamma(b)
    front = exp(choose + a * ln(x) + b * ln(1 - x))
    return front / (a * _fraction(_beta_steps(a, b, x), 1.0))


def root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses zero between `low` and `high`, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _gamma_steps(shape: float, x: float) -> Iterator[tuple[float, float]]:
    for number in count(1):
        yield number * (shape - number), x + 1 - shape + 2 * number


def _beta_steps(a: float, b: float, x: float) -> Iterator[tuple[float, float]]:
    yield -(a + b) * x / (a + 1), 1.0
    for number in count(1):
        twice = a + 2 * number
        yield number * (b - number) * x / ((twice - 1) * twice), 1.0
        yield -(a + number) * (a + b + number) * x / (twice * (twice + 1)), 1.0


def _fraction(steps: Iterator[tuple[float, float]], first: float) -> float:
    """Return a continued fraction by Lentz's method as modified by Thompson and Barnett."""
    value = ratio = first or _TINY
    below = 0.0
    for over, plus in steps:
        below = 1 / ((plus + over * below) or _TINY)
        ratio = (plus + over / ratio) or _TINY
        change = ratio * below
        value *= change
        if abs(change - 1) < _ENOUGH * 4:
            break
    return value
