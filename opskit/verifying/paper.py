"""What a PDF of a report carries and shows: the only importer of pypdf."""

from __future__ import annotations

import io
import logging
import re
from base64 import b64decode
from collections.abc import Iterator
from itertools import islice
from types import ModuleType
from typing import Any

from opskit.core.errors import ConfigError, DataError
from opskit.report.differing import Word
from opskit.report.document import View
from opskit.report.reader import Reader
from opskit.report.render.csv import INPUTS

# No report has more; a PDF of a few bytes can claim any number.
_MOST_PAGES = 3_000
# The width of US Letter, in points.
_LETTER = 612
_WHOSE = re.compile(r"opskit-view:([a-z]+)[,; ]+opskit-team:([A-Za-z0-9+/=]*)")


def attached(data: bytes, name: str) -> bytes:
    """Return the inputs that a PDF carries.

    Raises:
        ConfigError: what reads a PDF is not installed.
        DataError: it carries none, or several.
    """
    pypdf = _library()
    try:
        # Only what is asked for is unpacked, and only as far as the library's own limits go.
        found = pypdf.PdfReader(io.BytesIO(data)).attachments.get(INPUTS, [])
    except Exception as error:  # whatever a stranger made of it
        raise DataError(f"{name} cannot be read as PDF ({type(error).__name__})") from error
    if len(found) != 1:
        raise DataError(
            f"{name} carries no {INPUTS}, so it cannot be built again",
            hint="verify the file as opskit wrote it, not a print of it",
        )
    return bytes(found[0])


def reader(data: bytes) -> Reader | None:
    """Return whom a PDF says it was drawn for; None where it does not."""
    try:
        said = _library().PdfReader(io.BytesIO(data)).metadata or {}
        found = _WHOSE.search(str(said.get("/Keywords", "")))
        if found is None:
            return None
        team = b64decode(found[2], validate=True).decode("utf-8", "surrogatepass")
        return Reader(View(found[1]), team)
    except Exception:  # noqa: BLE001  # whatever a stranger made of it
        return None


def drawn_by(data: bytes) -> str:
    """Return the program that a PDF says drew it, with its version; empty where it does not."""
    try:
        return str((_library().PdfReader(io.BytesIO(data)).metadata or {}).get("/Creator", ""))
    except Exception:  # noqa: BLE001  # as above
        return ""


def form(data: bytes) -> str:
    """Return which form of PDF it is: on A4, or as wide as Letter."""
    try:
        width = float(_library().PdfReader(io.BytesIO(data)).pages[0].mediabox.width)
    except Exception:  # noqa: BLE001  # whatever a stranger made of it: said when it is read
        return "pdf"
    return "pdf-letter" if round(width) == _LETTER else "pdf"


def _library() -> ModuleType:
    try:
        import pypdf  # noqa: PLC0415  # only for a PDF
    except ModuleNotFoundError as error:
        raise ConfigError(
            "reading a PDF needs more than opskit alone", hint="pip install 'opskit[pdf]'"
        ) from error
    # It tells of each odd byte; what is wrong with a file is said once, in a sentence.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    return pypdf


def words(data: bytes) -> Iterator[Word]:
    """Yield the lines of a PDF, page by page, as far as they can be read."""
    pages = _library().PdfReader(io.BytesIO(data)).pages
    for number, page in enumerate(islice(pages, _MOST_PAGES), 1):
        for line in _lines(page):
            plain = " ".join(line.split())
            if plain:
                yield Word(f"page {number}", plain)


def _lines(page: Any) -> list[str]:  # noqa: ANN401  # pypdf's own
    try:
        text: str = page.extract_text()
    except Exception:  # noqa: BLE001  # whatever somebody made of it
        return ["what cannot be read"]
    return text.splitlines()
