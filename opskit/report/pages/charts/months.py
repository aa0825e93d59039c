"""Key figures month by month, with the limits of what months vary by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import inf

from opskit.core.calendar import month
from opskit.core.clock import DAY, MINUTE, Instant, to_datetime
from opskit.report.charts import Month, Process
from opskit.report.document import Block, Cell, Chart, Paragraph
from opskit.report.figures.catalogue import METHODS
from opskit.report.figures.comparing import Comparing, Per
from opskit.report.model import Comparison, Earlier, Figure
from opskit.report.pages.cells import table, words
from opskit.report.pages.material import Material
from opskit.report.statistics.process import Limits, limits

_MINUTES, _PERCENT = ("minutes", float(MINUTE)), ("percent", 0.01)
# The figures that are drawn, each with the unit to draw it in and what one of that unit is.
KEY = {
    "downtime.total": _MINUTES,
    "incidents.restore": _MINUTES,
    "drift.exposure": _MINUTES,
    "access.lead_time": _MINUTES,
    "work.reactive": _PERCENT,
    "quiet.days": ("days", 1.0),
    "intake.complete": _PERCENT,
}


def months(material: Material, *ids: str) -> Iterator[Block]:
    """Yield a chart for each key figure that earlier months are there for; or why there is none."""
    wanted = ids or tuple(KEY)
    found = [one for name in wanted if (one := _drawn(material, name)) is not None]
    yield from found
    if not found:
        yield Paragraph(_why_none(material))


def _why_none(material: Material) -> str:
    if not material.ground.whole_month:
        return "Only a whole month that is over is held against the months before it."
    return "No earlier month is there to put these figures beside."


def _drawn(material: Material, name: str) -> Chart | None:
    figure = material.register.get(name)
    how = _comparing(figure) if figure else None
    if figure is None or how is None or figure.comparison is None:
        return None
    if not figure.comparison.earlier:
        return None
    return _chart(material, figure, figure.comparison, how)


def _comparing(figure: Figure) -> Comparing | None:
    return next((one.comparing for one in METHODS if one.name == figure.method), None)


def _chart(material: Material, figure: Figure, compared: Comparison, how: Comparing) -> Chart:
    every = (*compared.earlier, Earlier(material.period.start, figure.value, figure.display))
    unit, scale = KEY[figure.id]
    measured = [_measured(material, one, how) for one in every]
    known = [one for one in measured[:-1] if one is not None]
    found = limits(known, how.scale)
    plot = Process(
        tuple(
            Month(material.month(one.start), None if at is None else at / scale, one.display)
            for one, at in zip(every, measured, strict=True)
        ),
        None if found is None else _edges(found, scale),
        f"{unit} a day" if how.per is Per.DAY else unit,
    )
    name = figure.id.replace(".", "-").replace("_", "-")
    twin = table(
        f"months-{name}-rows",
        f"{figure.title}, month by month",
        words("Month", "Value"),
        ((Cell(material.month(one.start)), Cell(one.display)) for one in every),
        "",
    )
    return Chart(f"months-{name}", _title(figure, compared), _alt(plot), plot, twin)


def _edges(found: Limits, scale: float) -> tuple[float, float, float]:
    """Return the limits in the chart's unit, no further than its values can go."""
    most = 100.0 if scale == _PERCENT[1] else inf
    return max(0.0, found.low / scale), found.middle / scale, min(most, found.high / scale)


def _measured(material: Material, one: Earlier, how: Comparing) -> float | None:
    """Return a month's value as the comparison takes it; None where it had none."""
    if not one.value:
        return None
    if how.per is Per.MONTH:
        return float(Fraction(one.value))
    return float(Fraction(one.value) * DAY / _length(material, one.start))


def _length(material: Material, start: Instant) -> int:
    if start == material.period.start:
        return material.period.length
    first = to_datetime(start, material.zone)
    return month(first.year, first.month, material.zone).length


def _title(figure: Figure, compared: Comparison) -> str:
    return f"{figure.title}: {figure.display}; {compared.words}."


def _alt(plot: Process) -> str:
    first, last = plot.months[0], plot.months[-1]
    told = f"A point for each month from {first.label}, {first.said}, to {last.label}, {last.said}"
    if plot.limits is None:
        return f"{told}. There are too few months for limits."
    low, mid, high = plot.limits
    return f"{told}. Months vary from {low:.3g} to {high:.3g} {plot.unit} around {mid:.3g}."
