"""What the money of saved hours depends on, and from which values on it pays. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opskit.report.charts import RangeRow, Ranges
from opskit.report.document import Block, Cell, Chart, Table
from opskit.report.figures.handwork import balance
from opskit.report.figures.money import COST, RATE, paid
from opskit.report.pages.cells import counts_of, said, table, words
from opskit.report.pages.material import Material
from opskit.report.statistics.draws import Triangular
from opskit.report.statistics.ranges import Line, Term, break_even, sensitivity, two_digits


def pays(material: Material) -> Iterator[Block]:
    """Yield how far each input moves the money, and from which value of it the tool pays."""
    ground = material.ground
    found, rate = balance(ground), ground.assumptions.holding(RATE, ground.last_day)
    figure = material.register.get("money.capacity")
    if found is None or rate is None or figure is None or not figure.value:
        return
    line, inputs = paid(found), {**found.inputs, RATE: rate.value}
    yield _moved(material, line, inputs)
    cost = ground.assumptions.holding(COST, ground.last_day)
    if cost is not None:
        yield _worth(Line((*line.terms, Term(-cost.value.mode))), inputs)


def _moved(material: Material, line: Line, inputs: Mapping[str, Triangular]) -> Chart:
    currency = material.ground.assumptions.currency
    rows = sorted(_rows(line, inputs, currency), key=lambda one: (one.low - one.high, one.label))
    twin = table(
        "money-inputs-rows",
        "Capacity with one input at its ends, the others in their middle",
        (*words("Input"), *counts_of("Low", "Middle", "High")),
        (
            (Cell(one.label), *(_money(at, currency) for at in (one.low, one.middle, one.high)))
            for one in rows
        ),
        "",
    )
    title = f"What the capacity comes to is decided most by {rows[0].label}."
    alt = "; ".join(f"{one.label}: {one.said}" for one in rows)
    plot = Ranges(tuple(rows), currency)
    return Chart("money-inputs", title, f"Ranges of {currency}. {alt}.", plot, twin)


def _rows(line: Line, inputs: Mapping[str, Triangular], currency: str) -> Iterator[RangeRow]:
    middle = line.at({name: one.mode for name, one in inputs.items()})
    for name in sorted(inputs):
        low, high = sorted(sensitivity(line, inputs, name))
        told = f"{_said(low)} to {_said(high)} {currency}"
        yield RangeRow(_label(name), low, middle, high, told)


def _label(name: str) -> str:
    return "the rate an hour" if name == RATE else f"minutes by hand for {name}"


def _said(at: float) -> str:
    return f"{two_digits(at):,f}"


def _money(at: float, currency: str) -> Cell:
    return Cell(f"{_said(at)} {currency}")


def _worth(net: Line, inputs: Mapping[str, Triangular]) -> Table:
    modes = {name: one.mode for name, one in inputs.items()}
    rows = [(name, break_even(net, modes, name)) for name in sorted(inputs)]
    return table(
        "break-even",
        "From which value on the tool is worth its cost, the others as assumed",
        (*words("Input"), *counts_of("Assumed", "Worth it from")),
        ((said(_label(name)), Cell(_said(modes[name])), Cell(_from(at))) for name, at in rows),
        "There is no input.",
    )


def _from(at: float | None) -> str:
    if at is None:
        return "it does not depend on it"
    return _said(at) if at > 0 else "any value"
