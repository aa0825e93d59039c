"""A document as data for drawing: plain values that a template places, every string harmless. Pure.

Strings become data of JSON and are never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from itertools import groupby
from typing import Any, TypeAlias

from opskit.core.clock import MINUTE, to_datetime
from opskit.core.interval import State
from opskit.report.document import (
    Block,
    Cell,
    Chart,
    Command,
    Document,
    Facts,
    Kind,
    Page,
    Paragraph,
    Ribbons,
    Section,
    Statement,
    Statements,
    Strip,
    Table,
    Tile,
    Tiles,
)
from opskit.report.model import Cell as Day
from opskit.report.render import words
from opskit.report.render.typeface import drawable

Data: TypeAlias = dict[str, Any]

# From the bottom up, as in every ribbon: trouble stands on the base line.
_BOTTOM_UP = (
    State.DOWN, State.DEGRADED, State.UNKNOWN, State.MAINTENANCE, State.EXCLUDED, State.UP,
)  # fmt: skip
# What was there at all must be seen.
_LEAST = 18.0
_MOST_MINUTES = 999
_TICKS = 8
_ATTACHED = "Attached to this file, as figures.csv and inputs.json. The auditor's view prints it."
# In letters: of a line of a table, of a column, and of what is broken where it has no room.
_LINE, _NARROWEST, _WIDEST, _BROKEN = 150, 5, 90, 18


def data(document: Document, charts: Mapping[str, str]) -> Data:
    """Return the document; `charts` are the SVG pictures of its charts, by name."""
    whole = {
        "title": document.title,
        "scope": document.scope,
        "sentence": document.sentence,
        "declared": document.declared,
        "version": str(document.version),
        "id": document.id,
        "opskit": document.opskit_version,
        "date": _date(document),
        "pages": [_page(one, document) for one in document.pages],
    }
    shown: Data = _drawable(whole)
    _place(shown, charts)
    return shown


def _date(document: Document) -> Data:
    end = to_datetime(document.end)
    names = ("year", "month", "day", "hour", "minute", "second")
    return {name: getattr(end, name) for name in names}


def ribbon(block: Ribbons) -> Data:
    """Return the days of services alone."""
    shown: Data = _drawable(_block(block))
    return shown


def _drawable(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return a value with every string made harmless: the one place where paper is printed on."""
    if isinstance(value, dict):
        return {name: _drawable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_drawable(item) for item in value]
    return drawable(value) if isinstance(value, str) else value


def _place(shown: Data, charts: Mapping[str, str]) -> None:
    """Put pictures where charts stand; they are markup of our own, not words to clean."""
    for page in shown["pages"]:
        for section in page["sections"]:
            for one in section["blocks"]:
                if one["is"] == "chart":
                    one["svg"] = charts.get(one["name"], "")


def _page(page: Page, document: Document) -> Data:
    sections = [_section(one, document) for one in page.sections]
    return {"title": page.title, "sections": sections}


def _section(section: Section, document: Document) -> Data:
    titled = {"title": section.title, "lead": section.lead}
    if document.files(section):
        return {**titled, "blocks": [_block(Paragraph(_ATTACHED))]}
    blocks = [_block(words.within(section, block)) for block in section.blocks]
    return {**titled, "blocks": list(_beside(blocks))}


def _beside(blocks: list[Data]) -> Iterator[Data]:
    """Yield blocks, those of one statement each that follow each other as one: side by side."""
    for alone, found in groupby(blocks, key=_stands_alone):
        group = list(found)
        if alone and len(group) > 1:
            yield {"is": "beside", "groups": group}
        else:
            yield from group


def _stands_alone(block: Data) -> bool:
    return block["is"] == "statements" and len(block["statements"]) == 1


@singledispatch
def _block(block: Block) -> Data:
    raise TypeError(block)


@_block.register
def _(block: Tiles) -> Data:
    return {"is": "tiles", "tiles": [_tile(one) for one in block.tiles]}


def _tile(one: Tile) -> Data:
    between, tag, said, figure = words.tile_parts(one)
    under = [one for one in (between, said, f"{tag}, {figure}") if one]
    return {"label": one.label, "display": one.figure.display, "said": under}


@_block.register
def _(block: Ribbons) -> Data:
    left = f"and {block.more:,} more services, not shown" if block.more else ""
    strips = [_strip(one) for one in block.strips]
    return {"is": "ribbons", "strips": strips, "empty": block.empty, "left": left}


