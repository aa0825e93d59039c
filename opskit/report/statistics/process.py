"""Whether a month differs from the months before it, or only as they differ from each other. Pure.

The chart of individual values and moving ranges: Shewhart, "Economic Control of Quality of
Manufactured Product", 1931; limits of Wheeler, "Understanding Variation", 1993: the mean, and 2.66
mean moving ranges to either side. Times and sums of times are skewed, so theirs are taken of
logarithms; of raw values, one quiet month in twenty would be called worse. Where a month of nothing
is among them, which has no logarithm, they are taken of square roots, and wider. And no month is
news that is not beyond all of those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import isclose, sqrt
from statistics import fmean

from opskit.report.statistics.functions import exp, ln

# With fewer, the limits themselves are guesses.
LEAST_MONTHS = 12
_LIMIT = 2.66
# Of square roots of times with zeros among them: so wide that at most one month in twenty is told
# to be worse with nothing changed, whether an event comes every month or twice a year.
_WIDE = 4.5


class Change(StrEnum):
    """What can be said of a figure beside those of the months before."""

    HIGHER = "higher"
    LOWER = "lower"
    WITHIN = "within normal variation"
    TOO_FEW = "too few months to compare"


class Scale(StrEnum):
    """How a figure spreads: evenly to both sides, or by factors, as times do."""

    PLAIN = "plain"
    LOGARITHMIC = "logarithmic"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the months before lead one to expect of this one, if nothing changed."""

    low: float
    middle: float
    high: float

    def say(self, value: float) -> Change:
        """Return where a value lies; months that are all alike leave no room but for rounding."""
        if isclose(value, self.middle, rel_tol=1e-9):
            return Change.WITHIN
        if value < self.low:
            return Change.LOWER
        return Change.HIGHER if value > self.high else Change.WITHIN


def limits(history: Sequence[float], scale: Scale) -> Limits | None:
    """Return the limits that earlier values give; None where they are too few.

    They hold every one of the months before.
    """
    if len(history) < LEAST_MONTHS:
        return None
    found = _scaled(history, scale)
    return Limits(min(found.low, *history), found.middle, max(found.high, *history))


def _scaled(history: Sequence[float], scale: Scale) -> Limits:
    if scale is Scale.PLAIN:
        return _limits(history, _LIMIT)
    if min(history) > 0:
        raw = _limits([ln(value) for value in history], _LIMIT)
        return Limits(exp(raw.low), exp(raw.middle), exp(raw.high))
    raw = _limits([sqrt(value) for value in history], _WIDE)
    return Limits(max(0.0, raw.low) ** 2, raw.middle**2, raw.high**2)


def compare(history: Sequence[float], value: float, scale: Scale) -> Change:
    """Return what can be said of `value` beside `history`, oldest first.

    A first time lost after twelve months of none is no news yet: it has to come in some month.
    """
    found = limits(history, scale)
    if found is not None and scale is Scale.LOGARITHMIC and not any(history):
        return Change.WITHIN
    return Change.TOO_FEW if found is None else found.say(value)


def _limits(history: Sequence[float], width: float) -> Limits:
    middle = fmean(history)
    reach = width * fmean(abs(b - a) for a, b in pairwise(history))
    return Limits(middle - reach, middle, middle + reach)
