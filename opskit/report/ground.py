"""What the figures of a report stand on: evidence, the months before, and what people assume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from zoneinfo import ZoneInfo

from opskit.core.clock import to_datetime
from opskit.core.evidence import Evidence
from opskit.core.interval import Interval
from opskit.report.assumptions import NOTHING_ASSUMED, Assumptions


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier month, and what happened in it."""

    period: Interval
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything a figure may look at. Same ground, same figures.

    `past` are the months before, oldest first; `baseline` is the time that improvements are
    measured against, agreed on beforehand; None where there is none.
    """

    period: Interval
    evidence: Evidence
    past: tuple[Past, ...] = ()
    zone: str = "UTC"
    assumptions: Assumptions = NOTHING_ASSUMED

    @property
    def last_day(self) -> date:
        """Return the period's last day in its zone: what is assumed must hold then."""
        return to_datetime(self.period.end - 1, ZoneInfo(self.zone)).date()

    @property
    def before(self) -> Evidence:
        """Return the evidence of all earlier months together."""
        return _together(one.evidence for one in self.past)

    def at(self, past: Past) -> Ground:
        """Return the ground as it was in an earlier month, for the same figures of then."""
        earlier = tuple(one for one in self.past if one.period.end <= past.period.start)
        return Ground(past.period, past.evidence, earlier, self.zone, self.assumptions)


def _together(every: Iterable[Evidence]) -> Evidence:
    return reduce(add, every, Evidence())
