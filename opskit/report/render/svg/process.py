"""Process charts: months beside each other, and the limits of what is normal between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.report.charts import Month, Process
from opskit.report.render.svg.frame import Area, gap, sign, under, value_axis
from opskit.report.render.svg.marks import Drawing, Line, Mark, Point, Words
from opskit.report.render.svg.measures import Scale, drawable

_HEIGHT = 150.0
_LEFT, _RIGHT = 48.0, 58.0
_NAMES = ("low limit", "usual", "high limit")


def process(plot: Process, width: float) -> Drawing:
    """Return the months of a plot; a month without a value is shown as such, and not bridged."""
    right = _RIGHT if plot.limits else 8.0
    area = Area(_LEFT, 26, width - _LEFT - right, _HEIGHT)
    values = [drawable(one.value) for one in plot.months if one.value is not None]
    limits = tuple(map(drawable, plot.limits)) if plot.limits else ()
    axis, scale = value_axis([*values, *limits] or [0.0, 1.0], plot.unit, area)
    marks: list[Mark] = [*axis, *_limits(limits, scale, area)]
    pitch = area.width / max(1, len(plot.months))
    places = [area.x + (number + 0.5) * pitch for number in range(len(plot.months))]
    for x, month in zip(places, plot.months, strict=True):
        if month.value is None:
            hole = Area(x - pitch / 2 + 1, area.y, max(1.0, pitch - 2), area.height)
            marks += gap(hole, f"{month.label}: {month.said}")
    marks += _line(plot.months, places, scale)
    for x, month in zip(places, plot.months, strict=True):
        marks += _month(month, x, scale, limits)
    labels = [(x, month.label) for x, month in zip(places, plot.months, strict=True)]
    marks += under(labels, area)
    return Drawing(width, area.bottom + 22, tuple(marks))


def _limits(limits: Sequence[float], scale: Scale, area: Area) -> Iterator[Mark]:
    taken = area.bottom + 1e6
    for name, value in zip(_NAMES, limits, strict=False):
        y = scale.at(value)
        look = "k-center" if name == "usual" else "k-limit"
        yield Line((((area.x, y), (area.right, y)),), look)
        at = min(y + 4, taken - 12)
        taken = at
        yield Words(area.right + 5, at, name, "k-tick")


def _line(months: Sequence[Month], places: Sequence[float], scale: Scale) -> Iterator[Mark]:
    runs: list[list[Point]] = [[]]
    for x, month in zip(places, months, strict=True):
        if month.value is None:
            runs.append([])
        else:
            runs[-1].append((x, scale.at(drawable(month.value))))
    lines = tuple(tuple(run) for run in runs if len(run) > 1)
    if lines:
        yield Line(lines, "k-now")


def _month(month: Month, x: float, scale: Scale, limits: Sequence[float]) -> Iterator[Mark]:
    if month.value is None:
        return
    value = drawable(month.value)
    out = bool(limits) and not limits[0] <= value <= limits[-1]
    title = f"{month.label}: {month.said}"
    if out:
        yield sign("square", (x, scale.at(value)), "k-out", title, 5.0)
    else:
        yield sign("round", (x, scale.at(value)), "k-sign", title)
