"""What a chart shows, as values: drawn by one form or another, each with its table beside it. Pure.

Every series and value has a name and its words, so that nothing depends on a color alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from opskit.core.clock import Instant


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its parts in the order of the chart's names, in the chart's unit, and in words."""

    label: str
    parts: tuple[float, ...]
    said: str


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Parts of a whole, bar beside bar.

    `ceiling` is the share of a bar (0 to 1) that its first part should stay under.
    """

    names: tuple[str, ...]
    bars: tuple[Bar, ...]
    unit: str
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Burn:
    """What was left of one service's error budget, as a share of it: 1 is all, below 0 is missed.

    A gap between points that is not observed is a point whose share is None.
    """

    service: str
    points: tuple[tuple[Instant, float | None], ...]
    said: str


@dataclass(frozen=True, slots=True)
class BurnLines:
    """How error budgets were spent over the period, from full to the end."""

    burns: tuple[Burn, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A share (0 to 1) that grows in steps: from each point's hours on, so much."""

    label: str
    points: tuple[tuple[float, float], ...]
    said: str


@dataclass(frozen=True, slots=True)
class Steps:
    """How much was done within how many hours; the first curve is now, later ones are before."""

    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class DotRow:
    """Single values in minutes, and the middle with its interval where there are enough."""

    label: str
    minutes: tuple[float, ...]
    middle: tuple[float, float, float] | None
    said: str


@dataclass(frozen=True, slots=True)
class Dots:
    """Every single length of time, on a logarithmic scale of minutes: no mean hides any."""

    rows: tuple[DotRow, ...]


@dataclass(frozen=True, slots=True)
class RangeRow:
    """A value that is known as a range: low, middle and high in the chart's unit, and in words."""

    label: str
    low: float
    middle: float
    high: float
    said: str


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges under each other on one scale. `mark` is a value that they are read against."""

    rows: tuple[RangeRow, ...]
    unit: str
    mark: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A month's value, None where there is none, and in words."""

    label: str
    value: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Process:
    """A figure month by month, with the limits of its normal variation where there are enough."""

    months: tuple[Month, ...]
    limits: tuple[float, float, float] | None
    unit: str


Plot: TypeAlias = StackedBars | BurnLines | Steps | Dots | Ranges | Process
