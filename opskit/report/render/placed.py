"""A document as one long page needs it: where each piece stands, and what leads to it. Pure.

Nothing is said here that the document does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from opskit.report.document import (
    REFS_SHOWN,
    Block,
    Document,
    Page,
    Ribbons,
    Section,
    Table,
    Tiles,
)
from opskit.report.model import Tag

# The tables whose rows others lead to: figures, and the ledger entries that they rest on.
REGISTER, EVIDENCE = "register", "evidence"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,60}\Z")
# Anchors that the page itself sets.
_OWN = re.compile(r"(main|inputs|figure|entry|fill|shape)(-|\Z)")


@dataclass(frozen=True, slots=True)
class Trail:
    """The way to ledger entries: those that are shown here, others by number, how many more."""

    shown: tuple[int, ...]
    named: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Leads:
    """What on this page can be led to: figures of the register, and ledger entries."""

    figures: Mapping[str, str]
    entries: frozenset[int]

    def figure(self, name: str) -> str:
        """Return the anchor of a figure; empty where the page has no register with it."""
        return self.figures.get(name, "")

    def trail(self, refs: Sequence[int]) -> Trail:
        """Return the way to some entries; without the evidence table, their numbers."""
        if not self.entries:
            return Trail((), tuple(refs[:REFS_SHOWN]), max(0, len(refs) - REFS_SHOWN))
        shown = tuple(islice((ref for ref in refs if ref in self.entries), REFS_SHOWN))
        return Trail(shown, (), len(refs) - len(shown))


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block, the name of what draws it, and its anchor."""

    block: Block
    kind: str
    anchor: str


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """A section with its anchor."""

    section: Section
    anchor: str
    blocks: tuple[PlacedBlock, ...]


@dataclass(frozen=True, slots=True)
class PlacedPage:
    """A page with its anchor, and the tags of the figures that it shows."""

    page: Page
    anchor: str
    sections: tuple[PlacedSection, ...]
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A document with all its anchors. `restated` leads to what was told otherwise before."""

    document: Document
    pages: tuple[PlacedPage, ...]
    leads: Leads
    restated: str


def placed(document: Document) -> Placed:
    """Return a document's pieces in their places."""
    taken: set[str] = set()
    pages = tuple(_page(page, taken) for page in document.pages)
    anchors = (section.anchor for page in pages for section in page.sections)
    restated = next((one for one in anchors if one.startswith("restate")), "")
    return Placed(document, pages, _leads(document), restated)


def _page(page: Page, taken: set[str]) -> PlacedPage:
    anchor = _anchor(page.name, taken)
    sections = tuple(_section(section, taken) for section in page.sections)
    found = set(_tags(page))
    return PlacedPage(page, anchor, sections, tuple(tag for tag in Tag if tag in found))


def _section(section: Section, taken: set[str]) -> PlacedSection:
    anchor = _anchor(section.name, taken)
    blocks = tuple(
        PlacedBlock(
            block, type(block).__name__.lower(), _anchor(getattr(block, "name", "block"), taken)
        )
        for block in section.blocks
    )
    return PlacedSection(section, anchor, blocks)


def _anchor(name: str, taken: set[str]) -> str:
    """Return a name that can be led to and that nothing else on the page has."""
    first = name if _NAME.match(name) and not _OWN.match(name) else "part"
    anchor, number = first, 1
    while anchor in taken:
        number += 1
        anchor = f"{first}-{number}"
    taken.add(anchor)
    return anchor


def _tags(page: Page) -> Iterator[Tag]:
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Tiles):
                yield from (one.figure.tag for one in block.tiles)
            elif isinstance(block, Ribbons):
                yield from (one.figure.tag for one in block.strips)


def _leads(document: Document) -> Leads:
    figures: dict[str, str] = {}
    entries: set[int] = set()
    for table in _tables(document):
        for row in table.rows:
            if table.name == REGISTER and row[0].figure:
                figures.setdefault(row[0].figure, f"figure-{len(figures) + 1}")
            elif table.name == EVIDENCE:
                entries.update(row[0].refs)
    return Leads(figures, frozenset(entries))


def _tables(document: Document) -> Iterable[Table]:
    for page in document.pages:
        for section in page.sections:
            yield from (block for block in section.blocks if isinstance(block, Table))
