"""What was told beforehand: predictions (F9) and trends run on (F10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant, to_datetime
from opskit.core.evidence import (
    Evidence,
    PredictionEvidence,
    TrendEvidence,
    WarningEvidence,
    recorded,
)
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number, share
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.draws import beta, stream
from opskit.report.statistics.intervals import Range, beta_quantile
from opskit.report.statistics.ranges import ROUNDS, two_digits
from opskit.report.statistics.trend import crossing

WARNINGS = Methods()
NO_ALERTS = "no warning is recorded anywhere"
# With fewer that nobody acted on, the share of them that failed is anybody's guess.
_LEAST_IGNORED = 20
_TAIL = 0.05
_RIGHT = Name("predictions.right", "Warnings nobody acted on that came true")
_NEEDED = Name("predictions.needed", "Warnings to act on for one that would have come true")
_PREVENTED = Name("predictions.prevented", "Failures prevented by acting, expected")


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


def came_to_nothing(ground: Ground) -> list[PredictionEvidence]:
    """Return the warnings of the period that nobody acted on, and that came to nothing."""
    return [one for one in made(ground) if one.acted_at is None and _came_to_nothing(one)]


@WARNINGS.method("F9a", 3)
def predictions(ground: Ground) -> Iterator[Figure]:
    """Warnings, what was done about them, and what came without one.

    Formula: predictions made in the period, and those of them somebody acted on after the warning
        and before they came about; those nobody acted on that did not come about; failures that
        came without a warning. What a timetable started is no action; an outage within announced
        work is no failure
    Unit: predictions
    Source: the predictions that alerting recorded, and what followed each
    Not for: outages prevented: see F9 for what own history says of those acted on
    """
    asked = Name("predictions.acted", "Warnings acted on before anything failed")
    if not recorded(ground.evidence.warnings, "predictions"):
        yield _unconfigured(asked, "count")
        return
    rows = ground.evidence.warnings.predictions
    told, acted, false = made(ground), acted_on(ground), came_to_nothing(ground)
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


@WARNINGS.method("F9d", 1)
def alerts_worth(ground: Ground) -> Iterator[Figure]:
    """Alerts that were worth it: somebody acted on them, or they came true.

    Formula: firings that somebody acted on, or that an outage of their subject followed / firings
        of which either can be said; one that may still come true is left out
    Unit: share of firings
    Source: the alerts that alerting recorded, and what followed each
    Not for: a target: who wants a high share silences the early ones
    """
    name = Name("alerts.worth", "Alerts that were worth it")
    if not recorded(ground.evidence.warnings, "firings"):
        yield _unconfigured(name, "ratio")
        return
    rows = ground.evidence.warnings.firings
    decided = [one for one in rows if one.worth is not None]
    if not decided:
        why = f"{plural(len(rows), 'alert')} fired, and nothing can be said of them yet"
        yield missing(
            name, "ratio", Presence.NOT_OBSERVED, "none to judge", Basis(rows, why if rows else "")
        )
        return
    worth = sum(one.worth is True for one in decided)
    rules = {one.rule for one in decided}
    idle = rules - {one.rule for one in decided if one.worth}
    note = f"{len(idle)} of {plural(len(rules), 'rule')} never were" if idle else ""
    shown = f"{worth} of {len(decided)}"
    yield share(name, Fraction(worth, len(decided)), shown, Basis(decided, note))


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


@dataclass(frozen=True, slots=True)
class LetBe:
    """Warnings that nobody acted on, of the period and the months before, by what came of them."""

    failed: Sequence[PredictionEvidence]
    held: Sequence[PredictionEvidence]

    @property
    def rows(self) -> tuple[PredictionEvidence, ...]:
        """Return all of them."""
        return (*self.failed, *self.held)

    @property
    def too_few(self) -> str:
        """Return why nothing can be told from so few of them; empty if they are enough."""
        decided = len(self.rows)
        few = f"{decided} decided so far, {_LEAST_IGNORED} are needed"
        return few if decided < _LEAST_IGNORED else ""

    @property
    def share(self) -> Fraction:
        """Return the share of them that failed."""
        return Fraction(len(self.failed), len(self.rows))

    @property
    def between(self) -> Range[float]:
        """Return the 90 % interval of that share, by Jeffreys' prior."""
        a, b = len(self.failed) + 0.5, len(self.held) + 0.5
        return Range(beta_quantile(a, b, _TAIL), beta_quantile(a, b, 1 - _TAIL))

    def draws(self) -> Iterator[float]:
        """Yield the share as it may be, in each of all rounds."""
        failed, held = len(self.failed), len(self.held)
        source = stream(f"F9/{failed}/{held}")
        return (beta(source, failed + 0.5, held + 0.5) for _ in range(ROUNDS))


