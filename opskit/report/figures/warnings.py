"""What was told beforehand: predictions (F9), trends run on (F10), renewals (F11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.clock import Duration, Instant, format_duration, to_datetime
from opskit.core.evidence import (
    Evidence,
    PredictionEvidence,
    RenewalEvidence,
    TrendEvidence,
    WarningEvidence,
    recorded,
)
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number, share, time
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.intervals import Range, beta_quantile
from opskit.report.statistics.ranges import two_digits
from opskit.report.statistics.trend import crossing

WARNINGS = Methods()
NO_ALERTS = "no warning is recorded anywhere"
# With fewer that nobody acted on, the share of them that failed is anybody's guess.
_LEAST_IGNORED = 20
_TAIL = 0.05


def _told(evidence: Evidence) -> WarningEvidence:
    return evidence.warnings or WarningEvidence()


def _unconfigured(name: Name, unit: str) -> Figure:
    return missing(name, unit, Presence.NOT_CONFIGURED, "not configured", Basis((), NO_ALERTS))


def made(ground: Ground) -> list[PredictionEvidence]:
    """Return the warnings of the period."""
    rows = _told(ground.evidence).predictions
    return [one for one in rows if one.warned_at is not None and _within(one.warned_at, ground)]


def acted_on(ground: Ground) -> list[PredictionEvidence]:
    """Return the warnings of the period that somebody acted on before they came about."""
    return [one for one in made(ground) if acted_in_time(one)]


@WARNINGS.method("F9a", 2)
def predictions(ground: Ground) -> Iterator[Figure]:
    """Warnings, what was done about them, and what came without one.

    Formula: predictions made in the period, and those of them somebody acted on after the warning
        and before they came about; those nobody acted on that did not come about; failures that
        came without a warning
    Unit: predictions
    Source: the predictions that alerting recorded, and what followed each
    Not for: outages prevented: see F9 for what own history says of those acted on
    """
    asked = Name("predictions.acted", "Warnings acted on before anything failed")
    if not recorded(ground.evidence.warnings, "predictions"):
        yield _unconfigured(asked, "count")
        return
    rows = ground.evidence.warnings.predictions
    told, acted = made(ground), acted_on(ground)
    false = [one for one in told if one.acted_at is None and _came_to_nothing(one)]
    missed = [one for one in rows if one.warned_at is None and _failed_within(one, ground)]
    shown = f"{len(acted)} of {len(told)}" if told else "none made"
    failed = sum(one.failed_at is not None for one in acted)
    note = f"{failed} of them failed all the same" if failed else ""
    yield count(asked, len(acted), Basis(acted or told, note), shown)
    yield count(
        Name("predictions.false", "Warnings that came to nothing by themselves"),
        len(false), Basis(false or told),
    )  # fmt: skip
    yield count(
        Name("predictions.missed", "Failures without a warning"), len(missed), Basis(missed)
    )


def _within(at: Instant, ground: Ground) -> bool:
    return ground.period.start <= at < ground.period.end


def _failed_within(one: PredictionEvidence, ground: Ground) -> bool:
    return one.failed_at is not None and _within(one.failed_at, ground)


def acted_in_time(one: PredictionEvidence) -> bool:
    """Return whether something was done after the warning, and before it came about."""
    if one.acted_at is None or one.acted_at < (one.warned_at or one.acted_at):
        return False
    return one.failed_at is None or one.acted_at < one.failed_at


def _came_to_nothing(one: PredictionEvidence) -> bool:
    return one.failed_at is None and one.closed_at is not None


@WARNINGS.method("F9", 2)
def prevented(ground: Ground) -> Iterator[Figure]:
    """What acting on warnings prevented, by what became of those that nobody acted on.

    Formula: p = failed / decided among the predictions nobody acted on, of the period and the
        months before; expected failures prevented = acted p, its range from p ~ Beta(1/2 + failed,
        1/2 + not failed); number needed to act = 1 / p
    Unit: failures
    Source: own predictions that nobody acted on, 20 or more of them; Jeffreys' prior
    Not for: fewer than 20 of them; and mind that people ignore the milder ones, so p may be low
    """
    if not recorded(ground.evidence.warnings, "predictions"):
        return
    every = _distinct((*_told(ground.before).predictions, *ground.evidence.warnings.predictions))
    ignored = [one for one in every if one.warned_at is not None and one.acted_at is None]
    failed = [one for one in ignored if one.failed_at is not None]
    held = [one for one in ignored if _came_to_nothing(one)]
    decided = len(failed) + len(held)
    rows = (*failed, *held)
    odds = Name("predictions.right", "Warnings nobody acted on that came true")
    hoped = Name("predictions.prevented", "Failures prevented by acting, expected")
    if decided < _LEAST_IGNORED:
        basis = Basis(rows, f"{decided} decided so far, {_LEAST_IGNORED} are needed", Tag.DERIVED)
        for name, unit in ((odds, "ratio"), (hoped, "count")):
            yield missing(name, unit, Presence.NOT_OBSERVED, "too few to tell", basis)
        return
    a, b = len(failed) + 0.5, len(held) + 0.5
    p = Fraction(len(failed), decided)
    between = Range(beta_quantile(a, b, _TAIL), beta_quantile(a, b, 1 - _TAIL))
    yield _odds(odds, p, between, rows)
    yield _hoped(hoped, p, between, acted_on(ground))


def _distinct(rows: Sequence[PredictionEvidence]) -> list[PredictionEvidence]:
    """Return each prediction once, as it was last seen: it may span months."""
    return list({one.name: one for one in rows}.values())


def _odds(
    name: Name, p: Fraction, between: Range[float], rows: Sequence[PredictionEvidence]
) -> Figure:
    low, high = (Fraction(two_digits(100 * edge)) / 100 for edge in (between.low, between.high))
    bounds = Bounds(str(low), str(high), f"{percent(low)} to {percent(high)}", "90 % interval")
    failed = sum(one.failed_at is not None for one in rows)
    needed = f"; one in {two_digits(float(1 / p)):f} acted on would have failed" if p else ""
    note = f"{failed} of {len(rows)}{needed}"
    return share(name, p, percent(p, 0), Basis(rows, note, Tag.DERIVED, bounds))


def _hoped(
    name: Name, p: Fraction, between: Range[float], acted: Sequence[PredictionEvidence]
) -> Figure:
    expected = Fraction(two_digits(float(len(acted) * p)))
    low, high = (Fraction(two_digits(len(acted) * edge)) for edge in (between.low, between.high))
    shown = f"{float(low):g} to {float(high):g}"
    bounds = Bounds(str(low), str(high), shown, "90 % interval of the share that fails")
    note = f"{plural(len(acted), 'warning')} acted on"
    return number(
        name, expected, "count", f"{float(expected):g}", Basis(acted, note, Tag.DERIVED, bounds)
    )


@WARNINGS.method("F10", 2)
def replayed(ground: Ground) -> Iterator[Figure]:
    """When a trend would have reached its limit, had nobody acted.

    Formula: the line of Theil and Sen through what was recorded before the action, run on to the
        limit; its range from Sen's 90 % interval of the slope; no value where that line was at the
        limit before anybody acted
    Unit: instant, microseconds since 1970, UTC
    Source: the samples recorded up to the action; P. K. Sen, JASA 63, 1968
    Not for: what something else could have relieved without the action; that it would have failed
    """
    for one in _told(ground.evidence).trends:
        if _within(one.acted_at, ground):
            yield _replay(one, ZoneInfo(ground.zone))


def _replay(one: TrendEvidence, zone: ZoneInfo) -> Figure:
    name = Name(f"replay.{one.name}", f"{one.subject} would have reached its limit")
    basis = Basis((one,), f"before: {one.action}", Tag.DERIVED)
    if one.relief:
        why = Basis((one,), f"{one.relief} could have helped without it", Tag.DERIVED)
        return missing(name, "instant", Presence.NOT_OBSERVED, "cannot be told", why)
    found = crossing(one.samples, one.limit, rising=one.rising)
    if found is None:
        return missing(name, "instant", Presence.NOT_OBSERVED, "no trend toward it", basis)
    if found.middle <= one.samples[-1][0]:
        why = Basis((one,), "its limit was reached before anybody acted", Tag.DERIVED)
        return missing(name, "instant", Presence.NOT_OBSERVED, "cannot be told", why)
    low, high = (_day(at, zone) for at in (found.low, found.high))
    between = low if low == high else f"{low} to {high}"
    bounds = Bounds(str(found.low), str(found.high or ""), between, "90 % interval")
    middle = found.middle
    kept = Basis((one,), basis.note, Tag.DERIVED, bounds)
    return number(name, Fraction(middle), "instant", _day(middle, zone), kept)


def _day(at: int | None, zone: ZoneInfo) -> str:
    return "never" if at is None else f"{to_datetime(Instant(at), zone):%-d %b %Y}"


def renewed_in_time(ground: Ground) -> list[RenewalEvidence]:
    """Return what was renewed in the period before its end came."""
    return [
        one
        for one in _told(ground.evidence).renewals
        if one.renewed_at is not None
        and _within(one.renewed_at, ground)
        and not one.missed(ground.period.end)
    ]


@WARNINGS.method("F11", 1)
def renewals(ground: Ground) -> Iterator[Figure]:
    """Renewals in time, and how close they came.

    Formula: what was renewed in the period before its end came; days left at renewal; what ran out
        in service
    Unit: renewals, and microseconds left
    Source: certificates as the probes saw them, and the calendar of renewals
    Not for: outages prevented: that something renews itself does not mean it would have run out
    """
    name = Name("renewals.in_time", "Renewed in time")
    if not recorded(ground.evidence.warnings, "renewals"):
        yield _unconfigured(name, "count")
        return
    rows, in_time = ground.evidence.warnings.renewals, renewed_in_time(ground)
    late = [one for one in rows if one.missed(ground.period.end) and _within(one.ends_at, ground)]
    yield count(name, len(in_time), Basis(in_time or rows))
    yield count(Name("renewals.missed", "Ran out in service"), len(late), Basis(late))
    left = sorted(_left(one) for one in in_time)
    if left:
        tenth = left[-(-len(left) // 10) - 1]
        note = f"nine of ten had {format_duration(tenth)} or more"
        title = "Least time left at a renewal"
        yield time(Name("renewals.least_left", title), left[0], Basis(in_time, note))


def _left(one: RenewalEvidence) -> Duration:
    return Duration(one.ends_at - (one.renewed_at or one.ends_at))
