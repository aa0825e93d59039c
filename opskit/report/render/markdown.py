"""The whole document as Markdown, for a wiki or a repository (GitHub's dialect, for its tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch

from opskit.core.text import clean
from opskit.report.built import Built
from opskit.report.document import (
    Block,
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
    Table,
    Tiles,
)
from opskit.report.render import words

# What can begin markup anywhere in a line; CommonMark lets each be escaped.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&]|:(?=[^\s\d]))")
# What can only begin markup at the start of one.
_AT_START = re.compile(r"^([-+=]|\d+(?=[.)](?:\s|$)))")
_ADDRESS = re.compile(r"(?i)\b(www)\.")


def render(built: Built, document: Document) -> str:
    """Return the whole document; `built` is what every form is given, and this one needs none."""
    del built
    lines = [*_head(document)]
    for page in document.pages:
        lines += _page(page)
    lines += ["---", "", *_declared(document)]
    lines += [f"{escaped(line)}  " for line in words.identity(document)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that shows as it is: the one place where this form prints.

    No markup, link, mention or HTML of it takes effect, at the beginning of a line either.
    """
    safe = _MARKUP.sub(r"\\\1", clean(text).strip())
    safe = _AT_START.sub(_harmless, safe)
    # Addresses and mentions are found in what is shown, whatever was escaped; a comment parts them.
    return _ADDRESS.sub(r"\1<!-- -->.", safe).replace("@", "@<!-- -->")


def _harmless(found: re.Match[str]) -> str:
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"


def _head(document: Document) -> Iterator[str]:
    yield from (f"# {escaped(document.title)}", "", escaped(document.scope), "")
    yield from _declared(document)
    yield from (f"**{escaped(document.sentence)}**", "")


def _declared(document: Document) -> Iterator[str]:
    if document.declared:
        yield from (f"> {escaped(document.declared)}", "")


def _page(page: Page) -> Iterator[str]:
    if page.title:
        yield from (f"## {escaped(page.title)}", "")
    for section in page.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield from (f"### {escaped(section.title)}", "")
    if section.lead:
        yield from (escaped(section.lead), "")
    for block in section.blocks:
        lines = list(_block(words.within(section, block)))
        if lines:
            yield from (*lines, "")


@singledispatch
def _block(block: Block) -> Iterator[str]:
    raise TypeError(block)


@_block.register
def _(block: Tiles) -> Iterator[str]:
    for one in block.tiles:
        figure, under = words.tile(one)
        yield f"- **{escaped(figure)}** ({escaped(under)})"


@_block.register
def _(block: Ribbons) -> Iterator[str]:
    yield from _block(words.strips(block))


@_block.register
def _(block: Table) -> Iterator[str]:
    if block.caption:
        yield from (f"**{escaped(block.caption)}**", "")
    if not block.rows:
        yield escaped(block.empty)
        return
    yield _line(tuple(column.title for column in block.columns))
    yield (
        "|"
        + "|".join(" ---: " if column.kind is Kind.NUMBER else " --- " for column in block.columns)
        + "|"
    )
    yield from (_line(words.row(block, cells)) for cells in block.rows)
    if block.more:
        yield from ("", escaped(words.left_out(block)))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


@_block.register
def _(block: Chart) -> Iterator[str]:
    yield from (f"#### {escaped(block.title)}", "", escaped(block.alt), "")
    yield from _block(block.twin)


@_block.register(Statement)
@_block.register(Statements)
def _(block: Statement | Statements) -> Iterator[str]:
    if isinstance(block, Statements) and block.title:
        yield from (f"#### {escaped(block.title)}", "")
    for one in words.statements(block):
        under = words.credit(one)
        small = f" ({escaped(under)})" if under else ""
        yield f"- **{escaped(one.title)}** {escaped(one.text)}{small}"


@_block.register
def _(block: Paragraph) -> Iterator[str]:
    yield escaped(block.text)


@_block.register
def _(block: Facts) -> Iterator[str]:
    for name, cell in block.facts:
        yield f"- **{escaped(name)}:** {escaped(words.plainly(cell))}"


@_block.register
def _(block: Command) -> Iterator[str]:
    # Indented, not fenced: no line of it can end the block.
    yield from (f"    {clean(line)}" for line in block.lines)
