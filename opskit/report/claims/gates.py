"""The four questions that a claim must pass before it is made. Pure.

They are those that public auditors put to claimed savings (UK National Audit Office, 2007): is it
real beside what was before, net of cost, with quality kept, and does it last?
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.clock import to_datetime
from opskit.core.evidence import IncidentEvidence, WordEvidence
from opskit.core.text import plural
from opskit.report.claims.candidate import Candidate, Kind
from opskit.report.claims.counters import (
    BESIDE,
    COUNTERS,
    LASTING,
    RECENT,
    is_worse,
    months_like,
)
from opskit.report.figures.catalogue import worse
from opskit.report.ground import Ground
from opskit.report.model import Figure, Gate, Tag

Figures = Mapping[str, Figure]
BASELINE, COST, QUALITY, LASTS = (
    "baseline frozen before", "net of cost", "quality not worse", "lasting",
)  # fmt: skip


def gates(one: Candidate, ground: Ground, by_id: Figures) -> tuple[Gate, ...]:
    """Return the four answers for a claim, in their order."""
    return (
        _baseline(one, ground, by_id),
        _cost(one, ground, by_id),
        _quality(one, ground, by_id),
        _lasts(one, ground),
    )


def caused(one: Candidate, ground: Ground) -> list[IncidentEvidence]:
    """Return the incidents that the work behind a claim brought about: they are taken off it.

    Incidents of Ops' own making on the same thing, and for deviations those of a run.
    """
    places = {piece.place for piece in one.pieces} - {""}
    if one.kind is Kind.DRIFT:
        places |= {run.run_id for run in ground.evidence.runs}
    return [
        each
        for each in by_ops(ground)
        if not places.isdisjoint((each.service, each.cause, each.fingerprint, each.change))
    ]


def by_ops(ground: Ground) -> list[IncidentEvidence]:
    """Return the incidents of the period that Ops' own changes brought about."""
    rows = ground.evidence.desk.incidents if ground.evidence.desk else ()
    period = ground.period
    return [one for one in rows if one.by_ops and period.start <= one.started_at < period.end]


def _baseline(one: Candidate, ground: Ground, by_id: Figures) -> Gate:
    match one.kind:
        case Kind.RATE:
            why = "all months before that are recorded, up to twelve: none was picked"
            return Gate(BASELINE, passed=True, why=why)
        case Kind.DOWNTIME:
            # The figure itself has no value where its baseline was written down too late.
            return Gate(BASELINE, passed=True, why="it was written down before the period began")
        case Kind.OUTCOME:
            return _before_work(one, ground)
        case Kind.HAND_WORK:
            return _time_by_hand(one, ground)
        case Kind.TOLD:
            known = any(by_id[name].value for name in one.figures)
            why = "it names figures of this report" if known else "no figure it names has a value"
            return Gate(BASELINE, passed=known, why=why)
        case _:
            return Gate(BASELINE, passed=True, why="it counts what happened: none is needed")


def _before_work(one: Candidate, ground: Ground) -> Gate:
    """Return whether it is known when work on a goal began; its figure sees to the order."""
    told = (ground.evidence.word or WordEvidence()).outcomes
    begun = any(each.name == one.subject and each.begun_at is not None for each in told)
    why = "it was written down before the work began"
    return Gate(BASELINE, passed=begun, why=why if begun else "nobody says when the work began")


def _time_by_hand(one: Candidate, ground: Ground) -> Gate:
    """Return whether the time by hand was timed, or assumed before the period began."""
    if one.tag is not Tag.ASSUMED:
        return Gate(BASELINE, passed=True, why="the time by hand was timed")
    first = to_datetime(ground.period.start, ZoneInfo(ground.zone)).date()
    tasks = {piece.place for piece in one.pieces}
    late = sorted(
        task
        for task in tasks
        for said in [ground.assumptions.holding(f"minutes.{task}", ground.last_day)]
        if said is not None and said.said_on > first
    )
    told = f"assumed after the month began: {', '.join(late)}" if late else "assumed beforehand"
    return Gate(BASELINE, passed=not late, why=f"the time by hand was {told}")


def _cost(one: Candidate, ground: Ground, by_id: Figures) -> Gate:
    if one.kind is Kind.HAND_WORK:
        bounds = by_id["work.avoided"].bounds
        gained = bounds is not None and Fraction(bounds.low) > 0
        why = "less upkeep and the time of people around runs"
        return Gate(COST, passed=gained, why=why if gained else f"it may be nothing, {why}")
    if one.kind in {Kind.RATE, Kind.DOWNTIME}:
        return Gate(COST, passed=True, why="incidents of Ops' own making are counted, too")
    harm = len(caused(one, ground))
    if not harm:
        return Gate(COST, passed=True, why="no incident is known to have come of it")
    net = len(one.pieces) - harm
    said = f"{plural(harm, 'incident')} came of it, {len(one.pieces)} counted"
    return Gate(COST, passed=net > 0, why=said)


def _quality(one: Candidate, ground: Ground, by_id: Figures) -> Gate:
    names = one.figures if one.kind is Kind.TOLD else BESIDE.get(one.kind, ())
    beside = [by_id[name] for name in names if name in by_id]
    answers = [(name, is_worse(measure, ground)) for name, measure in COUNTERS.get(one.kind, ())]
    answers += [(figure.title.lower(), True) for figure in worse(beside)]
    if not answers:
        return Gate(QUALITY, passed=None, why="no counter-figure is agreed on")
    bad = [name for name, answer in answers if answer]
    unclear = [name for name, answer in answers if answer is None]
    if bad:
        return Gate(QUALITY, passed=False, why=f"worse than before: {', '.join(bad)}")
    if unclear:
        return Gate(QUALITY, passed=None, why=f"cannot be compared: {', '.join(unclear)}")
    held = ", ".join(name for name, _ in answers)
    return Gate(QUALITY, passed=True, why=f"not worse than before: {held}")


def _lasts(one: Candidate, ground: Ground) -> Gate:
    """Return whether the months before show the same; a one-off is told as one, not held back."""
    months = months_like(one.kind, ground)
    if months is None or months < LASTING:
        return Gate(LASTS, passed=None, why="one-off so far")
    return Gate(LASTS, passed=True, why=f"so in {months} of the {RECENT} months before, too")
