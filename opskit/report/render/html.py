"""The report as one HTML page that needs nothing else: no script, no font, no other file."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from opskit.core.clock import format_duration, iso
from opskit.core.text import clean, plural, shorten
from opskit.report.built import Built
from opskit.report.document import Chart, Document, Kind, Tone
from opskit.report.pages.register import TAGS
from opskit.report.render import carried, rows
from opskit.report.render.placed import placed
from opskit.report.render.ribbon import WORDS, cell_length, ribbon
from opskit.report.render.svg import looks
from opskit.report.render.svg.marks import number, text, written
from opskit.report.render.svg.plots import NARROW, WIDE, drawing, times_of
from opskit.report.times import Times

_LONG_SENTENCE = 240
_WORDS = {
    Tone.WIN: "Win", Tone.MISS: "Miss", Tone.DECISION: "Decision wanted", Tone.NOTE: "Note",
    Tone.WARNING: "Warning",
}  # fmt: skip


def render(built: Built, document: Document) -> str:
    """Return the page of a report's document; the same report gives the same bytes."""
    times = times_of(document)
    whole = placed(document)
    leads = whole.leads
    inside = carried.Carried(built.embedded, document.id, document.view, document.team)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            placed=whole,
            document=document,
            times=times,
            long=len(document.sentence) > _LONG_SENTENCE,
            pictures=lambda chart: _pictures(chart, times),
            ribbon_of=lambda days: ribbon(days, times),
            rows_of=lambda table: Markup(rows.body(table, leads, times)),  # noqa: S704  # the same
            filled=lambda cell: Markup(rows.filled(cell, Kind.TEXT, leads, times)),  # noqa: S704
            trail_of=lambda refs: Markup(rows.trail(refs, leads)),  # noqa: S704  # the same
            running=Markup(_running(document)),  # noqa: S704  # escaped for CSS
            carried=Markup(carried.block(inside)),  # noqa: S704  # letters only
        )
    )


@cache
def style() -> Markup:
    """Return the look of every page, as it stands between `<style>` and `</style>`."""
    drawn = looks.css(looks.PAGE)
    return Markup(_environment().get_template("style.css.j2").render() + drawn)  # noqa: S704  # our own


def status_page(page: object) -> str:
    """Return the status page of what `opskit serve` watches."""
    return _environment().get_template("status.html.j2").render(page=page, style=style())


def archive_page(page: object) -> str:
    """Return the page of the reports that were issued."""
    return _environment().get_template("archive.html.j2").render(page=page, style=style())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("opskit.report.render"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(duration=format_duration, utc=iso, cut=shorten, tied=rows.tied)
    environment.globals.update(
        plural=plural,
        style=style,
        shapes=rows.SHAPES,
        tones=_WORDS,
        kinds=rows.CLASSES,
        meanings=TAGS,
        states=WORDS,
        cell_length=cell_length,
    )
    return environment


def _shown(value: object) -> object:
    """Return what a template expression may print; every expression of every template comes here.

    Cleaning in this one place means that no template can forget it. Escaping follows.
    """
    if value is None:
        message = "nothing is no value to print: the page must say in words what is missing"
        raise TypeError(message)
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return clean(value)


def _pictures(chart: Chart, times: Times) -> Markup:
    """Return a chart as two drawings; the style shows the one that there is room for."""
    said = text(chart.alt)
    drawn = (
        (name, drawing(chart.plot, times, width))
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return Markup(  # noqa: S704  # every string in it is escaped where it is written
        "".join(
            f'<svg class="plot {name}" role="img" aria-label="{said}"'
            f' viewBox="0 0 {number(one.width)} {number(one.height)}">{written(one.marks)}</svg>\n'
            for name, one in drawn
        )
    )


def _running(document: Document) -> str:
    """Return what stands at the edges of every sheet, as strings of CSS."""
    version = f", version {document.version}" if document.version > 1 else ""
    return (
        f"@page {{ @top-center {{ content: {_css(document.declared)}; }}"
        f" @bottom-left {{ content: {_css(f'{document.title}{version}')}; }}"
        f" @bottom-center {{ content: {_css(f'Report {document.id[:16]}')}; }} }}"
    )


def _css(words: str) -> str:
    """Return words as a string of CSS in which nothing but letters and digits stands as it is."""
    letters = (
        one if one.isascii() and (one.isalnum() or one == " ") else f"\\{ord(one):06x} "
        for one in clean(words)
    )
    return f'"{"".join(letters)}"'
