"""The rows of a table as HTML: written here and not by a template, as there may be very many.

Every string is cleaned and escaped in `_said`, through which all of them go. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape

from opskit.core.clock import iso
from opskit.core.text import clean, plural
from opskit.report.document import Cell, Column, Kind, Mark, Table, Tone
from opskit.report.render.placed import EVIDENCE, REGISTER, Leads
from opskit.report.times import Times

SHAPES: Mapping[Mark | Tone, str] = {
    Mark.NONE: "none", Mark.MET: "met", Mark.MISSED: "missed", Mark.UNCLEAR: "unclear",
    Mark.OPEN: "open",
    Tone.WIN: "met", Tone.MISS: "missed", Tone.DECISION: "decision", Tone.NOTE: "note",
    Tone.WARNING: "warning",
}  # fmt: skip
CLASSES = {
    Kind.TEXT: "", Kind.NUMBER: "n", Kind.TIME: "w", Kind.CODE: "c", Kind.EVIDENCE: "e",
}  # fmt: skip
# A number that stands alone and the word after it.
_NUMBER = re.compile(r"(?:(?<=\s)|^)(\d[\d.,]*) (?=[\w%])")
# The parts of a length of time: `33 min 23 s`.
_LENGTH = re.compile(r"(?<=\d\u00a0)(d|h|min) (?=\d)")
_REMEMBERED = 10_000


def tied(text: str) -> str:
    """Return text in which no line ends between a number and what it counts."""
    return _LENGTH.sub("\\1\u00a0", _NUMBER.sub("\\1\u00a0", text))


def body(table: Table, leads: Leads, times: Times) -> str:
    """Return a table's rows; those of the register and the evidence can be led to."""
    return "".join(_row(table, cells, leads, times) for cells in table.rows)


def filled(cell: Cell, kind: Kind, leads: Leads, times: Times) -> str:
    """Return what stands in a cell of a column of some kind."""
    return "".join(_parts(cell, kind, leads, times))


@lru_cache(_REMEMBERED)
def _said(text: str) -> str:
    return escape(tied(clean(text)))


def _row(table: Table, cells: Sequence[Cell], leads: Leads, times: Times) -> str:
    first, *rest = cells
    under = f'<span class="under"><bdi>{_said(first.under)}</bdi></span>' if first.under else ""
    told = "".join(
        f"{_opened(column)}{filled(cell, column.kind, leads, times)}</td>\n"
        for column, cell in zip(table.columns[1:], rest, strict=True)
    )
    name = f'<th scope="row"><bdi>{_said(first.text)}</bdi>{under}</th>'
    return f"<tr{_anchor(table, first, leads)}>\n{name}\n{told}</tr>\n"


def _anchor(table: Table, first: Cell, leads: Leads) -> str:
    if table.name == REGISTER and first.figure:
        return f' id="{leads.figure(first.figure)}"'
    if table.name == EVIDENCE and first.refs:
        return f' id="entry-{first.refs[0]}"'
    return ""


@lru_cache(_REMEMBERED)
def _opened(column: Column) -> str:
    name = f' class="{CLASSES[column.kind]}"' if CLASSES[column.kind] else ""
    return f'<td data-label="{_said(column.title)}"{name}>'


def _parts(cell: Cell, kind: Kind, leads: Leads, times: Times) -> Iterator[str]:
    if cell.mark:
        shape = SHAPES[cell.mark]
        yield f'<span class="verdict {shape}"><svg class="icon" width="16" height="16"'
        yield f' aria-hidden="true"><use href="#shape-{shape}"/></svg>'
        yield f" <bdi>{_said(cell.text or cell.mark.value)}</bdi></span>"
    elif cell.refs:
        yield trail(cell.refs, leads)
    elif kind is Kind.CODE:
        yield _code(cell)
    else:
        yield _words(cell, leads, times)
    if cell.under and kind is not Kind.CODE:
        yield f'<span class="under"><bdi>{_said(cell.under)}</bdi></span>'
    if cell.figure and not leads.figure(cell.figure):
        yield f' <code class="id">{_said(cell.figure)}</code>'


def _code(cell: Cell) -> str:
    code = f"<code>{_said(cell.text)}</code>"
    return f'<abbr title="{_said(cell.under)}">{code}</abbr>' if cell.under else code


def _words(cell: Cell, leads: Leads, times: Times) -> str:
    if cell.at is not None:
        exact = f'datetime="{iso(cell.at)}" title="{times.exact(cell.at)}"'
        return f"<time {exact}>{_said(cell.text)}</time>"
    anchor = leads.figure(cell.figure) if cell.figure else ""
    if anchor:
        return f'<a class="led" href="#{anchor}">{_said(cell.text)}</a>'
    return f"<bdi>{_said(cell.text)}</bdi>"


def trail(refs: Sequence[int], leads: Leads) -> str:
    """Return the way to ledger entries: links to those on the page, and how many more."""
    found = leads.trail(refs)
    told = "".join(f'<a href="#entry-{seq}">#{seq}</a> ' for seq in found.shown)
    told += "".join(f"#{seq} " for seq in found.named)
    if found.more:
        entries = plural(found.more, "entry", "entries")
        more = f"and {found.more:,} more" if told else f"{entries}, not shown here"
        told += f'<span class="more">{more}</span>'
    return f'<span class="trail">{told}</span>'
