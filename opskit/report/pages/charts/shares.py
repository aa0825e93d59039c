"""Ranges under each other: how far outcomes have come, and what a sum depends on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from opskit.core.text import plural
from opskit.report.charts import RangeRow, Ranges
from opskit.report.document import Block, Cell, Chart, Paragraph
from opskit.report.figures.handwork import Balance, balance
from opskit.report.model import Figure
from opskit.report.pages.cells import counts_of, said, table, value, words
from opskit.report.pages.material import Material
from opskit.report.statistics.ranges import sensitivity, two_digits

_PERCENT = 100
_HOUR = 60


def outcomes(material: Material) -> Iterator[Block]:
    """Yield how far each goal has come from its baseline to its target."""
    figures = [one for one in material.figures("outcome.") if one.value]
    if not figures:
        yield Paragraph(
            "No goal in people's terms can be measured yet, so there is no way to show."
        )
        return
    rows = tuple(_way(one) for one in figures)
    twin = table(
        "outcomes-way",
        "How far from baseline to target",
        (*words("Goal"), *counts_of("Way", "Now")),
        (
            (said(one.title), Cell(row.said), value(one))
            for one, row in zip(figures, rows, strict=True)
        ),
        "",
    )
    alt = "; ".join(f"{row.label}: {row.said}" for row in rows)
    plot = Ranges(rows, "% of the way to the target", ("target", _PERCENT))
    yield Chart("outcomes", _reached(figures), f"Baseline is 0, the target 100. {alt}.", plot, twin)


def _way(figure: Figure) -> RangeRow:
    way = float(Fraction(figure.value) * _PERCENT)
    told = f"{way:.0f} % of the way"
    return RangeRow(figure.title, min(0.0, way), way, max(0.0, way), told)


def _reached(figures: Sequence[Figure]) -> str:
    done = sum(Fraction(one.value) >= 1 for one in figures)
    return f"{done} of {plural(len(figures), 'goal')} reached the target."


def hand_work(material: Material) -> Iterator[Block]:
    """Yield the range of hand work avoided, and what it depends on most."""
    figure, found = material.register.get("work.avoided"), balance(material.ground)
    if figure is None or found is None or figure.bounds is None:
        why = figure.note if figure is not None and figure.note else "no automated work is recorded"
        yield Paragraph(f"Hand work avoided cannot be said: {why}.")
        return
    rows = (_whole(figure), *_inputs(found))
    twin = table(
        "hand-work-inputs",
        "Hand work avoided, and what it depends on",
        (*words("What"), *counts_of("Low", "Middle", "High")),
        (
            (Cell(one.label), *(_hours(at) for at in (one.low, one.middle, one.high)))
            for one in rows
        ),
        "",
    )
    alt = "; ".join(f"{one.label}: {one.said}" for one in rows)
    plot = Ranges(rows, "hours", ("none", 0.0))
    yield Chart("hand-work", _avoided(figure, rows), f"Ranges in hours. {alt}.", plot, twin)


def _whole(figure: Figure) -> RangeRow:
    low, high = (figure.bounds.low, figure.bounds.high) if figure.bounds else ("0", "0")
    hours = [float(Fraction(one)) / _HOUR for one in (low, figure.value, high)]
    return RangeRow("Hand work avoided", hours[0], hours[1], hours[2], _between(hours[0], hours[2]))


def _inputs(found: Balance) -> Iterator[RangeRow]:
    """Yield the sum with one input at its ends, the others in their middle; the widest first."""
    modes = {name: one.mode for name, one in found.inputs.items()}
    middle = found.line.at(modes) / _HOUR
    ends = {name: sensitivity(found.line, found.inputs, name) for name in sorted(found.inputs)}
    for name, (a, b) in sorted(ends.items(), key=lambda item: -abs(item[1][1] - item[1][0])):
        low, high = sorted((a / _HOUR, b / _HOUR))
        yield RangeRow(
            f"if {name} by hand takes least, most", low, middle, high, _between(low, high)
        )


def _between(low: float, high: float) -> str:
    return f"{two_digits(low):f} to {two_digits(high):f} h"


def _hours(at: float) -> Cell:
    return Cell(f"{two_digits(at):f} h")


def _avoided(figure: Figure, rows: Sequence[RangeRow]) -> str:
    between = figure.bounds.display if figure.bounds else figure.display
    decide = "one task decides" if len(rows) == 2 else f"{len(rows) - 1} tasks decide"
    return f"{between} of hand work did not have to be done; {decide} the range."
