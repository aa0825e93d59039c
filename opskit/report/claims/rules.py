"""Which claims there are: each rule words what it finds in figures and evidence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from opskit.core.clock import DAY, Instant, format_duration
from opskit.core.evidence import (
    DeskEvidence,
    Evidence,
    GrantEvidence,
    WarningEvidence,
    WordEvidence,
    recorded,
)
from opskit.core.text import plural
from opskit.report.claims.candidate import Candidate, Kind, Piece
from opskit.report.figures.access import taken_early
from opskit.report.figures.episodes import put_right
from opskit.report.figures.renewals import renewed_in_time
from opskit.report.figures.warnings import acted_on
from opskit.report.figures.work import used_again
from opskit.report.ground import Ground
from opskit.report.model import Figure, Tag
from opskit.report.statistics.process import Change

Figures = Mapping[str, Figure]
Rule = Callable[[Ground, Figures], Iterator[Candidate]]
# Events on one thing within so long have one cause, as far as anybody can tell.
ONE_CAUSE = DAY
# A benefit is claimed for twelve months, then it is what is usual.
_NEAR = 365 * DAY


def candidates(ground: Ground, by_id: Figures) -> list[Candidate]:
    """Return every claim that a rule finds, strongest kind first, then by name."""
    found = (one for rule in RULES for one in rule(ground, by_id))
    return sorted(found, key=lambda one: (one.kind.priority, one.id))


def _replays(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    for one in (ground.evidence.warnings or WarningEvidence()).trends:
        figure = by_id.get(f"replay.{one.name}")
        if figure is not None and _soon(figure, one.acted_at):
            between = figure.bounds.display if figure.bounds else figure.display
            done = one.action[:1].upper() + one.action[1:]
            said = f"Otherwise its limit would have been reached: {between}."
            words = _always(f"{done}. {said}")
            piece = Piece(one.subject, one.acted_at, one.refs)
            title = f"{one.subject}: acted before it was full" if one.rising else one.subject
            yield Candidate(
                Kind.REPLAY, one.name, title, words, (piece,), (figure.id,), figure.tag,
                _owner(ground.evidence, one.subject),
            )  # fmt: skip


def _soon(figure: Figure, acted_at: Instant) -> bool:
    """Return whether a limit was near: what may never have come, or in years, is no claim."""
    last = figure.bounds.high if figure.bounds else ""
    return bool(last) and int(last) - acted_at <= _NEAR


def _warnings(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    kept = [one for one in acted_on(ground) if one.failed_at is None]
    pieces = causes(
        Piece(one.subject, _at(one.warned_at, ground), one.refs, until=one.acted_at) for one in kept
    )
    yield from _counted(
        Candidate(
            Kind.WARNINGS, "", "Warnings acted on before anything failed",
            lambda left: f"{_rows(left, 'warning')}, from {plural(len(left), 'different cause')}, "
            "handled before users noticed anything.",
            pieces, _known(by_id, "predictions.acted", "predictions.prevented"), Tag.MEASURED,
            _owners(ground.evidence, pieces),
        )
    )  # fmt: skip


def _renewals(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    rows = renewed_in_time(ground)
    pieces = tuple(Piece(one.name, _at(one.renewed_at, ground), one.refs) for one in rows)
    least = by_id.get("renewals.least_left")
    closest = f", the closest {least.display} before its end" if least else ""
    yield from _counted(
        Candidate(
            Kind.RENEWALS, "", "Renewed before they ran out",
            lambda left: f"{plural(len(left), 'renewal')} in time{closest}.",
            pieces, _known(by_id, "renewals.in_time", "renewals.least_left"), Tag.MEASURED,
        )
    )  # fmt: skip


def _drift(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    rows = put_right(ground)
    pieces = tuple(Piece(one.host, _at(one.fixed_at, ground), one.refs) for one in rows)
    spent = sum(_at(one.fixed_at, ground) - one.detected_at for one in rows)
    known = recorded(ground.evidence.desk, "incidents")
    early = "before any incident" if known else "and seen gone"
    figure = "drift.before_incident" if known else "drift.fixed"
    yield from _counted(
        Candidate(
            Kind.DRIFT, "", f"Deviations put right {early}",
            lambda left: f"{plural(len(left), 'deviation')} on "
            f"{plural(len({one.place for one in left}), 'host')} put right {early}; "
            f"all {len(rows)} were open for {format_duration(spent)} together.",
            pieces, _known(by_id, figure, "drift.exposure"), Tag.MEASURED,
        )
    )  # fmt: skip


def _access(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    early = taken_early(ground)
    for level in sorted({one.level for one in early}):
        figure = by_id[f"access.removed.{level or 'unrated'}"]
        pieces = _ended([one for one in early if one.level == level], ground)
        said = f"{figure.display}, {figure.note}, before anybody would have asked."
        yield Candidate(
            Kind.ACCESS, level or "unrated", figure.title, _always(said), pieces, (figure.id,),
            figure.tag, whole=True,
        )  # fmt: skip


def _ended(rows: Iterable[GrantEvidence], ground: Ground) -> tuple[Piece, ...]:
    return tuple(Piece(one.name, _at(one.ended_at, ground), one.refs) for one in rows)


def _hand_work(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    figure = by_id["work.avoided"]
    if figure.value:
        desk = ground.evidence.desk or DeskEvidence()
        pieces = tuple(Piece(one.task, one.at, one.refs) for one in desk.automated if one.units)
        between = figure.bounds.display if figure.bounds else figure.display
        said = f"{between} of work by hand, net of what people spent on it all the same."
        yield Candidate(
            Kind.HAND_WORK, "", figure.title, _always(said), pieces, (figure.id,), figure.tag,
            whole=True,
        )  # fmt: skip


def _fixes(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    rows = used_again(ground)
    teams = ", ".join(sorted({one.team for one in rows}))
    pieces = tuple(Piece(one.fix, one.at, one.refs) for one in rows)
    yield from _counted(
        Candidate(
            Kind.FIXES, "", "Known fixes used again by other teams",
            lambda left: f"{plural(len({one.place for one in left}), 'fix', 'fixes')} helped "
            f"another team {plural(len(left), 'time')}.",
            pieces, _known(by_id, "fixes.reused", "fixes.faster"), Tag.MEASURED, teams,
        )
    )  # fmt: skip


def _rate(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    figure = by_id["incidents.count"]
    if figure.comparison is not None and figure.comparison.change is Change.LOWER:
        said = f"{plural(int(figure.value), 'incident')}: {figure.comparison.words}."
        yield _sum(Kind.RATE, figure, said, ground, Tag.DERIVED)


def _downtime(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    figure = by_id.get("incidents.time_saved")
    if figure is not None and figure.bounds and Fraction(figure.bounds.low) > 0:
        said = f"{figure.bounds.display} less than the baseline would have led to."
        yield _sum(Kind.DOWNTIME, figure, said, ground, figure.tag)


def _sum(kind: Kind, figure: Figure, said: str, ground: Ground, tag: Tag) -> Candidate:
    pieces = (Piece("", ground.period.start, figure.refs),)
    title = "Incidents came less often" if kind is Kind.RATE else figure.title
    return Candidate(kind, "", title, _always(said), pieces, (figure.id,), tag, whole=True)


def _outcomes(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    for one in (ground.evidence.word or WordEvidence()).outcomes:
        figure = by_id[f"outcome.{one.name}"]
        if figure.value and Fraction(figure.value) >= 1:
            pieces = (Piece(one.name, one.due_at, one.refs),)
            words = _always(f"{figure.display}, {figure.note}.")
            yield Candidate(
                Kind.OUTCOME, one.name, figure.title, words, pieces, (figure.id,), figure.tag,
                one.who,
            )  # fmt: skip


def _quiet(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    figure = by_id["quiet.days"]
    if figure.value not in {"", "0"}:
        proof = "no service was down, and a test fault had shown that it would have been noticed"
        pieces = (Piece("", ground.period.start, figure.refs),)
        words = _always(f"On {figure.display} working days {proof}.")
        yield Candidate(
            Kind.QUIET, "", figure.title, words, pieces, (figure.id,), figure.tag, whole=True
        )


def _told(ground: Ground, by_id: Figures) -> Iterator[Candidate]:
    """Yield what teams are proud of; that it names a figure with a value is a gate."""
    for one in (ground.evidence.word or WordEvidence()).wins:
        if ground.period.start <= one.at < ground.period.end:
            figures = tuple(name for name in one.figures if name in by_id)
            pieces = (Piece("", one.at, one.refs),)
            tag = Tag.weakest(by_id[name].tag for name in figures)
            yield Candidate(
                Kind.TOLD, f"{one.team}.{one.at}", one.text, _always(_moved(figures, by_id)),
                pieces, figures, tag, one.helped, one.team,
            )  # fmt: skip


def _moved(figures: Iterable[str], by_id: Figures) -> str:
    said = "; ".join(f"{by_id[name].title}: {by_id[name].display}" for name in figures)
    return f"{said}." if said else ""


RULES: tuple[Rule, ...] = (
    _replays, _warnings, _renewals, _drift, _access, _hand_work,
    _fixes, _rate, _downtime, _outcomes, _quiet, _told,
)  # fmt: skip


def causes(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with those of one cause made one: on one thing, a day from the first."""
    groups: list[Piece] = []
    last: dict[str, int] = {}
    for one in sorted(pieces, key=lambda one: (one.at, one.place, one.refs)):
        index = last.get(one.place)
        if index is not None and one.at - groups[index].at < ONE_CAUSE:
            group = groups[index]
            refs = tuple(sorted({*group.refs, *one.refs}))
            end = max(group.end, one.end)
            groups[index] = replace(group, refs=refs, many=group.many + one.many, until=end)
        else:
            last[one.place] = len(groups)
            groups.append(one)
    return tuple(groups)


def _counted(one: Candidate) -> Iterator[Candidate]:
    """Yield a claim that counts pieces, if there are any."""
    if one.pieces:
        yield one


def _always(text: str) -> Callable[[Sequence[Piece]], str]:
    return lambda _: text


def _rows(pieces: Iterable[Piece], singular: str) -> str:
    return plural(sum(one.many for one in pieces), singular)


def _at(at: Instant | None, ground: Ground) -> Instant:
    return ground.period.end if at is None else at


def _known(by_id: Figures, *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name in by_id and by_id[name].value)


def _owner(evidence: Evidence, place: str) -> str:
    return next((one.owner for one in evidence.services if one.name == place), "")


def _owners(evidence: Evidence, pieces: Iterable[Piece]) -> str:
    """Return the teams whose services were spared, where they are services."""
    return ", ".join(sorted({_owner(evidence, one.place) for one in pieces} - {""}))
