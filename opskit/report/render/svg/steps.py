"""Cumulative steps: how much was done within how long, now in front of before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.report.charts import Curve, Steps
from opskit.report.render.svg.frame import Area, rows_legend, under
from opskit.report.render.svg.marks import Drawing, Line, Mark, Point, Words
from opskit.report.render.svg.measures import Scale, TimeScale, drawable, time_scale

_HEIGHT = 150.0
_LEFT, _RIGHT = 44.0, 10.0
_MINUTES = 60.0
_SHARES = ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %"))


def steps(plot: Steps, width: float) -> Drawing:
    """Return the curves of a plot on a logarithmic scale of time; the first is drawn last, bold."""
    looks = ["k-now" if not number else "k-before" for number in range(len(plot.curves))]
    legend, top = rows_legend(
        [(look, one.label, one.said) for look, one in zip(looks, plot.curves, strict=True)], width
    )
    area = Area(_LEFT, top + 12, width - _LEFT - _RIGHT, _HEIGHT)
    hours = [hours for one in plot.curves for hours, _ in one.points]
    time = time_scale([drawable(one) * _MINUTES for one in hours], area.x, area.right)
    share = Scale(0.0, 1.0, area.bottom, area.y)
    marks: list[Mark] = [*legend, *_grid(share, time, area)]
    for look, curve in reversed(list(zip(looks, plot.curves, strict=True))):
        line = _stairs(curve, time, share, area)
        if line:
            marks.append(Line((line,), look, f"{curve.label}: {curve.said}"))
    return Drawing(width, area.bottom + 22, tuple(marks))


def _grid(share: Scale, time: TimeScale, area: Area) -> Iterator[Mark]:
    for value, name in _SHARES:
        y = share.at(value)
        yield Line((((area.x, y), (area.right, y)),), "k-grid" if value else "k-axis")
        yield Words(area.x - 6, y + 4, name, "k-tick", "end")
    yield from time_axis(time, area)


def time_axis(time: TimeScale, area: Area) -> Iterator[Mark]:
    """Yield the times that have names, upright lines with their labels under the area."""
    named = list(time.ticks())
    lines = tuple(((time.at(one), area.y), (time.at(one), area.bottom)) for one, _ in named)
    if lines:
        yield Line(lines, "k-grid")
    yield from under([(time.at(one), name) for one, name in named], area)


def _stairs(curve: Curve, time: TimeScale, share: Scale, area: Area) -> tuple[Point, ...]:
    """Return a curve as a line: level to each point's time, there up to its share."""
    if not curve.points:
        return ()
    return tuple(_corners(curve.points, time, share, area))


def _corners(
    points: Sequence[tuple[float, float]], time: TimeScale, share: Scale, area: Area
) -> Iterator[Point]:
    y = share.at(0.0)
    yield (area.x, y)
    for hours, done in points:
        x = time.at(drawable(hours) * _MINUTES)
        yield (x, y)
        y = share.at(drawable(done))
        yield (x, y)
    yield (area.right, y)
