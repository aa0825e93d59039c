"""Stacked bars: parts of a whole, each with its own hatch, under a line they should stay under."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.report.charts import Bar, StackedBars
from opskit.report.render.svg.frame import Area, part, parts_legend, under, value_axis
from opskit.report.render.svg.marks import Drawing, Line, Mark, Words
from opskit.report.render.svg.measures import Scale, drawable, wide

_HEIGHT = 170.0
_LEFT, _RIGHT = 48.0, 4.0
_WIDEST = 56.0


def bars(plot: StackedBars, width: float) -> Drawing:
    """Return the bars of a plot; the ceiling is drawn over each, at its share of that bar."""
    legend, top = parts_legend(plot.names, width)
    area = Area(_LEFT, top + 26, width - _LEFT - _RIGHT, _HEIGHT)
    wholes = [sum(_parts(bar)) for bar in plot.bars]
    axis, scale = value_axis((0.0, max(wholes, default=0.0) or 1.0), plot.unit, area)
    marks: list[Mark] = [*legend, *axis]
    pitch = area.width / max(1, len(plot.bars))
    thick = min(_WIDEST, pitch * 0.7)
    places = [(area.x + (number + 0.5) * pitch, bar.label) for number, bar in enumerate(plot.bars)]
    for (middle, _), bar in zip(places, plot.bars, strict=True):
        marks += _bar(bar, Area(middle - thick / 2, area.y, thick, area.height), scale)
    if plot.ceiling is not None:
        reach = min(thick / 2 + 5, pitch / 2)
        marks += _ceiling(plot.ceiling, list(zip(places, wholes, strict=True)), reach, scale)
        label = f"ceiling {100 * plot.ceiling:.0f} % of the bar"
        marks += _ceiling_key(label, area)
    marks += under(places, area, _RIGHT)
    return Drawing(width, area.bottom + 22, tuple(marks))


def _parts(bar: Bar) -> list[float]:
    return [max(0.0, drawable(one)) for one in bar.parts]


def _bar(bar: Bar, area: Area, scale: Scale) -> Iterator[Mark]:
    total = 0.0
    for number, size in enumerate(_parts(bar), start=1):
        bottom, top = scale.at(total), scale.at(total + size)
        total += size
        if bottom - top > 0:
            title = f"{bar.label}: {bar.said}"
            yield from part(Area(area.x, top, area.width, bottom - top), number, title)


def _ceiling(
    share: float, bars_: list[tuple[tuple[float, str], float]], reach: float, scale: Scale
) -> Iterator[Mark]:
    lines = tuple(
        ((middle - reach, scale.at(share * whole)), (middle + reach, scale.at(share * whole)))
        for (middle, _), whole in bars_
        if whole > 0
    )
    if lines:
        # A light edge keeps the line apart from what it crosses.
        yield Line(lines, "k-edge")
        yield Line(lines, "k-ceiling")


def _ceiling_key(label: str, area: Area) -> Iterator[Mark]:
    """Yield what the line means, at the right above the bars."""
    start = area.right - wide(label, 11) - 30
    yield Line((((start, area.y - 12), (start + 24, area.y - 12)),), "k-ceiling")
    yield Words(area.right, area.y - 8, label, "k-tick", "end")
