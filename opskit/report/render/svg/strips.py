"""The calendar ribbon as a drawing: service under service, for pictures and paper. Pure.

On a page the ribbon is drawn by the template, in shares of the page's width; the cells' geometry
is the same, from `render.ribbon`.
"""

from __future__ import annotations

from collections.abc import Iterator

from opskit.report.document import Ribbons, Strip
from opskit.report.render.ribbon import HEIGHT, WORDS, Band, Block, ribbon
from opskit.report.render.svg.frame import Area, hatched, under
from opskit.report.render.svg.marks import Box, Drawing, Line, Mark, Words
from opskit.report.render.svg.measures import fitting, wide
from opskit.report.times import Times

_HEAD, _SPACE, _LEGEND = 18.0, 10.0, 18.0
_LEAST_WIDTH = 3.0


def strips(block: Ribbons, times: Times, width: float, most: int) -> Drawing:
    """Return the first `most` services of a ribbon; how many are left out is said below them."""
    marks: list[Mark] = []
    y = 0.0
    for strip in block.strips[:most]:
        marks += _head(strip, y, width)
        marks += _cells(strip, times, Area(0, y + _HEAD, width, HEIGHT))
        y += _HEAD + HEIGHT + _SPACE
    if block.strips:
        first = ribbon(block.strips[0].days, times)
        marks += under(
            [(_share(one.x) * width, one.label) for one in first.ticks],
            Area(0, 0, width, y - _SPACE),
            room=0.0,
        )
        y += _SPACE + 8
    left_out = len(block.strips) - min(most, len(block.strips)) + block.more
    if left_out:
        marks.append(Words(0, y + 12, f"{left_out:,} more services are not shown here.", "k-name"))
        y += _LEGEND
    keys, height = _legend(y + 4, width)
    return Drawing(width, y + 4 + height, (*marks, *keys))


def _head(strip: Strip, y: float, width: float) -> Iterator[Mark]:
    said = " · ".join(filter(None, (str(strip.verdict), strip.figure.display)))
    room = width - wide(said) - 12
    yield Words(0, y + 12, fitting(strip.service, room), "k-name")
    yield Words(width, y + 12, said, "k-said", "end")


def _cells(strip: Strip, times: Times, area: Area) -> Iterator[Mark]:
    for block in ribbon(strip.days, times).blocks:
        left, wide_ = _share(block.x) * area.width, _share(block.width) * area.width
        cell = Area(left, area.y, max(1.0, wide_), area.height)
        for band in block.bands:
            yield from _band(band, cell)
        yield from _number(block, cell)


def _band(band: Band, cell: Area) -> Iterator[Mark]:
    place = Area(cell.x, cell.y + float(band.top), cell.width, float(band.height))
    yield from filled(band.state, place)


def filled(state: str, place: Area) -> Iterator[Mark]:
    """Yield an area as the state that it shows: its color and its own hatch."""
    yield Box(place.x, place.y, place.width, place.height, f"k-{state}")
    ways = {"degraded": ("level", 4.0), "unknown": ("rising", 4.0), "maintenance": ("falling", 4.0)}
    if state in ways and place.width >= _LEAST_WIDTH:
        way, gap = ways[state]
        yield hatched(place, f"k-in-{state}", way, gap)
    if state == "excluded":
        yield Line((((place.x, place.bottom), (place.right, place.bottom)),), "k-in-excluded")


def _number(block: Block, cell: Area) -> Iterator[Mark]:
    wanted = 7.0 * len(block.number)
    if block.number and wanted <= cell.width:
        at = cell.y + float(block.number_at)
        yield Words(cell.x + cell.width / 2, at, block.number, "k-number", "middle")


def _legend(top: float, width: float) -> tuple[list[Mark], float]:
    marks: list[Mark] = []
    x, y = 0.0, top
    for state, word in WORDS.items():
        needed = 22 + wide(word)
        if x and x + needed > width:
            x, y = 0.0, y + _LEGEND
        marks += filled(str(state), Area(x, y + 2, 16, 12))
        marks.append(Words(x + 22, y + 12, word, "k-said"))
        x += needed + 14
    return marks, y + _LEGEND - top


def _share(percent: str) -> float:
    return float(percent.removesuffix("%")) / 100
