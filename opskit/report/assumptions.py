"""What people assume: numbers that no evidence gives, each with who says so and until when. Pure.

Nothing is shipped here: no minutes, no rates, no prices. A figure that needs an assumption which is
not there, or whose time is over, has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from opskit.core.clock import Instant
from opskit.core.evidence.rows import settle_order
from opskit.core.interval import Interval
from opskit.report.statistics.draws import Triangular


@dataclass(frozen=True, slots=True)
class Assumption:
    """One number that a person stands for, as a range, until it expires.

    `unit` is in words, such as `minutes per grant`. `source` says where the number comes from.
    """

    name: str
    unit: str
    value: Triangular
    owner: str
    source: str
    said_on: date
    expires_on: date

    def holds(self, day: date) -> bool:
        """Return whether it may be used for a report of that day."""
        return self.said_on <= day < self.expires_on


@dataclass(frozen=True, slots=True)
class Baseline:
    """A time that later ones are compared with, fixed before the work that is to improve on it.

    `frozen_at` is when it was fixed; `changed` says what else has changed since, such as the
    number of hosts, as a factor by which the baseline is multiplied.
    """

    period: Interval
    frozen_at: Instant
    factor: float = 1.0
    changed: str = ""

    def frozen_before(self, period: Interval) -> bool:
        """Return whether it was fixed before a period began: else it may be chosen to fit."""
        return self.frozen_at <= period.start


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All that people assume, by name.

    `reactive_ceiling` is the share of work that reactive work should not go beyond.
    """

    numbers: Mapping[str, Assumption] = field(default_factory=dict)
    baseline: Baseline | None = None
    currency: str = ""
    reactive_ceiling: Fraction | None = None

    def __post_init__(self) -> None:
        """Put numbers into the order of their names."""
        settle_order(self, "numbers")

    def holding(self, name: str, day: date) -> Assumption | None:
        """Return an assumption if it is there and holds on that day."""
        one = self.numbers.get(name)
        return one if one is not None and one.holds(day) else None


NOTHING_ASSUMED = Assumptions()
