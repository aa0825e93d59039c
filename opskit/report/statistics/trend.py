"""A line through what was measured, and when it meets a limit: robust, with a range. Pure.

The slope is the median of the slopes between all pairs (H. Theil, 1950); its interval runs between
two of those slopes, by the distribution of Kendall's tau (P. K. Sen, "Estimates of the Regression
Coefficient Based on Kendall's Tau", JASA 63, 1968). A backup that fills and empties a disk, or a
sample gone wrong, moves it little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import sqrt
from statistics import median

from opskit.core.clock import Instant

LEAST_SAMPLES = 5
# More samples are thinned evenly: pairs grow with their square.
_MOST_SAMPLES = 120
# Upper 5 % point of the standard normal distribution.
_NORMAL_95 = 1.6448536269514722

Sample = tuple[Instant, Fraction]


@dataclass(frozen=True, slots=True)
class Crossing:
    """When a line meets a limit; `high` is None where the slope may be none at all."""

    low: int
    middle: int
    high: int | None


def crossing(samples: Sequence[Sample], limit: Fraction, *, rising: bool) -> Crossing | None:
    """Return when the line through samples meets a limit that it moves toward; None if never.

    Instants are microseconds since 1970, UTC. The line starts at the last sample's time.
    """
    points = _thinned(samples)
    if len(points) < LEAST_SAMPLES:
        return None
    sign = 1 if rising else -1
    slopes = sorted(sign * (b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s)
    if not slopes or (slope := median(slopes)) <= 0:
        return None
    last = points[-1][0]
    level = median(sign * value - slope * (at - last) for at, value in points)
    way = sign * limit - level
    flat, steep = _interval(slopes, len(points))
    return Crossing(
        _reached(last, way, steep),
        _reached(last, way, slope),
        _reached(last, way, flat) if flat > 0 else None,
    )


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    step = -(-len(samples) // _MOST_SAMPLES) or 1
    return list(reversed(samples[::-1][::step]))


def _interval(slopes: Sequence[Fraction], count: int) -> tuple[Fraction, Fraction]:
    spread = _NORMAL_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, round((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, round((len(slopes) + spread) / 2))
    return slopes[low], slopes[high]


def _reached(last: int, way: Fraction, slope: Fraction) -> int:
    return last + round(max(way, Fraction(0)) / slope)
