"""Days on which nothing happened, with proof that it would have been noticed (F14)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, midnight, to_datetime
from opskit.core.evidence import DrillEvidence, ServiceEvidence
from opskit.core.interval import Interval, State
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, Referred, count, missing
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence
from opskit.report.statistics.process import Scale

QUIET = Methods()
# So long a test fault that came through speaks for the way it took.
_PROOF_HOLDS = 7 * DAY
_OBSERVED = Fraction(99, 100)
_SATURDAY = 5
_NAMED = 3


class Day(StrEnum):
    """What can be said of a working day."""

    QUIET = "quiet"
    DISTURBED = "disturbed"
    UNKNOWN = "unknown"


@QUIET.method("F14", 3, Comparing(Scale.PLAIN, Better.HIGHER, Per.MONTH))
def proven_quiet(ground: Ground) -> Iterator[Figure]:
    """Working days without anything users could see, proven.

    Formula: days from Monday to Friday on which no service was down, each service that is watched
        was observed for 99 % or more of its time that counts, and a test fault of the last seven
        days went the whole way from probe to human; a day that lacks the last two is unknown, not
        quiet, and services that were not observed enough are named
    Unit: working days
    Source: the timelines of the services; the test faults of `opskit drill alerts`
    Not for: a claim that nothing was wrong: only what the probes look at is seen
    """
    services, period = ground.evidence.services, ground.period
    name = Name("quiet.days", "Working days proven quiet")
    if not services:
        nothing = Basis((), "no service is monitored")
        yield missing(name, "count", Presence.NOT_CONFIGURED, "not configured", nothing)
        return
    drills = tuple(
        drill
        for one in (*(past.evidence for past in ground.past), ground.evidence)
        for drill in (one.warnings.drills if one.warnings else ())
    )
    working = tuple(_working_days(period, ground.zone))
    watched = {one.name: _spent(one, working) for one in services}
    days = [
        _judged(day, [spent[index] for spent in watched.values()], drills)
        for index, day in enumerate(working)
    ]
    quiet, unknown = days.count(Day.QUIET), days.count(Day.UNKNOWN)
    rows: Sequence[Referred] = (*services, *drills)
    basis = Basis(rows, _unproven(unknown, watched) if unknown else "")
    if days and unknown == len(days):
        yield missing(name, "count", Presence.NOT_OBSERVED, "not proven", basis)
    else:
        yield count(name, quiet, basis, f"{quiet} of {len(days)}")


def _working_days(period: Interval, zone: str) -> Iterator[Interval]:
    """Yield the working days that lie wholly in the period."""
    local = ZoneInfo(zone)
    day: date = to_datetime(period.start, local).date()
    while midnight(day + timedelta(days=1), local) <= period.end:
        start = midnight(day, local)
        day += timedelta(days=1)
        end = midnight(day, local)
        # Where a zone crossed the date line, a day is missing.
        working = (day - timedelta(days=1)).weekday() < _SATURDAY
        if working and period.start <= start < end:
            yield Interval(start, end)


def _spent(service: ServiceEvidence, days: Sequence[Interval]) -> list[Counter[State]]:
    """Return for each of the days, in order, how long a service was in each state."""
    found = [Counter[State]() for _ in days]
    ends = [one.end for one in days]
    for part in service.timeline:
        for index in range(bisect_right(ends, part.start), len(days)):
            start, end = days[index].start, days[index].end
            if start >= part.end:
                break
            found[index][part.state] += min(end, part.end) - max(start, part.start)
    return found


def _judged(day: Interval, spent: Sequence[Counter[State]], drills: Sequence[DrillEvidence]) -> Day:
    if any(time[State.DOWN] for time in spent):
        return Day.DISTURBED
    known = any(_known(time) for time in spent)
    watched = known and not any(_dark(time) for time in spent)
    return Day.QUIET if watched and _proven(day, drills) else Day.UNKNOWN


def _known(time: Counter[State]) -> int:
    return time[State.UP] + time[State.DEGRADED] + time[State.DOWN]


def _dark(time: Counter[State]) -> bool:
    """Return whether a service was not observed for more of a day than may be missing."""
    counts = _known(time) + time[State.UNKNOWN]
    return bool(counts) and Fraction(_known(time), counts) < _OBSERVED


def _unproven(unknown: int, watched: Mapping[str, Sequence[Counter[State]]]) -> str:
    """Return how many days are unknown, and which services were not observed enough."""
    told = f"{plural(unknown, 'day')} unknown: not watched, or the watch not proven"
    dark = {name: sum(map(_dark, days)) for name, days in watched.items()}
    worst = sorted((name for name in dark if dark[name]), key=lambda name: (-dark[name], name))
    if not worst:
        return told
    named = ", ".join(f"{name} on {dark[name]}" for name in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    return f"{told}; not observed enough: {named}{more}"


def _proven(day: Interval, drills: Sequence[DrillEvidence]) -> bool:
    """Return whether the last test fault before the day's end was recent and came through."""
    last = max((one for one in drills if one.at < day.end), key=lambda one: one.at, default=None)
    return last is not None and last.proved and day.end - last.at <= _PROOF_HOLDS
