"""Exact intervals for shares, rates, middles and comparisons of rates. Pure.

None of them leans on many observations being there: months have three incidents, not thirty. A
level of 0.9 means that the interval misses at most one time in ten, whatever the truth is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

from opskit.report.statistics.functions import beta_below, gamma_below, root

LEVEL = 0.9
Value = TypeVar("Value", bound=float)


@dataclass(frozen=True, slots=True)
class Range(Generic[Value]):
    """From `low` to `high`, both included. `high` can be without end (`inf`)."""

    low: Value
    high: Value

    def holds(self, value: float) -> bool:
        """Return whether a value lies in it."""
        return self.low <= value <= self.high


def beta_quantile(a: float, b: float, chance: float) -> float:
    """Return the value that a beta variable stays below with that chance."""
    return root(lambda x: beta_below(a, b, x) - chance, 0.0, 1.0)


def gamma_quantile(shape: float, chance: float) -> float:
    """Return the value that a gamma variable of scale 1 stays below with that chance."""
    high = shape + 1
    while gamma_below(shape, high) < chance:
        high *= 2
    return root(lambda x: gamma_below(shape, x) - chance, 0.0, high)


def share(hits: int, count: int, level: float = LEVEL) -> Range[float]:
    """Return the interval of a share of which `hits` of `count` are a sample.

    Clopper and Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26, 1934.
    """
    tail = (1 - level) / 2
    return Range(
        beta_quantile(hits, count - hits + 1, tail) if hits else 0.0,
        beta_quantile(hits + 1, count - hits, 1 - tail) if hits < count else 1.0,
    )


def rate(events: int, exposure: float, level: float = LEVEL) -> Range[float]:
    """Return the interval of a rate, per unit of exposure, of which so many events were seen.

    Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28, 1936.
    """
    tail = (1 - level) / 2
    low = gamma_quantile(events, tail) if events else 0.0
    return Range(low / exposure, gamma_quantile(events + 1, 1 - tail) / exposure)


def rate_ratio(
    before: tuple[int, float], now: tuple[int, float], level: float = LEVEL
) -> Range[float]:
    """Return the interval of the rate now over the rate before; each is (events, exposure).

    Given all events, those of now are binomial under any ratio, so the interval of that share is
    the interval of the ratio: Przyborowski and Wilenski, Biometrika 31, 1940.
    """
    (k0, e0), (k1, e1) = before, now
    if not k0 + k1:
        return Range(0.0, inf)
    part = share(k1, k0 + k1, level)
    odds = [p / (1 - p) * (e0 / e1) if p < 1 else inf for p in (part.low, part.high)]
    return Range(odds[0], odds[1])


def middle(values: Sequence[Value], level: float = LEVEL) -> Range[Value] | None:
    """Return the interval of the median: between two of the values, whatever their distribution.

    None where there are too few for the level. Coverage of x(j) to x(n+1-j) is
    1 - 2 P(Bin(n, 1/2) < j): David and Nagaraja, "Order Statistics", 7.1.
    """
    ordered, count = sorted(values), len(values)
    # Ranks from 1 to half of them; the chance to fall below one grows with it.
    ranks = range(1, (count + 1) // 2 + 1)
    rank = bisect_right(ranks, 1 - level, key=lambda j: 2 * beta_below(count - j + 1, j, 0.5))
    return Range(ordered[rank - 1], ordered[count - rank]) if rank else None
