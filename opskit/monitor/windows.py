"""Rules of the clock as times: service hours, maintenance that comes again. Pure.

All are written in the time of a place; `core.calendar` says what a clock change means for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from cronsim import CronSim

from opskit.core.calendar import merged, month, outside, quarter, spans, year
from opskit.core.clock import DAY, Instant, from_datetime, to_datetime
from opskit.core.interval import Interval, State, Stretch
from opskit.monitor.catalogue import Catalogue, Objective, Recurring, Service

OUT_OF_HOURS = "out of service hours"
# No maintenance is longer; one that began before the window may reach into it.
_LONGEST = 31 * DAY


def out_of_hours(service: Service, window: Interval, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Return when a service is not in service."""
    if not service.hours:
        return ()
    inside = spans([one.hours for one in service.hours], window, service.timezone or zone)
    return tuple(
        Stretch(one.start, one.end, State.EXCLUDED, OUT_OF_HOURS) for one in outside(inside, window)
    )


def recurring(
    catalogue: Catalogue, service: str, window: Interval, zone: ZoneInfo
) -> tuple[Stretch, ...]:
    """Return the maintenance of a service that the catalogue foresees."""
    return tuple(
        Stretch(one.start, one.end, State.MAINTENANCE, planned.reason)
        for planned in catalogue.maintenance
        if not planned.services or service in planned.services
        for one in merged(_occurrences(planned, window, planned.timezone or zone), window)
    )


def _occurrences(planned: Recurring, window: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    length = min(planned.length, _LONGEST)
    # cronsim yields what comes after the instant it is given, so it is given a little less.
    before = to_datetime(window.start - length - 60_000_000, zone).replace(microsecond=0)
    for moment in CronSim(planned.schedule, before):
        start = from_datetime(moment)
        if start >= window.end:
            return
        yield Interval(start, Instant(start + length))


def window_of(objective: Objective, now: Instant, zone: ZoneInfo) -> Interval:
    """Return the whole time over which an objective is measured now, of which some lies ahead.

    A rolling one ends now.
    """
    if isinstance(objective.over, int):
        return Interval(Instant(now - objective.over), now)
    own = objective.timezone or zone
    day = to_datetime(now, own).date()
    if objective.over == "month":
        return month(day.year, day.month, own)
    if objective.over == "quarter":
        return quarter(day.year, (day.month + 2) // 3, own)
    return year(day.year, own)
