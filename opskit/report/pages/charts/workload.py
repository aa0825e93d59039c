"""What the work was for, month by month. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from opskit.core.clock import HOUR, format_duration
from opskit.core.evidence import Evidence, WorkClass, WorkEvidence
from opskit.core.interval import percent
from opskit.report.charts import Bar, StackedBars
from opskit.report.document import Block, Cell, Chart, Paragraph
from opskit.report.figures.work import ceiling
from opskit.report.pages.cells import counts_of, table, words
from opskit.report.pages.material import Material

_CLASSES = tuple(WorkClass)
_NOTHING = (
    "No time of work is noted, so nobody can say how much of it was reaction. "
    "It is noted at the desk, or imported."
)


def workload(material: Material) -> Block:
    """Return the hours of work by what they were for, each month a bar."""
    months = [(material.month(one.period.start), one.evidence) for one in material.ground.past]
    every = [(label, _hours(one)) for label, one in (*months, (material.now, material.evidence))]
    noted = [(label, hours) for label, hours in every if sum(hours.values())]
    figure = material.register.get("work.reactive")
    if not noted or figure is None:
        return Paragraph(_NOTHING)
    most = ceiling(material.ground)
    bars = tuple(
        Bar(label, tuple(hours[one] / HOUR for one in _CLASSES), _said(hours))
        for label, hours in noted
    )
    twin = table(
        "workload-months",
        "Noted hours of work by what they were for",
        (*words("Month"), *counts_of(*(one.value.capitalize() for one in _CLASSES))),
        ((Cell(label), *(_length(hours[one]) for one in _CLASSES)) for label, hours in noted),
        _NOTHING,
    )
    plot = StackedBars(tuple(one.value for one in _CLASSES), bars, "hours", float(most))
    alt = (
        f"Bars of noted hours, {noted[0][0]} to {noted[-1][0]}. {bars[-1].label}: {bars[-1].said}."
    )
    return Chart("workload", _title(material, most), alt, plot, twin)


def _title(material: Material, most: Fraction) -> str:
    figure = material.register["work.reactive"]
    if not figure.value:
        return f"Nothing was noted of {material.now}, so its reactive share cannot be said."
    took = f"Reactive work took {figure.display} of the noted time"
    if figure.display == percent(most, 0):
        return f"{took}: its ceiling."
    side = "above" if Fraction(figure.value) > most else "under"
    return f"{took}, {side} the ceiling of {percent(most, 0)}."


def _hours(evidence: Evidence) -> Counter[WorkClass]:
    rows: Iterable[WorkEvidence] = evidence.desk.work if evidence.desk else ()
    found = Counter[WorkClass]()
    for one in rows:
        found[one.work] += one.took or 0
    return found


def _said(hours: Counter[WorkClass]) -> str:
    told = (f"{one.value} {worked(hours[one])}" for one in _CLASSES if hours[one])
    return ", ".join(told)


def _length(time: int) -> Cell:
    return Cell(worked(time) if time else "none noted")


def worked(time: int) -> str:
    """Return a length of work in hours: a day of work is not one of 24 hours."""
    return f"{time / HOUR:.1f} h" if time >= HOUR else format_duration(time)


def priorities(material: Material) -> Block:
    """Return the pieces of work by the business priority that each served."""
    rows = material.desk.work
    counted = Counter(one.priority for one in rows)
    named = sorted(((name, times) for name, times in counted.items() if name), key=_most_first)
    told = [(name, times) for name, times in [*named, ("", counted[""])] if times]
    return table(
        "priorities",
        "Pieces of work by the business priority they served",
        (*words("Priority"), *counts_of("Pieces of work", "Share")),
        (
            (Cell(name or "none named"), Cell(f"{times:,}"), Cell(_share(times, len(rows))))
            for name, times in told
        ),
        "No piece of work is noted.",
    )


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return (-item[1], item[0])


def _share(part: int, whole: int) -> str:
    return percent(Fraction(part, whole), 0)
