"""Time lost to events that come at random and last a skewed time: its rate, as draws. Pure.

How many come is Poisson; how long each lasts is lognormal. Nothing is known of either beforehand
but Jeffreys' prior: the rate is Gamma(k + 1/2) / exposure; the variance of the logarithms is their
sum of squares over a chi-squared value of n - 1 degrees, the mean of the logarithms normal around
theirs (Gelman and others, "Bayesian Data Analysis", 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from random import Random
from statistics import fmean

from opskit.report.statistics.draws import gamma, normal
from opskit.report.statistics.functions import exp, ln


@dataclass(frozen=True, slots=True)
class Losses:
    """What was seen: lengths of the events that ended, how many began, in how much time."""

    lengths: Sequence[float]
    events: int
    exposure: float

    def draws(self, source: Random, rounds: int) -> Iterator[float]:
        """Yield the time lost per unit of exposure, as it may be; two lengths at least."""
        logs = [ln(max(1.0, length)) for length in self.lengths]
        count, mean = len(logs), fmean(logs)
        squares = sum((one - mean) ** 2 for one in logs)
        for _ in range(rounds):
            variance = squares / (2 * gamma(source, (count - 1) / 2))
            middle = mean + normal(source) * sqrt(variance / count)
            rate = gamma(source, self.events + 0.5) / self.exposure
            yield rate * exp(min(middle + variance / 2, _LARGEST))


# The logarithm of a time longer than anything lasts: what three lengths allow has no end.
_LARGEST = 60.0
