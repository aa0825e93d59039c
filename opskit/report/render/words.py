"""What forms without pictures say of a document's blocks: rows and lines, not yet escaped. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opskit.core.interval import State
from opskit.report.document import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Kind,
    Page,
    Ribbons,
    Section,
    Statement,
    Statements,
    Strip,
    Table,
    Tile,
)

# More entries than this are for whoever recomputes; all of them are in the bundle.
_ENTRIES = 6


def plainly(cell: Cell) -> str:
    """Return a cell in one line: its words, and what stands under them."""
    return f"{cell.text} ({cell.under})" if cell.under and cell.text else cell.text or cell.under


def row(table: Table, cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return a row in words; evidence as the numbers of ledger entries, not as their count."""
    return tuple(
        entries(cell.refs) if column.kind is Kind.EVIDENCE and cell.refs else plainly(cell)
        for column, cell in zip(table.columns, cells, strict=True)
    )


def entries(refs: Sequence[int], most: int | None = _ENTRIES) -> str:
    """Return ledger entries as `1-3, 8`; those behind the first `most` are counted."""
    found = tuple(_ranges(refs))
    kept = found[:most]
    left = sum(last - first + 1 for first, last in found[len(kept) :])
    said = [str(first) if first == last else f"{first}-{last}" for first, last in kept]
    return ", ".join([*said, *([f"and {left:,} more"] if left else [])])


def _ranges(refs: Sequence[int]) -> Iterator[tuple[int, int]]:
    ordered = sorted(set(refs))
    start = last = None
    for ref in ordered:
        if start is None or last is None or ref != last + 1:
            if start is not None and last is not None:
                yield start, last
            start = ref
        last = ref
    if start is not None and last is not None:
        yield start, last


def strips(block: Ribbons) -> Table:
    """Return services as rows: what a ribbon shows, without its days."""
    titles = ("Service", "Target", "Availability", "Downtime", "Outages", "Observed", "Owner")
    return Table(
        "ribbons",
        "Services",
        tuple(Column(title) for title in titles),
        tuple(_strip(one) for one in block.strips),
        block.empty,
        block.more,
    )


def _strip(one: Strip) -> tuple[Cell, ...]:
    return (
        Cell(one.service, one.kind),
        Cell(one.objective, "; ".join(filter(None, (one.verdict, one.why))), one.verdict),
        Cell(one.figure.display, one.between, figure=one.figure.id),
        Cell(one.downtime, f"give or take {one.edge}" if one.edge else ""),
        Cell(one.outages, f"blips: {one.blips}"),
        Cell(one.coverage),
        Cell(one.owner),
    )


def days(block: Ribbons) -> Table:
    """Return each service's days as rows: how long it was in each state, in seconds."""
    columns = (
        Column("Service"),
        Column("Day"),
        *(Column(f"{state} s", Kind.NUMBER) for state in State),
    )
    rows = tuple(
        (
            Cell(one.service),
            Cell(day.label, at=day.start),
            *(Cell(_seconds(getattr(day.time, str(state)))) for state in State),
        )
        for one in block.strips
        for day in one.days
    )
    return Table("ribbons-days", "Services, day by day", columns, rows, block.empty, block.more)


def _seconds(micros: int) -> str:
    return f"{micros / 1_000_000:.6f}".rstrip("0").rstrip(".")


def tile(one: Tile) -> tuple[str, str]:
    """Return a tile's figure, and what is said under it."""
    return f"{one.label}: {one.figure.display}", "; ".join(filter(None, tile_parts(one)))


def tile_parts(one: Tile) -> tuple[str, str, str, str]:
    """Return what is said under a tile: its bounds, its tag, beside earlier months, its id."""
    figure = one.figure
    between = figure.bounds.display if figure.bounds else ""
    said = one.said or (figure.comparison.words if figure.comparison else "")
    return between, str(figure.tag), said, f"figure {figure.id}"


def credit(one: Statement) -> str:
    """Return whose it is and what it stands on; empty where nothing is to be said."""
    parts = (
        one.credit,
        f"confirmed by {', '.join(one.confirmed)}" if one.confirmed else "",
        f"{_named('figure', one.figures)} {', '.join(one.figures)}" if one.figures else "",
        f"{_named('entry', one.refs, 'entries')} {entries(one.refs)}" if one.refs else "",
    )
    return "; ".join(filter(None, parts))


def _named(one: str, every: Sequence[object], many: str = "") -> str:
    return one if len(every) == 1 else many or f"{one}s"


def left_out(table: Table) -> str:
    """Return what is said of rows that are not shown."""
    return f"and {table.more:,} more, not shown" if table.more else ""


def blocks(page: Page) -> Iterator[Block]:
    """Yield every block of a page, section by section."""
    for section in page.sections:
        yield from section.blocks


def within(section: Section, block: Block) -> Block:
    """Return a block of a section without the caption that the section's heading says already."""
    if isinstance(block, Table) and block.caption == section.title:
        return replace(block, caption="")
    return block


def tables(document: Document) -> Iterator[Table]:
    """Yield every table there is, those that a chart or a ribbon stands for too."""
    for page in document.pages:
        for block in blocks(page):
            if isinstance(block, Table):
                yield block
            elif isinstance(block, Chart):
                yield block.twin
            elif isinstance(block, Ribbons):
                yield from (strips(block), days(block))


def statements(block: Statement | Statements) -> tuple[Statement, ...]:
    """Return statements, however many stand together."""
    return block.statements if isinstance(block, Statements) else (block,)


def identity(document: Document) -> tuple[str, ...]:
    """Return what every form ends with: which report it is, so that its file can be found."""
    return (
        f"Report {document.id}",
        f"Version {document.version}, opskit {document.opskit_version}, times in {document.zone}",
    )
