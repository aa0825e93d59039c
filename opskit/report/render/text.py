"""The first page in words, for a terminal and the plain part of a mail: 72 columns, no markup."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from functools import singledispatch

from opskit.core.text import clean
from opskit.report.built import Built
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
    Table,
    Tiles,
)
from opskit.report.render import words

WIDTH = 72


def render(built: Built, document: Document) -> str:
    """Return the first page in words; `built` is what every form is given, and this one needs none.

    What stands on the other pages is in the forms that can show it; their names are given last.
    """
    del built
    first = document.pages[:1]
    sections = [line for page in first for one in page.sections for line in _section(one)]
    lines = [*_head(document), *sections, *_foot(document)]
    return "\n".join(lines).rstrip() + "\n"


def _head(document: Document) -> Iterator[str]:
    yield from _wrapped(document.title)
    yield "=" * min(WIDTH, len(clean(document.title)))
    yield from _wrapped(document.scope)
    if document.declared:
        yield ""
        yield from _wrapped(document.declared)
    yield ""
    yield from _wrapped(document.sentence)
    yield ""


def _foot(document: Document) -> Iterator[str]:
    yield "-" * WIDTH
    if document.declared:
        yield from _wrapped(document.declared)
    for line in words.identity(document):
        yield from _wrapped(line)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield from _wrapped(section.title)
        yield "-" * min(WIDTH, len(clean(section.title)))
    if section.lead:
        yield from _wrapped(section.lead)
    for block in section.blocks:
        lines = list(_block(block))
        if lines:
            yield from lines
            yield ""


@singledispatch
def _block(block: Block) -> Iterator[str]:
    raise TypeError(block)


@_block.register
def _(block: Tiles) -> Iterator[str]:
    for one in block.tiles:
        figure, under = words.tile(one)
        yield from _item(figure, (under,))


@_block.register
def _(block: Ribbons) -> Iterator[str]:
    yield from _block(words.strips(block))


@_block.register
def _(block: Table) -> Iterator[str]:
    """Write rows as items: columns side by side would not fit into every mail program."""
    if not block.rows:
        yield from _wrapped(block.empty)
    for cells in block.rows:
        said = words.row(block, cells)
        named = zip(block.columns[1:], said[1:], strict=True)
        yield from _item(said[0], (f"{one.title}: {text}" for one, text in named if text))
    yield from _wrapped(words.left_out(block))


@_block.register
def _(block: Chart) -> Iterator[str]:
    yield from _item(block.title, (block.alt,))


@_block.register(Statement)
@_block.register(Statements)
def _(block: Statement | Statements) -> Iterator[str]:
    if isinstance(block, Statements) and block.title:
        yield from _wrapped(f"{block.title}:")
    for one in words.statements(block):
        yield from _item(one.title, (one.text, words.credit(one)))


@_block.register
def _(block: Paragraph) -> Iterator[str]:
    yield from _wrapped(block.text)


@_block.register
def _(block: Facts) -> Iterator[str]:
    for name, cell in block.facts:
        yield from _wrapped(f"{name}: {words.plainly(cell)}", indent="  ")


@_block.register
def _(block: Command) -> Iterator[str]:
    # What is typed must stay one line, however long.
    yield from (f"  {clean(line)}" for line in block.lines)


def _item(title: str, under: Iterable[str]) -> Iterator[str]:
    yield from _wrapped(title, first="* ", indent="  ")
    for line in under:
        yield from _wrapped(line, first="  ", indent="  ")


def _wrapped(text: str, *, first: str = "", indent: str = "") -> Iterator[str]:
    """Yield text in lines, cleaned: the one place where this form prints."""
    yield from textwrap.wrap(
        clean(text),
        WIDTH,
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
