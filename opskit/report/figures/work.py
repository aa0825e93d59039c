"""What the work was: its kinds (F13), reused fixes (F15), complete requests (F16), load (F17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from statistics import median

from opskit.core.clock import MINUTE
from opskit.core.evidence import (
    DeskEvidence,
    FixUseEvidence,
    ProcessEvidence,
    WorkClass,
    WorkEvidence,
    recorded,
)
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.handwork import by_hand
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, share, time
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence, Tag
from opskit.report.statistics.process import Scale

WORK = Methods()
NO_DESK = "no work is recorded anywhere: keep it at the desk, or import it"
# Above this at twice the load, waits grow without end: M/M/1, at 0.85 one waits six times as long.
SATURATED = Fraction(85, 100)
# More than half of the time spent on reaction leaves too little to prevent the next one: Beyer and
# others, "Site Reliability Engineering", chapter 5.
_CEILING = Fraction(1, 2)


def ceiling(ground: Ground) -> Fraction:
    """Return the share that reactive work should stay under: as it is agreed on, else half."""
    agreed = ground.assumptions.reactive_ceiling
    return _CEILING if agreed is None else agreed


def _desk(ground: Ground) -> DeskEvidence:
    return ground.evidence.desk or DeskEvidence()


@WORK.method("F13", 1, Comparing(Scale.PLAIN, Better.LOWER, Per.MONTH))
def reactive_share(ground: Ground) -> Iterator[Figure]:
    """How much of the work was reaction.

    Formula: minutes of reactive work / minutes of reactive, preventive and service work; the same
        by count; what no rule could place is told beside it, and so is a share above one half
    Unit: share of the noted time
    Source: work at the desk, of its incidents and requests, and of the work log
    Not for: whether a team is good: who is hit by fires did not always light them
    """
    by_time = Name("work.reactive", "Reactive share of hands-on time")
    if not recorded(ground.evidence.desk, "work"):
        nothing = Basis((), NO_DESK)
        yield missing(by_time, "ratio", Presence.NOT_CONFIGURED, "not configured", nothing)
        return
    rows = ground.evidence.desk.work
    placed = [one for one in rows if one.work is not WorkClass.UNCLASSIFIED]
    unplaced = f"{len(rows) - len(placed)} of {len(rows)} could not be placed"
    timed = [one for one in placed if one.took is not None]
    most = ceiling(ground)
    yield _reactive(by_time, timed, lambda one: one.took or 0, most, unplaced)
    by_count = Name("work.reactive_count", "Reactive share of pieces of work")
    yield _reactive(by_count, placed, lambda _: 1, most, unplaced)


def _reactive(
    name: Name,
    rows: Sequence[WorkEvidence],
    weight: Callable[[WorkEvidence], int],
    most: Fraction,
    note: str,
) -> Figure:
    whole = sum(map(weight, rows))
    if not whole:
        return missing(name, "ratio", Presence.NOT_OBSERVED, "nothing noted", Basis(rows, note))
    part = Fraction(sum(weight(one) for one in rows if one.work is WorkClass.REACTIVE), whole)
    above = f"above the ceiling of {percent(most, 0)}; " if part > most else ""
    return share(name, part, percent(part, 0), Basis(rows, above + note))


def _found(ground: Ground) -> dict[str, FixUseEvidence]:
    """Return where each fix was found, in the period or the months before."""
    every = (*(ground.before.desk or DeskEvidence()).fixes, *_desk(ground).fixes)
    return {one.fix: one for one in every if one.first}


def used_again(ground: Ground) -> list[FixUseEvidence]:
    """Return the uses in the period of a fix that another team found."""
    found = _found(ground)
    return [
        one
        for one in _desk(ground).fixes
        if not one.first and one.fix in found and one.team != found[one.fix].team
    ]


@WORK.method("F15", 1)
def fixes_used_again(ground: Ground) -> Iterator[Figure]:
    """Known fixes that helped another team.

    Formula: uses in the period of a fix by teams other than the one that found it; median length of
        the first cases less median length of the later ones
    Unit: uses, and microseconds
    Source: fixes of the desk
    Not for: time saved by the fix alone: the later cases may have been easier
    """
    if not recorded(ground.evidence.desk, "fixes"):
        return
    found, again = _found(ground), used_again(ground)
    fixes = len({one.fix for one in again})
    basis = Basis(again, f"{plural(fixes, 'fix', 'fixes')}" if again else "")
    yield count(Name("fixes.reused", "Fixes used again by another team"), len(again), basis)
    yield from _faster([found[one.fix] for one in again], again)


def _faster(first: Sequence[FixUseEvidence], later: Sequence[FixUseEvidence]) -> Iterator[Figure]:
    pairs = [
        (one.took, two.took, two)
        for one, two in zip(first, later, strict=True)
        if one.took is not None and two.took is not None
    ]
    if pairs:
        gain = median(a for a, _, _ in pairs) - median(b for _, b, _ in pairs)
        basis = Basis([row for *_, row in pairs], f"n = {len(pairs)}", Tag.DERIVED)
        yield time(Name("fixes.faster", "First case less later cases, medians"), int(gain), basis)


@WORK.method("F16", 1, Comparing(Scale.PLAIN, Better.HIGHER, Per.MONTH))
def complete_at_once(ground: Ground) -> Iterator[Figure]:
    """Requests that came with all that was needed.

    Formula: requests of the period that nothing had to be asked of / all requests of the period
    Unit: share of the requests
    Source: intake of the desk, against the fields that each kind of request needs
    Not for: why complete ones are answered sooner: they may be the simpler ones
    """
    if not recorded(ground.evidence.desk, "intakes"):
        return
    rows = ground.evidence.desk.intakes
    name = Name("intake.complete", "Requests complete at once")
    if not rows:
        yield missing(name, "ratio", Presence.NOT_OBSERVED, "none came", Basis(()))
        return
    good = sum(one.rounds == 0 for one in rows)
    rounds = sum(one.rounds for one in rows)
    basis = Basis(rows, f"{plural(rounds, 'time')} something had to be asked" if rounds else "")
    yield share(name, Fraction(good, len(rows)), f"{good} of {len(rows)}", basis)


@WORK.method("F17", 1)
def doubling(ground: Ground) -> Iterator[Figure]:
    """Which process saturates if twice as much comes.

    Formula: load = arrivals x time by hand / (people able x hours of each); told where twice the
        load is 0.85 or more; wait factor at twice the load = 2 load / (1 - 2 load)
    Unit: load, as a share of what the people able can do
    Source: arrivals and people of the desk; time by hand of timed runs, else of an assumption
    Not for: staffing by itself: people able to do one thing also do others
    """
    for process in _desk(ground).processes:
        yield _load(process, ground)


def _load(one: ProcessEvidence, ground: Ground) -> Figure:
    name = Name(f"doubling.{one.process}", f"Load of {one.process}")
    took = by_hand(one.process, ground)
    capacity = one.able * one.hours
    if took is None or not capacity:
        why = "nobody can do it" if took else "its time by hand is not known"
        basis = Basis((one,), why)
        return missing(name, "ratio", Presence.NOT_OBSERVED, "not known", basis)
    load = Fraction(one.arrivals) * Fraction(took.value.mode) * MINUTE / capacity
    twice = 2 * load
    said = f"at twice the load {percent(twice, 0)}"
    if SATURATED <= twice < 1:
        said += f": waits grow to {float(twice / (1 - twice)):.0f} times the work itself"
    elif twice >= 1:
        said += ": it would never catch up"
    return share(name, load, percent(load, 0), Basis((one, *took.rows), said, took.tag))
