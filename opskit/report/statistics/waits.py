"""How sure the middle wait is, those who still wait included. Pure.

The interval of the median holds every time at which the 90 % interval of the share that still waits
holds one half: Brookmeyer and Crowley, "A Confidence Interval for the Median Survival Time",
Biometrics 38, 1982; that of the share by Greenwood's variance of ln(-ln share), which stays between
0 and 1: Kalbfleisch and Prentice, "The Statistical Analysis of Failure Time Data", 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from typing import TypeAlias

from opskit.core.clock import Duration
from opskit.core.leadtime import Curve
from opskit.report.statistics.functions import ln

# The standard normal value that 95 in 100 stay below: the level is 90 %.
_NORMAL = 1.6448536269514722
_MIDDLE = ln(ln(2.0))
# A step of a curve, and Greenwood's sum there.
_Point: TypeAlias = tuple[tuple[Duration, Fraction], float | None]
# With fewer that are over, the variance itself is a guess.
LEAST_OVER = 5


def median_between(found: Curve) -> tuple[Duration, Duration | None] | None:
    """Return where the median wait lies, with 90 %; without an upper end where none can be told.

    None where fewer than five waits are over, or where not even the lower end was reached.
    """
    if found.count - found.still < LEAST_OVER:
        return None
    points = list(zip(found.steps, found.greenwood, strict=True))
    lowest = _first_below(points, 0, -_NORMAL)
    if lowest is None:
        return None
    # Where the upper end is at one half, the lower is: it cannot come before.
    highest = _first_below(points, lowest, _NORMAL)
    return points[lowest][0][0], None if highest is None else points[highest][0][0]


def _first_below(points: Sequence[_Point], start: int, normal: float) -> int | None:
    """Return the first point, from `start` on, at which an end of the share's interval is low."""
    for index in range(start, len(points)):
        (_, left), greenwood = points[index]
        if _below(left, greenwood, normal):
            return index
    return None


def _below(left: Fraction, greenwood: float | None, normal: float) -> bool:
    """Return whether an end of the share's interval is at one half or below it."""
    if greenwood is None:
        return True
    risk = -ln(float(left))
    return ln(risk) - normal * sqrt(greenwood) / risk >= _MIDDLE
