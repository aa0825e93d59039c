"""Burn lines: what is left of each error budget, service under service on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from opskit.core.clock import Instant
from opskit.report.charts import Burn, BurnLines
from opskit.report.render.svg.frame import Area, gap, named, sign, under
from opskit.report.render.svg.marks import Drawing, Line, Mark, Point, Words
from opskit.report.render.svg.measures import Scale, drawable
from opskit.report.times import Times

# More rows than these are no picture any more; the table has them all.
MOST = 12
_ROW, _HEAD, _SPACE = 40.0, 22.0, 8.0
_LEFT, _RIGHT = 48.0, 8.0
_LOWEST = -1.0
_HATCH = 4.0


def burn(plot: BurnLines, times: Times, width: float) -> Drawing:
    """Return the lines of a plot; where nothing was observed a line is broken, never bridged."""
    shown = plot.burns[:MOST]
    shares = [drawable(share) for one in shown for _, share in one.points if share is not None]
    low = max(_LOWEST, min([0.0, *shares]))
    marks: list[Mark] = []
    y = 0.0
    for one in shown:
        area = Area(_LEFT, y + _HEAD, width - _LEFT - _RIGHT, _ROW * (1 - low / 2))
        marks += named(Area(0, y, width, _HEAD), one.service, one.said)
        marks += _line(one, times, area, low)
        y = area.bottom + _SPACE
    marks += _dates(times, Area(_LEFT, 0, width - _LEFT - _RIGHT, y - _SPACE))
    if len(plot.burns) > MOST:
        more = f"{len(plot.burns) - MOST:,} more services are in the table."
        marks.append(Words(0, y + 28, more, "k-name"))
        y += 20
    return Drawing(width, y + 12, tuple(marks))


def _line(one: Burn, times: Times, area: Area, low: float) -> Iterator[Mark]:
    value = Scale(low, 1.0, area.bottom, area.y)
    place = Scale(float(times.period.start), float(times.period.end), area.x, area.right)
    spent = value.at(0.0)
    yield Line((((area.x, area.y), (area.right, area.y)),), "k-grid")
    runs, gaps = _runs(one.points, times)
    for start, end in gaps:
        hole = Area(place.at(start), area.y, place.at(end) - place.at(start), area.height)
        yield from gap(hole, "not observed")
    drawn = [tuple((place.at(at), value.at(drawable(share))) for at, share in run) for run in runs]
    for points in drawn:
        yield from _lost(points, spent)
    yield Line((((area.x, spent), (area.right, spent)),), "k-center")
    lines = tuple(points for points in drawn if len(points) > 1)
    if lines:
        yield Line(lines, "k-now", f"{one.service}: {one.said}")
    if drawn:
        yield sign("round", drawn[-1][-1], "k-sign")
    yield Words(area.x - 6, area.y + 4, "all left", "k-tick", "end")
    yield Words(area.x - 6, spent + 4, "spent", "k-tick", "end")


def _runs(
    points: Sequence[tuple[Instant, float | None]], times: Times
) -> tuple[list[list[tuple[Instant, float]]], list[tuple[Instant, Instant]]]:
    """Return the observed pieces of a line, and the gaps between them."""
    runs: list[list[tuple[Instant, float]]] = []
    gaps: list[tuple[Instant, Instant]] = []
    last, open_ = times.period.start, True
    for at, share in points:
        if share is None:
            open_ = True
            continue
        if open_:
            runs.append([])
            if at > last:
                gaps.append((last, at))
        runs[-1].append((at, share))
        last, open_ = at, False
    if last < times.period.end:
        gaps.append((last, times.period.end))
    return runs, gaps


def _lost(points: Sequence[Point], spent: float) -> Iterator[Mark]:
    """Yield upright lines from where nothing is left down to the line, if it went there."""
    lines = tuple(
        ((x1 + (x2 - x1) * step / count, spent), (x1 + (x2 - x1) * step / count, y))
        for (x1, y1), (x2, y2) in pairwise(points)
        for count in (max(1, int((x2 - x1) // _HATCH)),)
        for step in range(count + 1)
        for y in (y1 + (y2 - y1) * step / count,)
        if y > spent
    )
    if lines:
        yield Line(lines, "k-lost")


def _dates(times: Times, area: Area) -> Iterator[Mark]:
    period = times.period
    count = 4
    at = [Instant(period.start + period.length * number // count) for number in range(count + 1)]
    place = Scale(float(period.start), float(period.end), area.x, area.right)
    label = times.day if times.in_days else times.short
    yield from under([(place.at(one), label(one)) for one in at[:-1]], area)
