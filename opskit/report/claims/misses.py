"""What went wrong, by rule: a report that shows no miss is not believed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import (
    AccessEvidence,
    PredictionEvidence,
    ServiceEvidence,
    WarningEvidence,
)
from opskit.core.interval import COVERAGE_FLOOR, availability, percent
from opskit.core.text import plural
from opskit.report.claims.finding import Found, Rule, listed
from opskit.report.claims.gates import by_ops
from opskit.report.figures.access import ON_TIME, review_state
from opskit.report.figures.catalogue import worse
from opskit.report.figures.services import meets, overspent
from opskit.report.figures.shape import refs_of
from opskit.report.figures.warnings import acted_in_time
from opskit.report.figures.work import ceiling
from opskit.report.ground import Ground
from opskit.report.model import Point, Presence, Standing
from opskit.report.statistics.process import Change


def misses(found: Found) -> tuple[Point, ...]:
    """Return every miss, the worst kind first; where there is none, one point that says so."""
    points = tuple(point for rule in RULES for point in rule(found))
    return points or (
        Point("No miss", f"No miss was found by rule, over {plural(len(RULES), 'rule')}."),
    )


def _objectives(found: Found) -> Iterator[Point]:
    missed = [one for one in found.ground.evidence.services if meets(one) is False]
    for one in sorted(missed, key=lambda one: (-overspent(one), one.name)):
        text = f"{one.name} was {format_duration(overspent(one))} over what its target allows."
        figures = (f"budget.{one.name}", f"availability.{one.name}")
        yield Point(f"{one.name} missed its target", text, figures, one.refs)


def _own_incidents(found: Found) -> Iterator[Point]:
    rows = by_ops(found.ground)
    if rows:
        names = listed(one.name for one in rows)
        text = f"{plural(len(rows), 'incident')} came of changes of our own: {names}."
        yield Point("Our own changes broke something", text, ("incidents.count",), refs_of(rows))


def _ran_out(found: Found) -> Iterator[Point]:
    ground = found.ground
    told = (ground.evidence.warnings or WarningEvidence()).renewals
    late = [one for one in told if one.missed(ground.period.end) and _within(one.ends_at, ground)]
    if late:
        text = f"{listed(one.name for one in late)} ended before renewal."
        yield Point("Something ran out in service", text, ("renewals.missed",), refs_of(late))


def _unwarned(found: Found) -> Iterator[Point]:
    rows = [one for one in _predictions(found.ground) if one.warned_at is None]
    failed = [one for one in rows if one.failed_at and _within(one.failed_at, found.ground)]
    if failed:
        names = listed(one.subject for one in failed)
        text = f"{plural(len(failed), 'failure')} came without one: {names}."
        yield Point("A failure without a warning", text, ("predictions.missed",), refs_of(failed))


def _ignored(found: Found) -> Iterator[Point]:
    rows = [one for one in _predictions(found.ground) if one.warned_at and not acted_in_time(one)]
    failed = [one for one in rows if one.failed_at and _within(one.failed_at, found.ground)]
    if failed:
        text = (
            f"{plural(len(failed), 'warning')} came true: {listed(one.subject for one in failed)}."
        )
        yield Point(
            "A warning nobody acted on in time", text, ("predictions.acted",), refs_of(failed)
        )


def _predictions(ground: Ground) -> tuple[PredictionEvidence, ...]:
    return (ground.evidence.warnings or WarningEvidence()).predictions


def _within(at: int, ground: Ground) -> bool:
    return ground.period.start <= at < ground.period.end


def _more_incidents(found: Found) -> Iterator[Point]:
    one = found.by_id["incidents.count"]
    if one.comparison is not None and one.comparison.change is Change.HIGHER:
        yield Point(
            "More incidents", f"{one.display}; {one.comparison.words}.", (one.id,), one.refs
        )


def _worse(found: Found) -> Iterator[Point]:
    for one in worse(found.by_id.values()):
        said = one.comparison.words if one.comparison else ""
        yield Point(f"{one.title}: worse", f"{one.display}; {said}.", (one.id,), one.refs)


def _late(found: Found) -> Iterator[Point]:
    ends = (found.ground.evidence.access or AccessEvidence()).revocations
    late = [one for one in ends if one.gone_at is None or one.exposure > ON_TIME]
    if late:
        longest = format_duration(max(one.exposure for one in late))
        text = f"At {plural(len(late), 'place')}, by {longest} at most."
        figures = ("access.exposure.max", "access.revoked_on_time")
        yield Point("Access outlived its end", text, figures, refs_of(late))


def _unreviewed(found: Found) -> Iterator[Point]:
    rows = (found.ground.evidence.access or AccessEvidence()).emergencies
    overdue = [one for one in rows if review_state(one, found.ground.period) == "overdue"]
    if overdue:
        text = f"{plural(len(overdue), 'review')} of emergency access overdue."
        yield Point("Nobody looked afterwards", text, ("access.emergencies",), refs_of(overdue))


def _unnoticed(found: Found) -> Iterator[Point]:
    drills = (found.ground.evidence.warnings or WarningEvidence()).drills
    lost = [one for one in drills if False in (one.seen, one.routed, one.received)]
    if lost:
        text = f"{len(lost)} of {plural(len(drills), 'test fault')} did not reach a human: "
        text += f"{listed(one.service for one in lost)}."
        yield Point("A test fault went unnoticed", text, ("quiet.days",), refs_of(lost))


def _restated(found: Found) -> Iterator[Point]:
    if found.restated:
        names = listed(one.title for one in found.restated)
        text = f"{plural(len(found.restated), 'figure')} told otherwise before: {names}."
        figures = tuple(one.figure for one in found.restated if one.figure in found.by_id)
        yield Point("Restated", text, figures)


def _reactive(found: Found) -> Iterator[Point]:
    one = found.by_id["work.reactive"]
    most = ceiling(found.ground)
    if one.value and Fraction(one.value) > most:
        text = f"{one.display} of the noted time, above the ceiling of {percent(most, 0)}."
        yield Point("Too much was reaction", text, (one.id,), one.refs)


def _open(found: Found) -> Iterator[Point]:
    figure = found.by_id["drift.open"]
    if figure.value not in {"", "0"}:
        text = f"{plural(int(figure.value), 'deviation')} from the standard still open at the end."
        yield Point("Not put right yet", text, (figure.id,), figure.refs)


def _unfinished(found: Found) -> Iterator[Point]:
    rows = [one for one in found.ground.evidence.runs if one.state != "finished"]
    if rows:
        text = f"{plural(len(rows), 'run')} over the fleet did not come to an end."
        yield Point("Runs that did not finish", text, ("runs.finished",), refs_of(rows))


def _unseen(found: Found) -> Iterator[Point]:
    blind = [one for one in found.ground.evidence.services if _blind(one)]
    if blind:
        text = f"{listed(one.name for one in blind)}: less than 95 % of the time was observed."
        figures = tuple(f"availability.{one.name}" for one in blind)
        yield Point("Not watched", text, figures, refs_of(blind))


def _blind(one: ServiceEvidence) -> bool:
    seen = availability(one.timeline).coverage
    return seen is not None and seen < COVERAGE_FLOOR


def _expired(found: Found) -> Iterator[Point]:
    last, rows = found.ground.last_day, found.ground.assumptions.numbers.values()
    over = [one for one in rows if one.expires_on <= last]
    if over:
        text = f"Nobody stands for them any more: {listed(one.name for one in over)}."
        yield Point("Assumptions expired", text)


def _held_back(found: Found) -> Iterator[Point]:
    rows = [one for one in found.claims if one.standing is Standing.HELD_BACK]
    if rows:
        text = f"{plural(len(rows), 'claim')} held back: {rows[0].title}, {rows[0].why}."
        yield Point("Claims that did not pass", text, rows[0].figures, rows[0].refs)


def _unconfirmed(found: Found) -> Iterator[Point]:
    made = [one for one in found.claims if one.standing is Standing.MADE]
    alone = [one for one in made if not one.confirmed_by]
    if alone:
        text = f"{len(alone)} of {plural(len(made), 'claim')} not confirmed by the team it helped."
        yield Point("Nobody else says so", text)


def _unconfigured(found: Found) -> Iterator[Point]:
    rows = [one for one in found.by_id.values() if one.presence is Presence.NOT_CONFIGURED]
    if rows:
        text = f"Nothing can be said of: {listed(one.title.lower() for one in rows)}."
        yield Point("Not configured", text, tuple(one.id for one in rows))


RULES: tuple[Rule, ...] = (
    _objectives, _own_incidents, _ran_out, _unwarned, _ignored, _more_incidents, _worse, _late,
    _unreviewed, _unnoticed, _restated, _reactive, _open, _unfinished, _unseen, _expired,
    _held_back, _unconfirmed, _unconfigured,
)  # fmt: skip
