"""Page 1 as HTML that mail programs show: tables and inline style, below the size they cut at."""

from __future__ import annotations

import quopri
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from html import escape

from opskit.core.text import clean, shorten
from opskit.report.document import (
    Block,
    Chart,
    Command,
    Document,
    Facts,
    Paragraph,
    Ribbons,
    Section,
    Statement,
    Statements,
    Strip,
    Table,
    Tile,
    Tiles,
    Tone,
)
from opskit.report.render import words

# Gmail cuts at 102 kB, as the page is encoded for the way.
MOST_BYTES = 95_000
_STRING, _ROWS = 400, 30
_FONT = "font-family:Arial,Helvetica,sans-serif;color:#16191d;"
_SMALL = f"{_FONT}font-size:12px;line-height:17px;color:#565d66;"
_TEXT = f"{_FONT}font-size:14px;line-height:20px;"
_DECLARED = "font-weight:bold;background-color:#f4f5f7;"
_BARS = {
    Tone.WIN: "#009e73",
    Tone.MISS: "#d55e00",
    Tone.DECISION: "#0072b2",
    Tone.NOTE: "#7b838c",
    Tone.WARNING: "#e69f00",
}


def page(document: Document, pictures: Sequence[str], where: str, link: str) -> str:
    """Return the page; `pictures` are the Content-IDs of its ribbons, in order.

    What would make it too long is left to the report itself, and that is said.
    """
    sections = [one for found in document.pages[:1] for one in found.sections]
    for kept in range(len(sections), -1, -1):
        left = len(sections) - kept
        whole = _whole(document, _Pictures(pictures), sections[:kept], left, where, link)
        if len(quopri.encodestring(whole.encode())) <= MOST_BYTES:
            break
    return whole


