"""Instants in words: in the report's zone for people, and exact for whoever recomputes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, Instant, iso, to_datetime
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Times:
    """How a report over `period` writes a moment: with no more than its reader needs."""

    zone: ZoneInfo
    period: Interval

    @property
    def in_days(self) -> bool:
        """Return whether the period is so long that a ribbon's cell is a day."""
        return self.period.length >= 2 * DAY

    def short(self, instant: Instant) -> str:
        """Return a moment without the date or year that the whole report shares."""
        moment = self._local(instant)
        parts = (self._day(moment), self._clock(), "%Z" if _twice(moment) else "")
        return moment.strftime(" ".join(filter(None, parts)))

    def full(self, instant: Instant) -> str:
        """Return a moment that can stand alone, `Thu 1 Oct 2026 00:00`."""
        moment = self._local(instant)
        return moment.strftime(f"%a %-d %b %Y {self._clock()}")

    def day(self, instant: Instant) -> str:
        """Return a moment's date alone, `1 Oct`."""
        return self._local(instant).strftime("%-d %b")

    def exact(self, instant: Instant) -> str:
        """Return a moment to the second with its offset from UTC."""
        return iso(instant, self.zone).replace("T", " ")

    def _local(self, instant: Instant) -> datetime:
        return to_datetime(instant, self.zone)

    def _day(self, moment: datetime) -> str:
        first, last = self._local(self.period.start), self._local(Instant(self.period.end - 1))
        if moment.year != last.year:
            return "%a %-d %b %Y"
        return "" if first.date() == moment.date() == last.date() else "%a %-d %b"

    def _clock(self) -> str:
        return "%H:%M:%S" if self.period.length < DAY else "%H:%M"


def _twice(moment: datetime) -> bool:
    """Return whether the clock shows this time twice that day, so that it needs its zone."""
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
