"""Hand work that commands did instead (F6), and how long a task takes by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median

from opskit.core.clock import MINUTE
from opskit.core.evidence import DeskEvidence, recorded
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, Referred, missing, number
from opskit.report.ground import MONTHS, Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.draws import Triangular
from opskit.report.statistics.ranges import Line, Term, sample, spread, two_digits

HAND_WORK = Methods()
NO_DESK = (
    "no demand and no time by hand is recorded anywhere: keep them at the desk, or import them"
)
# So many runs with a watch make a time measured; with fewer it is somebody's word.
LEAST_TIMED = 5
_HOUR = 60


@dataclass(frozen=True, slots=True)
class ByHand:
    """How long one unit of a task takes by hand, in minutes, and how that is known."""

    value: Triangular
    tag: Tag
    rows: Sequence[Referred] = ()


def by_hand(task: str, ground: Ground) -> ByHand | None:
    """Return what one unit takes by hand: timed, or else assumed; None if nobody can say."""
    desk, before = (one.desk or DeskEvidence() for one in (ground.evidence, ground.before))
    runs = [one for one in (*before.timed, *desk.timed) if one.task == task]
    if len(runs) >= LEAST_TIMED:
        minutes = sorted(one.took / MINUTE for one in runs)
        value = Triangular(minutes[0], float(median(minutes)), minutes[-1])
        return ByHand(value, Tag.DERIVED, runs)
    assumed = ground.assumptions.holding(f"minutes.{task}", ground.last_day)
    return None if assumed is None else ByHand(assumed.value, Tag.ASSUMED)


@HAND_WORK.method("F6", 2)
def hand_work_avoided(ground: Ground) -> Iterator[Figure]:
    """Hand work that did not have to be done.

    Formula: sum over tasks of min(done, wanted) x minutes by hand, less the minutes people spent
        all the same, building and upkeep, also of tasks of which demand or time is not known; done
        counts units that really changed and no trials; wanted is what came in, or how often it was
        done by hand before; a task that commands did twelve months ago is left out; the 5th, 50th
        and 95th of 10,000 draws, one draw per task for all lines
    Unit: minutes
    Source: runs and grants of the ledger; minutes by hand from five timed runs or more, else from
        an assumption that somebody stands for
    Not for: money, or people who could go: it is capacity, and it may be less than nothing
    """
    name = Name("work.avoided", "Hand work avoided")
    if not recorded(ground.evidence.desk, "automated"):
        yield missing(
            name, "minutes", Presence.NOT_CONFIGURED, "not configured", Basis((), NO_DESK)
        )
        return
    desk, found = ground.evidence.desk, balance(ground)
    counted = found.inputs.keys() if found else frozenset[str]()
    left_out = ", ".join(sorted({one.task for one in desk.automated} - counted))
    why = "demand or time by hand unknown, or done so for twelve months"
    note = f"not counted, {why}: {left_out}" if left_out else ""
    if found is None:
        shown = "not known" if left_out else "nothing done"
        yield missing(name, "minutes", Presence.NOT_OBSERVED, shown, Basis(desk.automated, note))
        return
    (drawn,) = sample([found.line], found.inputs)
    low, mid, high = (two_digits(value) for value in spread(drawn))
    shown = f"{_hours(low)} to {_hours(high)}"
    bounds = Bounds(f"{low:f}", f"{high:f}", shown, "5 to 95 of 100 draws")
    basis = Basis(found.rows, note, found.tag, bounds)
    yield number(name, Fraction(mid), "minutes", _hours(mid), basis)


def usual(ground: Ground) -> frozenset[str]:
    """Return the tasks that commands did twelve months ago already: that is what is usual now."""
    if len(ground.past) < MONTHS:
        return frozenset()
    first = ground.past[0].evidence.desk or DeskEvidence()
    return frozenset(one.task for one in first.automated if one.units)


@dataclass(frozen=True, slots=True)
class Balance:
    """Minutes people did not have to work: a sum whose inputs, the tasks, are known as ranges."""

    line: Line
    inputs: Mapping[str, Triangular]
    tag: Tag
    rows: Sequence[Referred]


def balance(ground: Ground) -> Balance | None:
    """Return the minutes of a period; None where of no task both demand and time are known."""
    desk = ground.evidence.desk or DeskEvidence()
    wanted = {one.task for one in desk.demand} - usual(ground)
    tasks = sorted({one.task for one in desk.automated} & wanted)
    known = {task: took for task in tasks if (took := by_hand(task, ground)) is not None}
    if not known:
        return None
    return Balance(
        _saved(desk, known, usual(ground)),
        {task: one.value for task, one in known.items()},
        Tag.weakest((Tag.DERIVED, *(one.tag for one in known.values()))),
        _rows_of(desk, known, usual(ground)),
    )


def _saved(desk: DeskEvidence, known: Mapping[str, ByHand], left_out: frozenset[str]) -> Line:
    """Return the minutes as a sum of terms: what one unit takes is an input of each task."""
    done, wanted = Counter[str](), Counter[str]()
    for one in desk.automated:
        done[one.task] += one.units
    for asked in desk.demand:
        wanted[asked.task] += asked.units
    # What was spent is certain, even where nobody knows what it saved.
    attended = sum(one.attended or 0 for one in desk.automated if one.task not in left_out)
    upkeep = sum(one.took for one in desk.upkeep if one.task not in left_out)
    terms = [Term(float(min(done[task], wanted[task])), (task,)) for task in known]
    return Line((*terms, Term(-(attended + upkeep) / MINUTE)))


def _rows_of(
    desk: DeskEvidence, known: Mapping[str, ByHand], left_out: frozenset[str]
) -> list[Referred]:
    rows: list[Referred] = [row for took in known.values() for row in took.rows]
    rows += [one for one in desk.automated if one.task not in left_out]
    rows += [one for one in desk.demand if one.task in known]
    return [*rows, *(one for one in desk.upkeep if one.task not in left_out)]


def _hours(minutes: Decimal) -> str:
    hours = minutes / _HOUR
    return f"{hours:.0f} h" if abs(hours) >= 1 else f"{minutes:f} min"
