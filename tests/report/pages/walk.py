"""All that a document holds, flat, so that a test can look at every piece of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from opskit.report.document import Block, Cell, Chart, Document, Facts, Statements, Table


def blocks(document: Document) -> Iterator[Block]:
    """Yield every block, and those within blocks."""
    for page in document.pages:
        for section in page.sections:
            for block in section.blocks:
                yield block
                if isinstance(block, Statements):
                    yield from block.statements


def tables(document: Document) -> Iterator[Table]:
    """Yield every table, those of charts too."""
    for block in blocks(document):
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Chart):
            yield block.twin


def cells(document: Document) -> Iterator[Cell]:
    """Yield every cell of every table and list of facts."""
    for one in tables(document):
        for row in one.rows:
            yield from row
    for block in blocks(document):
        if isinstance(block, Facts):
            yield from (cell for _, cell in block.facts)


def texts(value: object) -> Iterator[str]:
    """Yield every string anywhere in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


def refs(value: object) -> Iterator[int]:
    """Yield every ledger entry named anywhere in a value."""
    if isinstance(value, tuple):
        for item in value:
            yield from refs(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            yield from inner if field.name == "refs" else refs(inner)