class _Pictures:
    """Gives out the Content-IDs of pictures, one after the other."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = iter(names)

    def next(self) -> str:
        """Return the next, or nothing where there is none."""
        return next(self._names, "")


def _whole(
    document: Document,
    pictures: _Pictures,
    sections: Sequence[Section],
    left: int,
    where: str,
    link: str,
) -> str:
    inner = [*_head(document)]
    for section in sections:
        inner += _section(section, pictures)
    inner += (
        [_row(_shown("More stands on this page of the report itself."), _SMALL)] if left else []
    )
    inner += _foot(document, where, link)
    title = _shown(document.title)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light"><meta name="supported-color-schemes" '
        f'content="light"><title>{title}</title></head>\n'
        '<body style="margin:0;padding:0;background-color:#ffffff;" bgcolor="#ffffff">\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'bgcolor="#ffffff" style="background-color:#ffffff;"><tr><td align="center">\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'bgcolor="#ffffff" style="max-width:640px;background-color:#ffffff;text-align:left;">\n'
        + "\n".join(inner)
        + "\n</table></td></tr></table></body></html>\n"
    )


def _head(document: Document) -> Iterator[str]:
    if document.declared:
        yield _row(_shown(document.declared), f"{_TEXT}{_DECLARED}")
    style = f"margin:0;{_FONT}font-size:22px;line-height:28px;"
    yield _row(f'<h1 style="{style}">{_shown(document.title)}</h1>', "padding-top:16px;")
    yield _row(_shown(document.scope), _SMALL)
    yield _row(
        _shown(document.sentence), f"{_FONT}font-size:17px;line-height:24px;font-weight:bold;"
    )


def _foot(document: Document, where: str, link: str) -> Iterator[str]:
    if link:
        yield _row(f'<a href="{_shown(link)}" style="color:#0072b2;">The whole report</a>', _TEXT)
    if where:
        yield _row(_shown(where), _TEXT)
    said = "<br>".join(_shown(line) for line in words.identity(document))
    yield _row(said, f"{_SMALL}border-top:1px solid #c9ced4;word-break:break-all;")


def _section(section: Section, pictures: _Pictures) -> Iterator[str]:
    if section.title:
        style = f"margin:0;{_FONT}font-size:16px;line-height:22px;"
        yield _row(f'<h2 style="{style}">{_shown(section.title)}</h2>', "padding-top:14px;")
    if section.lead:
        yield _row(_shown(section.lead), _TEXT)
    for block in section.blocks:
        yield from _block(words.within(section, block))
        if isinstance(block, Ribbons) and block.strips:
            yield _row(_picture(block, pictures.next()), _SMALL)


def _picture(block: Ribbons, cid: str) -> str:
    if not cid:
        return (
            "The days of each service are drawn in the report; this mail was made without pictures."
        )
    alt = "; ".join(
        f"{one.service}: downtime {one.downtime}, observed {one.coverage}" for one in block.strips
    )
    return (
        f'<img src="cid:{cid}" width="612" alt="Each service, day by day. {_shown(alt)}" '
        'style="display:block;width:100%;max-width:612px;height:auto;border:0;'
        'background-color:#ffffff;">'
    )


@singledispatch
def _block(block: Block) -> Iterator[str]:
    raise TypeError(block)


@_block.register
def _(block: Tiles) -> Iterator[str]:
    pairs = [block.tiles[at : at + 2] for at in range(0, len(block.tiles), 2)]
    lines = "".join(f"<tr>{''.join(_tile(one) for one in pair)}</tr>" for pair in pairs)
    yield _row(
        '<table role="presentation" width="100%" cellpadding="10" cellspacing="6" border="0">'
        f"{lines}</table>"
    )


def _tile(one: Tile) -> str:
    said = words.tile(one)[1]
    return (
        '<td width="50%" valign="top" bgcolor="#f4f5f7" style="background-color:#f4f5f7;">'
        f'<div style="{_SMALL}font-weight:bold;color:#16191d;">{_shown(one.label)}</div>'
        f'<div style="{_FONT}font-size:22px;line-height:30px;font-weight:bold;">'
        f"{_shown(one.figure.display)}</div>"
        f'<div style="{_SMALL}">{_shown(said)}</div></td>'
    )


@_block.register
def _(block: Ribbons) -> Iterator[str]:
    if not block.strips:
        yield _row(_shown(block.empty), _TEXT)
        return
    lines = [_strip(one) for one in block.strips[:_ROWS]]
    yield _grid(("Service", "Availability", "Downtime"), lines)
    left = len(block.strips[_ROWS:]) + block.more
    if left:
        yield _row(_shown(f"and {left:,} more, not shown"), _SMALL)


def _strip(one: Strip) -> tuple[str, ...]:
    judged = f"<b>{_shown(one.verdict)}</b> " if one.verdict else ""
    return (
        _over(f"<b>{_shown(one.service)}</b>", f"{one.owner}, {one.kind}"),
        _over(f"{judged}{_shown(one.figure.display)}", f"target {one.objective}"),
        _over(_shown(one.downtime), f"observed {one.coverage}"),
    )


def _over(inner: str, under: str) -> str:
    return f'{inner}<br><span style="{_SMALL}">{_shown(under)}</span>'


@_block.register
def _(block: Table) -> Iterator[str]:
    if block.caption:
        yield _row(f"<b>{_shown(block.caption)}</b>", _TEXT)
    if not block.rows:
        yield _row(_shown(block.empty), _TEXT)
        return
    rows = [[_shown(cell) for cell in words.row(block, cells)] for cells in block.rows[:_ROWS]]
    yield _grid([column.title for column in block.columns], rows)
    left = len(block.rows[_ROWS:]) + block.more
    if left:
        yield _row(_shown(f"and {left:,} more, not shown"), _SMALL)


@_block.register
def _(block: Chart) -> Iterator[str]:
    yield _row(f"<b>{_shown(block.title)}</b><br>{_shown(block.alt)}", _TEXT)


@_block.register(Statement)
@_block.register(Statements)
def _(block: Statement | Statements) -> Iterator[str]:
    if isinstance(block, Statements) and block.title:
        yield _row(f"<b>{_shown(block.title)}</b>", _TEXT)
    for one in words.statements(block):
        under = words.credit(one)
        small = f'<br><span style="{_SMALL}">{_shown(under)}</span>' if under else ""
        bar = f"{_TEXT}border-left:4px solid {_BARS[one.tone]};padding-left:10px;"
        yield _row(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
            f'<tr><td style="{bar}"><b>{_shown(one.title)}</b><br>{_shown(one.text)}{small}'
            "</td></tr></table>"
        )


@_block.register
def _(block: Paragraph) -> Iterator[str]:
    yield _row(_shown(block.text), _TEXT)


@_block.register
def _(block: Facts) -> Iterator[str]:
    for name, cell in block.facts:
        yield _row(f"{_shown(name)}: {_shown(words.plainly(cell))}", _TEXT)


@_block.register
def _(block: Command) -> Iterator[str]:
    said = "<br>".join(_shown(line) for line in block.lines)
    yield _row(f"<code>{said}</code>", f"{_TEXT}background-color:#f4f5f7;")


def _grid(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of HTML cells under a head in words."""
    edge = "border-bottom:1px solid #c9ced4;padding:5px 6px 5px 0;vertical-align:top;"
    titles = "".join(
        f'<th scope="col" align="left" style="{_SMALL}{edge}font-weight:bold;">{_shown(one)}</th>'
        for one in head
    )
    lines = "".join(
        "<tr>" + "".join(f'<td style="{_TEXT}{edge}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return _row(
        '<table width="100%" cellpadding="0" cellspacing="0" border="0">'
        f"<tr>{titles}</tr>{lines}</table>"
    )


def _row(inner: str, style: str = "") -> str:
    return f'<tr><td style="padding:6px 14px;{style}">{inner}</td></tr>'


def _shown(said: str) -> str:
    """Return words as HTML, cut where they are endless: the one place where this form prints."""
    return escape(shorten(clean(said), _STRING))
