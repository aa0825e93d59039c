"""The archive in a browser: which reports were issued, and each of them in every form.

Needs the token, as all that is not meant for everybody: a report speaks of what went wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opskit import __version__
from opskit.core.clock import Instant, iso
from opskit.records.archive import Issued
from opskit.report.reader import Reader, drawn
from opskit.report.render import html
from opskit.report.render.forms import FORMS, Form
from opskit.serve.answer import Answer, Asked, text
from opskit.serve.pages import policy
from opskit.serve.site import Site

_NAME = re.compile(r"([0-9a-f]{64})(\.[a-z]+)")
# A report brings its own style, and nothing that runs.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_SHOWN = ("html", "json", "pdf", "csv")


@dataclass(frozen=True, slots=True)
class _Row:
    month: str
    zone: str
    version: int
    id: str
    issued: str
    issued_at: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class _Page:
    rows: tuple[_Row, ...]
    forms: tuple[Form, ...]
    version: str


def listing(site: Site, _asked: Asked) -> Answer:
    """List the reports that were issued."""
    zone = site.app.config.zone
    rows = tuple(
        _Row(
            one.month.name, one.month.zone, one.version, one.id,
            iso(one.issued_at, zone), one.issued_at, one.seq,
        )
        for one in site.app.archive.issued()
    )  # fmt: skip
    also = tuple(one for one in _forms().values() if one.name != "html")
    page = html.archive_page(_Page(rows, also, __version__))
    body = page.encode("utf-8", "backslashreplace")
    headers = {"content-security-policy": policy()}
    return Answer(200, body, "text/html; charset=utf-8", headers)


def report(site: Site, asked: Asked) -> Answer:
    """Give an issued report, as `ID.html` or another form of it; it never changes."""
    found = _NAME.fullmatch(asked.path["file"])
    form = None if found is None else _forms().get(found[2])
    issued = None if found is None or form is None else site.app.archive.known(found[1])
    if form is None or issued is None:
        return text(404, "there is no such report")
    headers = _headers(issued, form)
    if asked.headers.get("if-none-match") == headers["etag"]:
        return Answer(304, b"", form.media_type, headers)
    body = drawn(site.app.issuing.again(issued), form, Reader(form.view))
    return Answer(200, body, form.media_type, headers)


def _forms() -> dict[str, Form]:
    """Return what can be drawn here, by the end of its file's name."""
    return {FORMS[name].suffix: FORMS[name] for name in _SHOWN if FORMS[name].ready}


def _headers(issued: Issued, form: Form) -> dict[str, str]:
    name = f"opskit-{issued.month.name}-v{issued.version}{form.suffix}"
    shown = "inline" if form.name in {"html", "pdf"} else "attachment"
    return {
        # The same inputs are drawn in the same way by the same opskit only.
        "etag": f'"{issued.id}-{__version__}"',
        "cache-control": "private, no-cache",
        "content-disposition": f'{shown}; filename="{name}"',
        "content-security-policy": _POLICY,
    }
