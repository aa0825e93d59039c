"""Range bars: what is known as a range, with its middle, beside a mark to read it against."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.report.charts import RangeRow, Ranges
from opskit.report.render.svg.frame import Area, named, sign, under
from opskit.report.render.svg.marks import Box, Drawing, Line, Mark, Words
from opskit.report.render.svg.measures import Scale, drawable, fitting, short, ticks, wide

_HEAD, _BAR, _SPACE = 18.0, 12.0, 12.0
_SIDE = 14.0


def ranges(plot: Ranges, width: float) -> Drawing:
    """Return the bars of a plot; zero is on the scale unless all values are far from it."""
    top = 22.0 if plot.mark else 4.0
    height = _HEAD + _BAR + _SPACE
    area = Area(_SIDE, top, width - 2 * _SIDE, max(1.0, len(plot.rows) * height))
    values = [drawable(one) for row in plot.rows for one in (row.low, row.middle, row.high)]
    values += [drawable(plot.mark[1])] if plot.mark else []
    steps = ticks(*_ends(values))
    scale = Scale(steps[0], steps[-1], area.x, area.right)
    marks: list[Mark] = []
    for step in steps:
        x = scale.at(step)
        look = "k-axis" if step == 0 else "k-grid"
        marks.append(Line((((x, area.y), (x, area.bottom)),), look))
    marks += under([(scale.at(step), short(step, steps)) for step in steps], area)
    marks.append(Words(area.right, area.bottom + 30, fitting(plot.unit, width), "k-tick", "end"))
    if plot.mark:
        marks += _mark(plot.mark, scale, area, width)
    for number, row in enumerate(plot.rows):
        marks += _row(row, Area(0, top + number * height, width, height), scale)
    return Drawing(width, area.bottom + 36, tuple(marks))


def _ends(values: list[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if 0 < low < high / 2 or low == high > 0:
        low = 0.0
    if low / 2 < high < 0 or low == high < 0:
        high = 0.0
    return low, high


def _row(row: RangeRow, area: Area, scale: Scale) -> Iterator[Mark]:
    low, middle, high = (scale.at(drawable(one)) for one in (row.low, row.middle, row.high))
    y = area.y + _HEAD
    yield from named(area, row.label, row.said)
    title = f"{row.label}: {row.said}"
    yield Box(min(low, high), y, max(1.0, abs(high - low)), _BAR, "k-span", title)
    yield sign("diamond", (middle, y + _BAR / 2), "k-sign", title, 6.0)


def _mark(mark: tuple[str, float], scale: Scale, area: Area, width: float) -> Iterator[Mark]:
    name, value = mark
    x = scale.at(drawable(value))
    said = fitting(name, width, 12.0)
    half = wide(said) / 2
    yield Line((((x, area.y - 4), (x, area.bottom)),), "k-ceiling")
    yield Words(min(max(x, half), width - half), area.y - 9, said, "k-said", "middle")
