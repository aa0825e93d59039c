"""The report on paper: PDF/A-3a and PDF/UA-1 at once, with its evidence attached.

The same report gives the same bytes everywhere: letters come with opskit, no date is written, and
nothing is read from the machine.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import typst

from opskit.report.built import Built
from opskit.report.document import Chart, Document
from opskit.report.render import csv, onpaper, typeface, words
from opskit.report.render.svg import looks, plots

INPUTS, REGISTER = "inputs.json", "figures.csv"
_STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]
_TEMPLATES = Path(__file__).parent / "typst"
_ATTACHED = (
    {
        "name": INPUTS,
        "relationship": "source",
        "mime": "application/json",
        "description": "All that this report was built from; its SHA-256 is the report's id",
    },
    {
        "name": REGISTER,
        "relationship": "data",
        "mime": "text/csv",
        "description": "Every figure: its value, how it was made, and what it rests on",
    },
)


def render(built: Built, document: Document, *, paper: str = "a4") -> bytes:
    """Return the PDF on `paper`, a name of Typst's: `a4`, `us-letter`."""
    shown = onpaper.data(document, charts(document))
    team = b64encode(document.team.encode("utf-8", "surrogatepass")).decode()
    whose = {"keywords": [f"opskit-view:{document.view}", f"opskit-team:{team}"]}
    inputs = {
        "data": json.dumps({**shown, **whose, "paper": paper, "attached": _ATTACHED}),
        INPUTS: built.embedded.decode(),
        REGISTER: csv.register(built).decode(),
    }
    return whole(compiler("report.typ", inputs).compile(format="pdf", pdf_standards=_STANDARDS))


def letter(built: Built, document: Document) -> bytes:
    """Return the PDF on Letter."""
    return render(built, document, paper="us-letter")


def compiler(template: str, inputs: Mapping[str, str]) -> typst.Compiler:
    """Return what draws a template of ours of its inputs, with our own letters alone."""
    return typst.Compiler(
        _TEMPLATES / template,
        root=_TEMPLATES,
        font_paths=[typeface.DIRECTORY],
        ignore_system_fonts=True,
        sys_inputs=dict(inputs),
    )


def whole(drawn: bytes | list[bytes] | None) -> bytes:
    """Return the one file that was drawn; a picture of several pages is a list."""
    if not isinstance(drawn, bytes):
        message = "what was drawn is not one file"
        raise TypeError(message)
    return drawn


def charts(document: Document) -> dict[str, str]:
    """Return the pictures of a document's charts, by name."""
    times = plots.times_of(document)
    every = (block for page in document.pages for block in words.blocks(page))
    return {one.name: _ours(plots.svg(one, times)) for one in every if isinstance(one, Chart)}


def _ours(svg: str) -> str:
    """Return a drawing with our letters in place of those it asks the machine for."""
    # The first of this name is the drawing's own: text in it is escaped, quotes too.
    asked = f'font-family="{looks.FONTS}"'
    own = f'font-family="{typeface.FAMILY}" font-stretch="semi-condensed"'
    return typeface.shown(svg.replace(asked, own, 1))
