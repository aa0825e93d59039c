"""What went wrong: how often (F3), how long in all (F4), how long each (F5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median

from opskit.core.clock import DAY, HOUR, Duration, format_duration
from opskit.core.evidence import Evidence, IncidentEvidence, recorded
from opskit.core.interval import Interval, availability
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, signed, time
from opskit.report.ground import Ground, Past
from opskit.report.model import Bounds, Comparison, Figure, Presence, Tag
from opskit.report.statistics.compound import Losses
from opskit.report.statistics.draws import stream
from opskit.report.statistics.intervals import middle, rate_ratio
from opskit.report.statistics.process import Change, Scale
from opskit.report.statistics.ranges import ROUNDS, spread, two_digits

INCIDENTS = Methods()
NO_DESK = "no incident is recorded anywhere: keep them at the desk, or import them"
# Fewer are listed and not added up: their sum says more of the longest than of Ops.
_LEAST = 3
_LEAST_BEFORE = 90 * DAY
# No two zones are so far apart: they lie between UTC-12 and UTC+14.
_ZONES_APART = 27 * HOUR


@dataclass(frozen=True, slots=True)
class _Seen:
    """The incidents that began within a time, and for how long one could have."""

    incidents: tuple[IncidentEvidence, ...]
    exposure: Fraction

    @property
    def ended(self) -> tuple[Duration, ...]:
        return tuple(one.lasted for one in self.incidents if one.lasted is not None)


def _seen(evidence: Evidence, period: Interval, *, observed: bool) -> _Seen:
    """Return what began within a period; exposure in service-days if observed, else in days."""
    known = sum(availability(one.timeline).totals.known for one in evidence.services)
    rows = evidence.desk.incidents if evidence.desk else ()
    began = tuple(one for one in rows if period.start <= one.started_at < period.end)
    return _Seen(began, Fraction(known if observed else period.length, DAY))


def _both(ground: Ground, past: Sequence[Past]) -> tuple[_Seen, _Seen]:
    """Return what was seen before and now, by the same exposure."""
    months = [
        (one.evidence, one.period) for one in past if recorded(one.evidence.desk, "incidents")
    ]
    now = (ground.evidence, ground.period)
    observed = all(any(evidence.services) for evidence, _ in (*months, now))
    before = [_seen(*one, observed=observed) for one in months]
    rows = tuple({row.name: row for one in before for row in one.incidents}.values())
    whole = _Seen(rows, sum((one.exposure for one in before), Fraction()))
    return whole, _seen(*now, observed=observed)


@INCIDENTS.method("F3", 2)
def frequency(ground: Ground) -> Iterator[Figure]:
    """Incidents, and whether they come more or less often than before.

    Formula: incidents that began in the period; given those of now and of the months before, the
        share of now is binomial with chance E1 / (E0 + E1) if nothing changed, E being the
        service-days observed, or days where services were not monitored all along; a change is
        told only if the 90 % interval of the ratio of the rates leaves 1 out, and after 90 days
        or more before: a shorter time may be the bad one after which counting began
    Unit: incidents
    Source: incidents of the desk or of an import; interval of Clopper and Pearson
    Not for: a service picked because it had a bad month: the next one is better by itself
    """
    name = Name("incidents.count", "Incidents")
    if not recorded(ground.evidence.desk, "incidents"):
        yield missing(name, "count", Presence.NOT_CONFIGURED, "not configured", Basis((), NO_DESK))
        return
    before, now = _both(ground, ground.past)
    # That none came rests on those that came before.
    figure = count(name, len(now.incidents), Basis(now.incidents or before.incidents))
    months = [one for one in ground.past if recorded(one.evidence.desk, "incidents")]
    if not (before.exposure and ground.whole_month):
        yield figure
    elif sum(one.period.length for one in months) < _LEAST_BEFORE:
        said = f"{plural(len(months), 'month')} to compare with, 90 days are needed"
        yield replace(figure, comparison=Comparison(Change.TOO_FEW, len(months), said))
    else:
        yield _compared(figure, before, now, _words(months, ground))


def _words(months: Sequence[Past], ground: Ground) -> tuple[int, str]:
    """Return how many months there are, and which; some in between may not be recorded."""
    whole = months[0].period.start, ground.period.start
    gaps = sum(one.period.length for one in months) < whole[1] - whole[0]
    said = f"the {plural(len(months), 'month')} before"
    return len(months), f"{said} that are recorded" if gaps else said


def _compared(figure: Figure, before: _Seen, now: _Seen, named: tuple[int, str]) -> Figure:
    ratio = rate_ratio(
        (len(before.incidents), float(before.exposure)), (len(now.incidents), float(now.exposure))
    )
    change = Change.WITHIN if ratio.holds(1) else Change.LOWER if ratio.high < 1 else Change.HIGHER
    words = {
        Change.LOWER: "less often than in",
        Change.HIGHER: "more often than in",
        Change.WITHIN: "within the normal variation of",
    }[change]
    months, which = named
    return replace(figure, comparison=Comparison(change, months, f"{words} {which}"))


@INCIDENTS.method("F4", 2)
def downtime_change(ground: Ground) -> Iterator[Figure]:
    """Time lost to incidents, beside what the baseline would have led to.

    Formula: E1 (m0 - m1), m being the rate of incidents times their mean length, of the baseline
        and of now: rate from Gamma(k + 1/2) / E, mean of a lognormal length from its posterior
        under no prior knowledge; the 5th, 50th and 95th of 10,000 draws
    Unit: microseconds
    Source: incidents that hit users and are over; the months of the frozen baseline, of 90 days or
        more, fixed before the period, times the factor written there for what else changed
    Not for: fewer than three incidents before or now, or a baseline chosen after the fact
    """
    if not recorded(ground.evidence.desk, "incidents"):
        return
    name = Name("incidents.time_saved", "Time not lost to incidents, beside the baseline")
    saved = time_saved(ground)
    if saved.why:
        shown = Basis(saved.rows, saved.why, Tag.DERIVED)
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "not compared", shown)
        return
    low, mid, high = (int(two_digits(value)) for value in spread(saved.draws))
    shown_range = _range_shown(low, high)
    bounds = Bounds(str(low), str(high), shown_range, "5 to 95 of 100 draws")
    basis = Basis(saved.rows, saved.seen, Tag.DERIVED, bounds)
    yield time(name, mid, basis, signed(mid))


@dataclass(frozen=True, slots=True)
class Saved:
    """Time not lost beside the baseline, in microseconds, in each of all rounds.

    `seen` says of how many incidents; `why` why nothing can be told, there are no draws then.
    """

    draws: Sequence[float]
    rows: Sequence[IncidentEvidence]
    seen: str
    why: str = ""


def time_saved(ground: Ground) -> Saved:
    """Return how much less time was lost to incidents than the baseline would have led to."""
    before, now, why = _beside_baseline(ground)
    rows = (*before.incidents, *now.incidents)
    seen = f"n = {len(before.ended)} before, {len(now.ended)} now"
    return Saved(() if why else _draws(before, now, _factor(ground)), rows, seen, why)


def _range_shown(low: int, high: int) -> str:
    """Return a range of time not lost; one that holds both signs is told in words."""
    if low < 0 < high:
        return f"{format_duration(-low)} more lost to {format_duration(high)} less"
    return f"{signed(low)} to {signed(high)}"


def _beside_baseline(ground: Ground) -> tuple[_Seen, _Seen, str]:
    """Return what hit users in the baseline and now; with why they cannot be compared, if so."""
    baseline = ground.assumptions.baseline
    within = (
        []
        if baseline is None
        else [one for one in ground.past if _inside(one.period, baseline.period)]
    )
    before, now = (_hit(one) for one in _both(ground, within))
    if baseline is None:
        return before, now, "no baseline is agreed on"
    if not baseline.frozen_before(ground.period):
        return before, now, "the baseline was written down after the period began"
    if sum(one.period.length for one in within) < _LEAST_BEFORE:
        return before, now, "fewer than 90 days of the baseline are recorded"
    if min(len(before.ended), len(now.ended)) < _LEAST:
        return before, now, "fewer than three incidents before or now: read the list"
    return before, now, ""


def _inside(inner: Interval, outer: Interval) -> bool:
    """Return whether a month is one of a time, also if that was cut in another zone."""
    return min(inner.end, outer.end) - max(inner.start, outer.start) > inner.length - _ZONES_APART


def _hit(seen: _Seen) -> _Seen:
    return replace(seen, incidents=tuple(one for one in seen.incidents if one.visible))


def _factor(ground: Ground) -> float:
    return ground.assumptions.baseline.factor if ground.assumptions.baseline else 1.0


def _draws(before: _Seen, now: _Seen, factor: float) -> list[float]:
    days = float(now.exposure)
    lost0, lost1 = (_lost_a_day(one, name) for one, name in ((before, "before"), (now, "now")))
    return [days * (factor * a - b) for a, b in zip(lost0, lost1, strict=True)]


def _lost_a_day(seen: _Seen, name: str) -> Iterator[float]:
    losses = Losses(seen.ended, len(seen.incidents), float(seen.exposure))
    return losses.draws(stream(f"F4/{name}/{seen.exposure}/{sorted(seen.ended)}"), ROUNDS)


@INCIDENTS.method("F5", 2, Comparing(Scale.LOGARITHMIC, Better.LOWER, Per.MONTH))
def time_to_restore(ground: Ground) -> Iterator[Figure]:
    """Time from an incident's start to its end.

    Formula: median of the lengths of the incidents that ended in the period; its 90 % interval runs
        between two of the lengths, x(j) to x(n+1-j), with 1 - 2 P(Bin(n, 1/2) < j) >= 0.9
    Unit: microseconds
    Source: incidents of the desk or of an import
    Not for: a mean, a percentage of change, or a trend over a dozen incidents: with nothing changed
        it moves by a fifth in four months of ten
    """
    if not recorded(ground.evidence.desk, "incidents"):
        return
    name = Name("incidents.restore", "Time to restore, median")
    period = ground.period
    ended = [
        (one.lasted, one)
        for one in ground.evidence.desk.incidents
        if one.lasted is not None
        and one.resolved_at
        and period.start <= one.resolved_at < period.end
    ]
    rows = [one for _, one in ended]
    lengths = sorted(length for length, _ in ended)
    if not lengths:
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "none ended", Basis(rows))
        return
    between = middle(lengths)
    bounds = None
    if between is not None:
        shown = f"{format_duration(between.low)} to {format_duration(between.high)}"
        bounds = Bounds(str(between.low), str(between.high), shown, "90 % interval")
    few = "" if bounds else "; too few for an interval"
    basis = Basis(rows, f"n = {len(lengths)}{few}", bounds=bounds)
    yield time(name, int(median(lengths)), basis)
