"""The forms a report comes in: one table for whoever builds, sends, keeps or verifies one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from opskit.core.errors import ConfigError
from opskit.report.built import Built
from opskit.report.document import Document, View

# What draws the pages: not every form shows them.
Pages: TypeAlias = Callable[[], Document]
Render: TypeAlias = Callable[[Built, Pages], str | bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its name, the end of its file's name, and what draws it.

    `needs` are the modules of an extra without which it cannot be drawn. `view` is whose document
    it shows where nobody says otherwise.
    """

    name: str
    suffix: str
    media_type: str
    title: str
    needs: tuple[str, ...] = ()
    view: View = View.WHOLE

    @property
    def ready(self) -> bool:
        """Return whether all that it needs is installed."""
        return all(find_spec(one) is not None for one in self.needs)

    def render(self, built: Built, pages: Pages) -> bytes:
        """Return the file; the same report gives the same bytes.

        Raises:
            ConfigError: what it needs is not installed.
        """
        if not self.ready:
            raise ConfigError(
                f"a report as {self.title} needs more than opskit alone",
                hint="pip install 'opskit[pdf]'",
            )
        drawn = _drawn(self.name)(built, pages)
        return drawn if isinstance(drawn, bytes) else drawn.encode()


def _drawn(name: str) -> Render:
    """Return what draws a form; each is imported when it is asked for, because some are heavy."""
    if name in _OTHERS:
        return _OTHERS[name]
    render = import_module(f"opskit.report.render.{name}").render
    return lambda built, pages: render(built, pages())


def _json(built: Built, pages: Pages) -> str:
    from opskit.report.render import json  # noqa: PLC0415  # as all of them

    del pages
    return json.render(built)


def _letter(built: Built, pages: Pages) -> bytes:
    from opskit.report.render import pdf  # noqa: PLC0415  # needs an extra

    return pdf.letter(built, pages())


# Those whose module is named otherwise, or asks for less or more.
_OTHERS: Mapping[str, Render] = {"json": _json, "pdf-letter": _letter}
_TYPST = ("typst",)

FORMS: Mapping[str, Form] = {
    one.name: one
    for one in (
        Form("html", ".html", "text/html", "a page"),
        Form("json", ".json", "application/json", "JSON"),
        Form("pdf", ".pdf", "application/pdf", "PDF (A4)", needs=_TYPST),
        Form("pdf-letter", ".pdf", "application/pdf", "PDF (Letter)", needs=_TYPST),
        Form("csv", ".zip", "application/zip", "CSV files in a zip"),
        Form("markdown", ".md", "text/markdown", "Markdown"),
        Form("text", ".txt", "text/plain", "words"),
        Form("mail", ".eml", "message/rfc822", "a mail", view=View.MANAGER),
        Form(
            "slack",
            ".slack.json",
            "application/json",
            "a message for Slack",
            view=View.MANAGER,
        ),
    )
}


def form(name: str) -> Form:
    """Return a form by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in FORMS:
        raise ConfigError(f"there is no form {name}", hint=f"use one of {', '.join(FORMS)}")
    return FORMS[name]