def _strip(one: Strip) -> Data:
    return {
        "service": one.service,
        "whose": ", ".join(filter(None, (one.owner, one.kind))),
        "mark": str(one.verdict),
        "said": f"{one.figure.display}, target {one.objective}",
        "under": "; ".join(dict.fromkeys(filter(None, _under(one)))),
        "days": [_day(day, index, len(one.days)) for index, day in enumerate(one.days)],
    }


def _under(one: Strip) -> tuple[str, ...]:
    if one.coverage == one.downtime:
        # Nothing was seen, which need not be said of each of its figures.
        return (one.why, one.between)
    downtime = f"{one.downtime} ± {one.edge}" if one.edge else one.downtime
    return (
        one.why, one.between, f"downtime: {downtime}", f"outages: {one.outages}",
        f"blips: {one.blips}", f"observed: {one.coverage}",
    )  # fmt: skip


def _day(day: Day, index: int, count: int) -> Data:
    """Return a day as bands in percent of its height, and its minutes of downtime."""
    every = max(1, -(-count // _TICKS))
    minutes = -(-day.time.down // MINUTE)
    number = f"{_MOST_MINUTES}+" if minutes > _MOST_MINUTES else str(minutes or "")
    # A number in each of very many cells could not be read.
    return {
        "bands": _bands(day),
        "number": number if count <= 62 else "",
        "tick": day.label if index % every == 0 else "",
    }


def _bands(day: Day) -> list[Data]:
    spent = {state: getattr(day.time, str(state)) for state in _BOTTOM_UP}
    there = {state: time for state, time in spent.items() if time}
    whole = sum(there.values())
    if not whole:
        return []
    shares = {state: max(_LEAST, 100 * time / whole) for state, time in there.items()}
    total = sum(shares.values())
    return [
        {"state": str(state), "share": round(100 * share / total, 2)}
        for state, share in shares.items()
    ]


@_block.register
def _(block: Table) -> Data:
    return {"is": "table", **_table(block)}


def _table(block: Table) -> Data:
    rows = [
        [_cell(cell, column.kind) for cell, column in zip(cells, block.columns, strict=True)]
        for cells in block.rows
    ]
    return {
        "caption": block.caption,
        "head": [column.title for column in block.columns],
        "kinds": [str(column.kind) for column in block.columns],
        "widths": _widths([column.title for column in block.columns], rows),
        "rows": rows,
        "empty": block.empty,
        "left": words.left_out(block),
    }


def _cell(cell: Cell, kind: Kind = Kind.TEXT) -> Data:
    evidence = kind is Kind.EVIDENCE and cell.refs
    text = words.entries(cell.refs) if evidence else cell.text
    return {"text": text, "under": cell.under, "mark": str(cell.mark)}


def _widths(head: Sequence[str], rows: Sequence[Sequence[Data]]) -> list[float]:
    """Return how wide columns are beside each other, in letters.

    Each has room for its longest word; what is left goes to those with the longest cells.
    """
    least, wished = [], []
    for index, title in enumerate(head):
        said = [text for one in rows for text in (one[index]["text"], one[index]["under"])]
        # A head is bold, and a word of it is not broken.
        words_ = [len(word) + 2 for word in title.split()]
        words_ += [min(len(word), _BROKEN) + 1 for text in said for word in text.split()]
        least.append(max(_NARROWEST, *words_, 0))
        wished.append(min(_WIDEST, max(least[-1], *map(len, said), 0)))
    left = max(0, _LINE - sum(least))
    wanted = sum(wished) - sum(least) or 1
    return [
        round(low + min(1, left / wanted) * (high - low), 2)
        for low, high in zip(least, wished, strict=True)
    ]


@_block.register
def _(block: Chart) -> Data:
    named = {"name": block.name, "title": block.title, "alt": block.alt}
    return {"is": "chart", "svg": "", "twin": _table(block.twin), **named}


@_block.register
def _(block: Statement) -> Data:
    return {"is": "statement", **_statement(block)}


@_block.register
def _(block: Statements) -> Data:
    every = [_statement(one) for one in block.statements]
    return {"is": "statements", "title": block.title, "statements": every}


def _statement(one: Statement) -> Data:
    return {
        "tone": str(one.tone),
        "title": one.title,
        "text": one.text,
        "credit": words.credit(one),
    }


@_block.register
def _(block: Paragraph) -> Data:
    return {"is": "paragraph", "text": block.text}


@_block.register
def _(block: Facts) -> Data:
    facts = [
        {"name": name, "mark": str(cell.mark), "text": words.plainly(cell)}
        for name, cell in block.facts
    ]
    return {"is": "facts", "facts": facts}


@_block.register
def _(block: Command) -> Data:
    return {"is": "command", "lines": list(block.lines)}