def let_be(ground: Ground) -> LetBe:
    """Return what became of the warnings that nobody acted on."""
    every = _distinct((*_told(ground.before).predictions, *_told(ground.evidence).predictions))
    ignored = [one for one in every if one.warned_at is not None and one.acted_at is None]
    failed = [one for one in ignored if one.failed_at is not None]
    return LetBe(failed, [one for one in ignored if _came_to_nothing(one)])


@WARNINGS.method("F9", 4)
def prevented(ground: Ground) -> Iterator[Figure]:
    """What acting on warnings prevented, by what became of those that nobody acted on.

    Formula: p = failed / decided among the predictions nobody acted on, of the period and the
        months before; expected failures prevented = acted p - those acted on that failed all the
        same, its range from p ~ Beta(1/2 + failed, 1/2 + not failed); number needed to act = 1 / p
    Unit: failures; for the number needed, warnings
    Source: own predictions that nobody acted on, 20 or more of them; Jeffreys' prior
    Not for: fewer than 20 of them; and mind that people ignore the milder ones, so p may be low
    """
    if not recorded(ground.evidence.warnings, "predictions"):
        return
    ignored = let_be(ground)
    if ignored.too_few:
        basis = Basis(ignored.rows, ignored.too_few, Tag.DERIVED)
        for name, unit in ((_RIGHT, "ratio"), (_NEEDED, "count"), (_PREVENTED, "count")):
            yield missing(name, unit, Presence.NOT_OBSERVED, "too few to tell", basis)
        return
    yield _odds(ignored)
    yield _needed(ignored)
    yield _hoped(ignored, acted_on(ground))


def _distinct(rows: Sequence[PredictionEvidence]) -> list[PredictionEvidence]:
    """Return each prediction once, as it was last seen: it may span months."""
    return list({one.name: one for one in rows}.values())


def _odds(ignored: LetBe) -> Figure:
    between = ignored.between
    low, high = (Fraction(two_digits(100 * edge)) / 100 for edge in (between.low, between.high))
    bounds = Bounds(str(low), str(high), f"{percent(low)} to {percent(high)}", "90 % interval")
    note = f"{len(ignored.failed)} of {len(ignored.rows)}; people let the milder ones be"
    basis = Basis(ignored.rows, note, Tag.DERIVED, bounds)
    return share(_RIGHT, ignored.share, percent(ignored.share, 0), basis)


def _needed(ignored: LetBe) -> Figure:
    """Return how many warnings must be acted on for one that would have failed."""
    if not ignored.failed:
        why = f"none of {len(ignored.rows)} that nobody acted on failed"
        basis = Basis(ignored.rows, why, Tag.DERIVED)
        return missing(_NEEDED, "count", Presence.NOT_OBSERVED, "cannot be told", basis)
    between, needed = ignored.between, two_digits(float(1 / ignored.share))
    low, high = two_digits(1 / between.high), two_digits(1 / between.low)
    shown = f"{low:f} to {high:f}"
    bounds = Bounds(str(Fraction(low)), str(Fraction(high)), shown, "90 % interval")
    basis = Basis(ignored.rows, "", Tag.DERIVED, bounds)
    return number(_NEEDED, Fraction(needed), "count", f"{needed:f}", basis)


def _hoped(ignored: LetBe, acted: Sequence[PredictionEvidence]) -> Figure:
    between, failed = ignored.between, sum(one.failed_at is not None for one in acted)
    expected, low, high = (
        Fraction(two_digits(len(acted) * float(at) - failed))
        for at in (ignored.share, between.low, between.high)
    )
    shown = f"{float(low):g} to {float(high):g}"
    bounds = Bounds(str(low), str(high), shown, "90 % interval of the share that fails")
    same = f", {failed} of which failed all the same" if failed else ""
    note = f"{plural(len(acted), 'warning')} acted on{same}"
    basis = Basis(acted, note, Tag.DERIVED, bounds)
    return number(_PREVENTED, expected, "count", f"{float(expected):g}", basis)


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
