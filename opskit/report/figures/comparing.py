"""A figure beside the same figure of the months before: better, worse, or only noise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from opskit.core.clock import DAY
from opskit.core.text import plural
from opskit.report.ground import Ground
from opskit.report.model import Comparison, Figure
from opskit.report.statistics.process import LEAST_MONTHS, Change, Scale, compare


class Better(StrEnum):
    """Which way is better for whoever is served."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


class Per(StrEnum):
    """Whether a longer month has more of it."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Comparing:
    """How the figures of a method are compared over months."""

    scale: Scale
    better: Better
    per: Per

    def measure(self, figure: Figure, ground: Ground) -> float:
        """Return a figure's value, for each day where longer months have more of it."""
        value = Fraction(figure.value)
        return float(value * DAY / ground.period.length if self.per is Per.DAY else value)

    def comparison(self, history: Sequence[float], now: float) -> Comparison:
        """Return what can be said of a value beside those of earlier months, oldest first."""
        change = compare(history, now, self.scale)
        return Comparison(change, len(history), self._words(change, len(history)))

    def is_worse(self, change: Change) -> bool:
        """Return whether a change is one for the worse, for whoever is served."""
        worse = {Better.LOWER: Change.HIGHER, Better.HIGHER: Change.LOWER, Better.NEITHER: None}
        return change is worse[self.better]

    def _words(self, change: Change, months: int) -> str:
        if change is Change.TOO_FEW:
            return f"{plural(months, 'month')} to compare with, {LEAST_MONTHS} are needed"
        before = f"the {plural(months, 'month')} before"
        if change is Change.WITHIN:
            return f"within the normal variation of {before}"
        told = f"{change.value} than {before} vary"
        if self.better is Better.NEITHER:
            return told
        return f"{'better' if change.value == self.better.value else 'worse'}: {told}"
