"""What the figures of a report stand on: evidence, the months before, and what people assume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from operator import add
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import Instant, to_datetime
from opskit.core.evidence import Evidence
from opskit.core.interval import Interval
from opskit.report.assumptions import NOTHING_ASSUMED, Assumptions

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier month, and what happened in it."""

    period: Interval
    evidence: Evidence


@dataclass(frozen=True)
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

    @cached_property
    def whole_month(self) -> bool:
        """Return whether the period is a month that is over: only those are compared."""
        zone = ZoneInfo(self.zone)
        first = to_datetime(self.period.start, zone).date()
        return self.period == month(first.year, first.month, zone)

    @cached_property
    def before(self) -> Evidence:
        """Return the evidence of all earlier months together."""
        return _together(one.evidence for one in self.past)

    def at(self, past: Past) -> Ground:
        """Return the ground as it was in an earlier month, for the same figures of then."""
        earlier = tuple(one for one in self.past if one.period.end <= past.period.start)
        return Ground(past.period, past.evidence, earlier, self.zone, self.assumptions)


def months_before(period: Interval, zone: ZoneInfo, since: Instant) -> tuple[Interval, ...]:
    """Return the twelve months before a month, oldest first; none for any other period.

    Those that began before `since` are left out: nobody looked at all of them.
    """
    first = to_datetime(period.start, zone).date()
    if period != month(first.year, first.month, zone):
        return ()
    numbers = (12 * first.year + first.month - 1 - back for back in range(MONTHS, 0, -1))
    months = (month(number // 12, number % 12 + 1, zone) for number in numbers)
    return tuple(one for one in months if one.start >= since)


def _together(every: Iterable[Evidence]) -> Evidence:
    return reduce(add, every, Evidence())
