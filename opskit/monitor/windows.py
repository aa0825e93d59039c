"""Rules of the clock as times: service hours, maintenance that comes again. Pure.

All are written in the time of a place; `core.calendar` says what a clock change means for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from opskit.core.calendar import merged, month, outside, quarter, spans, year
from opskit.core.clock import DAY, Instant, format_duration, to_datetime
from opskit.core.interval import Interval, State, Stretch, percent
from opskit.monitor.catalogue import Catalogue, Objective, Recurring, Service, named
from opskit.outside.cron import next_due

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
    start = next_due(planned.schedule, zone, Instant(window.start - length - 1))
    while start < window.end:
        yield Interval(start, Instant(start + length))
        start = next_due(planned.schedule, zone, start)


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


_NOMINAL = {"month": 30 * DAY, "quarter": 91 * DAY, "year": 365 * DAY}
# So many outages must fit into what may be lost, their edges as uncertain as the looks are apart.
_OUTAGES = 4


def parts(catalogue: Catalogue, *names: str) -> tuple[str, ...]:
    """Return services and all that they are made of, each once, however many share it."""
    found = dict.fromkeys(names)
    left = list(found)
    while left:
        more = dict.fromkeys(named(catalogue.services[left.pop()].made_of))
        left += [one for one in more if one not in found]
        found |= more
    return tuple(found)


def too_coarse(catalogue: Catalogue, name: str) -> str:
    """Return why looks as far apart as these cannot show that an objective was met, if they cannot.

    Each of an outage's two edges is known to one interval. Where fewer than four such outages fit
    into the time that may be lost, being under it proves nothing: looks 60 s apart cannot show
    99.99 % of a month, of which 4.3 min may be lost.
    """
    looks = [
        target.probe.interval
        for part in parts(catalogue, name)
        for target in catalogue.targets((part,))
    ]
    for promise in catalogue.services[name].promises:
        length = promise.over if isinstance(promise.over, int) else _NOMINAL[promise.over]
        may_lose = int((1 - promise.availability) * length)
        if looks and promise.availability > 0 and may_lose < _OUTAGES * 2 * max(looks):
            apart, budget = format_duration(max(looks)), format_duration(may_lose)
            return (
                f"looks {apart} apart cannot show {percent(promise.availability)},"
                f" of which {budget} may be lost"
            )
    return ""
