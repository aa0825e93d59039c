"""How long people wait, those who still wait included: the product-limit estimate. Pure.

Who looks only at what is finished sees the quick ones: a month's slow requests are still open when
it ends. Kaplan and Meier's estimator ("Nonparametric Estimation from Incomplete Observations",
Journal of the American Statistical Association 53, 1958) counts an open one as waiting for as long
as it was seen to wait, and no longer:

    S(t) = product over the times t_i <= t at which waits ended of (1 - d_i / n_i)

with d_i the waits that ended at t_i and n_i those that lasted at least until t_i. A wait that is
still open at t_i counts in n_i: it ended later than that, if at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import Duration

MEDIAN = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one waited, in microseconds: until it was over, or so far."""

    length: Duration
    over: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """Which share still waits after each time at which a wait ended; from 1 downward.

    `count` are all waits, `still` those that were not over when last seen. `greenwood` holds, for
    each step, the sum of d / (n (n - d)) up to it (Greenwood, "The Errors of Sampling of the
    Survivorship Tables", 1926): times the share squared, it is the share's variance; None where
    nobody was left.
    """

    steps: tuple[tuple[Duration, Fraction], ...]
    count: int
    still: int
    greenwood: tuple[float | None, ...] = ()

    def waiting(self, length: int) -> Fraction:
        """Return the share that waits longer than `length`."""
        past = [share for at, share in self.steps if at <= length]
        return past[-1] if past else Fraction(1)

    def quantile(self, share: Fraction) -> Duration | None:
        """Return the shortest time within which at least `share` were served.

        None where that was not reached: too many still wait for anybody to say.
        """
        most = 1 - share
        return next((at for at, left in self.steps if left <= most), None)

    @property
    def median(self) -> Duration | None:
        """Return the time within which half were served; None where it was not reached."""
        return self.quantile(MEDIAN)


def curve(waits: Iterable[Wait]) -> Curve:
    """Return the estimate; without open waits it is the share of those that lasted longer."""
    every = tuple(waits)
    ended = Counter(one.length for one in every if one.over)
    lasted = Counter(one.length for one in every)
    at_risk, share, spread = len(every), Fraction(1), 0.0
    steps: list[tuple[Duration, Fraction]] = []
    greenwood: list[float | None] = []
    for length in sorted(lasted):
        if ended[length]:
            left = at_risk - ended[length]
            share = Fraction(share.numerator * left, share.denominator * at_risk)
            spread += ended[length] / (at_risk * left) if left else 0.0
            steps.append((length, share))
            greenwood.append(spread if left else None)
        at_risk -= lasted[length]
    return Curve(tuple(steps), len(every), sum(not one.over for one in every), tuple(greenwood))
