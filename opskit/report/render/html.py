"""The report as one HTML page that needs nothing else: no script, no font, no other file."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from opskit.core.clock import format_duration, iso
from opskit.core.text import clean, plural, shorten
from opskit.report.model import Report
from opskit.report.render import view

# A number that stands alone and the word after it.
_NUMBER = re.compile(r"(?:(?<=\s)|^)(\d[\d.,]*) (?=[\w%])")


def render(report: Report) -> str:
    """Return the page; the same report gives the same bytes."""
    return _environment().get_template("report.html.j2").render(page=view.page(report))


@cache
def style() -> Markup:
    """Return the look of every page, as it stands between `<style>` and `</style>`."""
    return Markup(_environment().get_template("style.css.j2").render())  # noqa: S704  # our own


def status_page(page: object) -> str:
    """Return the status page of what `opskit serve` watches."""
    return _environment().get_template("status.html.j2").render(page=page, style=style())


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
    environment.filters.update(duration=format_duration, utc=iso, cut=shorten, tied=_tied)
    environment.globals.update(plural=plural)
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


def _tied(text: str) -> str:
    """Return text in which no line ends between a number and what it counts."""
    return _NUMBER.sub("\\1\u00a0", text)
