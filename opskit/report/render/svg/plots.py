"""A chart as SVG: as marks for a page, or as a picture of its own for a mail or a PDF. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from opskit.core.interval import Interval
from opskit.report.charts import BurnLines, Dots, Plot, Process, Ranges, StackedBars, Steps
from opskit.report.document import Chart, Document
from opskit.report.render.svg.bars import bars
from opskit.report.render.svg.burn import burn
from opskit.report.render.svg.dots import dots
from opskit.report.render.svg.looks import FONTS, LIGHT, Palette, css
from opskit.report.render.svg.marks import Drawing, number, text, written
from opskit.report.render.svg.process import process
from opskit.report.render.svg.ranges import ranges
from opskit.report.render.svg.steps import steps
from opskit.report.times import Times

# Widths, in pixels, for half a screen or a sheet, and for a phone or half a sheet.
WIDE, NARROW = 560.0, 340.0
_MARGIN = 12.0


def times_of(document: Document) -> Times:
    """Return how a document writes moments."""
    return Times(ZoneInfo(document.zone), Interval(document.start, document.end))


def drawing(plot: Plot, times: Times, width: float) -> Drawing:
    """Return the drawing of a plot."""
    match plot:
        case StackedBars():
            return bars(plot, width)
        case BurnLines():
            return burn(plot, times, width)
        case Steps():
            return steps(plot, width)
        case Dots():
            return dots(plot, width)
        case Ranges():
            return ranges(plot, width)
        case Process():
            return process(plot, width)


def svg(chart: Chart, times: Times, palette: Palette = LIGHT, width: float = WIDE) -> str:
    """Return a chart as an SVG document of fixed size: no title, ground and fonts of its own.

    What it says is in its `alt`, for who cannot see it.
    """
    return standalone(drawing(chart.plot, times, width), chart.alt, palette)


def standalone(what: Drawing, alt: str, palette: Palette = LIGHT) -> str:
    """Return a drawing as an SVG document, with a margin and a ground in the palette's color."""
    width, height = number(what.width + 2 * _MARGIN), number(what.height + 2 * _MARGIN)
    said = text(alt)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{said}" font-family="{FONTS}">'
        f"<title>{said}</title><style>{css(palette)}</style>"
        f'<rect class="k-ground" width="{width}" height="{height}"/>'
        f'<g transform="translate({number(_MARGIN)} {number(_MARGIN)})">'
        f"{written(what.marks)}</g></svg>\n"
    )
