"""Dot strips: every single length of time, stacked where they meet, and the middle below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from opskit.report.charts import DotRow, Dots
from opskit.report.render.svg.frame import Area, named, sign
from opskit.report.render.svg.marks import Drawing, Line, Mark, Point, Signs
from opskit.report.render.svg.measures import TimeScale, drawable, time_scale
from opskit.report.render.svg.steps import time_axis

_HEAD, _STRIP, _UNDER, _SPACE = 18.0, 34.0, 12.0, 8.0
_RADIUS = 3.0
_SIDE = 12.0


def dots(plot: Dots, width: float) -> Drawing:
    """Return the strips of a plot, all on one logarithmic scale."""
    every = [one for row in plot.rows for one in row.minutes]
    time = time_scale(every, _SIDE, width - _SIDE)
    height = _HEAD + _STRIP + _UNDER + _SPACE
    area = Area(_SIDE, 0, width - 2 * _SIDE, max(1.0, len(plot.rows) * height - _SPACE))
    marks: list[Mark] = list(time_axis(time, area)) if plot.rows else []
    for number, row in enumerate(plot.rows):
        strip = Area(0, number * height, width, height - _SPACE)
        # The name stands on the ground, not on the grid.
        marks += named(strip, row.label, row.said)
        marks += _strip(row, strip, time)
    return Drawing(width, area.bottom + 22, tuple(marks))


def _strip(row: DotRow, area: Area, time: TimeScale) -> Iterator[Mark]:
    base = area.y + _HEAD + _STRIP
    yield Line((((_SIDE, base), (area.right - _SIDE, base)),), "k-axis")
    points = tuple(_stacked(row, base - _RADIUS - 1, time))
    if points:
        yield Signs("round", points, _RADIUS, "k-dot", f"{row.label}: {row.said}")
    if row.middle is not None:
        low, middle, high = (time.at(drawable(one)) for one in row.middle)
        y = base + 7
        ends = tuple(((x, y - 4), (x, y + 4)) for x in (low, high))
        yield Line((((low, y), (high, y)), *ends), "k-middle")
        yield sign("diamond", (middle, y), "k-sign", f"{row.label}: {row.said}", 5.0)


def _stacked(row: DotRow, base: float, time: TimeScale) -> Iterator[Point]:
    """Yield a place for each dot; those at one place stand on each other, closer if many."""
    room = _STRIP - 2 * _RADIUS - 2
    places = [round(time.at(drawable(one)) / _RADIUS) * _RADIUS for one in row.minutes]
    crowd = Counter(places)
    seen: Counter[float] = Counter()
    for place in places:
        step = min(2 * _RADIUS, room / max(1, crowd[place] - 1))
        yield (place, base - seen[place] * step)
        seen[place] += 1
