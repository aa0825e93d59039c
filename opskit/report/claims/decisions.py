"""The decision that is wanted from whoever reads the report. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import (
    AccessEvidence,
    DeskEvidence,
    WantedEvidence,
    WarningEvidence,
    WordEvidence,
)
from opskit.core.interval import availability
from opskit.core.text import plural
from opskit.report.claims.finding import Found, Rule, listed
from opskit.report.figures.access import review_state
from opskit.report.figures.services import meets, overspent
from opskit.report.figures.shape import refs_of
from opskit.report.figures.work import SATURATED
from opskit.report.model import Point


def decision(found: Found) -> Point:
    """Return the decision that is wanted most; where none is, a point that says so."""
    first = next((point for rule in RULES for point in rule(found)), None)
    text = f"No rule found one, over {plural(len(RULES), 'rule')}."
    return first or Point("No decision is wanted", text)


def _asked(found: Found) -> Iterator[Point]:
    """Yield what Ops asked for itself: what is due first, then what was asked first."""
    rows = (found.ground.evidence.word or WordEvidence()).wanted
    for one in sorted(rows, key=_due):
        yield Point(one.subject, one.choice, (), one.refs)


def _due(one: WantedEvidence) -> tuple[bool, int, int, str]:
    return one.until is None, one.until or 0, one.at, one.subject


def _exhausted(found: Found) -> Iterator[Point]:
    missed = [one for one in found.ground.evidence.services if meets(one) is False]
    for one in sorted(missed, key=lambda one: (-overspent(one), one.name)):
        spent = format_duration(overspent(one))
        text = (
            f"Its error budget is spent, by {spent}: slow its changes down, or set another target?"
        )
        yield Point(f"What {one.name} may cost", text, (f"budget.{one.name}",), one.refs)


def _saturated(found: Found) -> Iterator[Point]:
    processes = (found.ground.evidence.desk or DeskEvidence()).processes
    figures = [found.by_id[f"doubling.{one.process}"] for one in processes]
    loads = [(Fraction(one.value), one) for one in figures if one.value]
    for load, one in sorted(loads, key=lambda pair: (-pair[0], pair[1].id)):
        if 2 * load >= SATURATED:
            text = f"{one.display} now, {one.note}: more people, fewer requests, or a command?"
            yield Point(one.title, text, (one.id,), one.refs)


def _unowned(found: Found) -> Iterator[Point]:
    rows = [one for one in found.ground.evidence.services if not one.owner]
    if rows:
        text = f"{listed(one.name for one in rows)}: which team answers for them?"
        yield Point("Services without an owner", text, (), refs_of(rows))


def _unreviewed(found: Found) -> Iterator[Point]:
    rows = (found.ground.evidence.access or AccessEvidence()).emergencies
    overdue = [one for one in rows if review_state(one, found.ground.period) == "overdue"]
    if overdue:
        text = f"{plural(len(overdue), 'review')} overdue: which team looks at them?"
        yield Point("Emergency access", text, ("access.emergencies",), refs_of(overdue))


def _undrilled(found: Found) -> Iterator[Point]:
    told = found.ground.evidence.warnings or WarningEvidence()
    if found.ground.evidence.services and not told.drills:
        text = "No test fault was made in this period, so no quiet day is proven: may we make one?"
        yield Point("A test fault", text, ("quiet.days",))


def _unseen(found: Found) -> Iterator[Point]:
    services = found.ground.evidence.services
    rows = [one for one in services if not availability(one.timeline).totals.known]
    if rows:
        text = f"{listed(one.name for one in rows)}: nobody watched. Watch, or take off the list?"
        figures = tuple(f"availability.{one.name}" for one in rows)
        yield Point("Services nobody watches", text, figures, refs_of(rows))


def _untargeted(found: Found) -> Iterator[Point]:
    rows = [one for one in found.ground.evidence.services if one.objective is None]
    if rows:
        text = f"{listed(one.name for one in rows)}: how much downtime is acceptable?"
        yield Point("Services without a target", text, (), refs_of(rows))


def _expired(found: Found) -> Iterator[Point]:
    last, rows = found.ground.last_day, found.ground.assumptions.numbers.values()
    over = [one for one in rows if one.expires_on <= last]
    if over:
        text = f"{listed(one.name for one in over)}: who stands for them from now on?"
        yield Point("Expired assumptions", text)


def _unconfigured(found: Found) -> Iterator[Point]:
    missing = found.ground.evidence.not_configured
    if missing or not found.ground.evidence.services:
        names = listed(missing) or "services"
        yield Point("What this report should cover", f"Not configured so far: {names}.")


RULES: tuple[Rule, ...] = (
    _asked, _exhausted, _saturated, _unowned, _unreviewed, _undrilled, _unseen, _untargeted,
    _expired, _unconfigured,
)  # fmt: skip
