"""Cells, columns and tables, with no cell ever empty. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opskit.core.clock import Instant, format_duration
from opskit.core.text import plural, shorten
from opskit.report.document import Cell, Column, Kind, Mark, Table, Tile, Tiles
from opskit.report.model import Figure
from opskit.report.times import Times

ROWS_SHOWN = 200
_TEXT_SHOWN = 300


def said(text: str, under: str = "", *, nothing: str = "not named") -> Cell:
    """Return words that somebody else wrote; `nothing` is told where they wrote none."""
    return Cell(shorten(text, _TEXT_SHOWN) or nothing, shorten(under, _TEXT_SHOWN))


def number(count: int) -> Cell:
    """Return a count of things."""
    return Cell(f"{count:,}")


def length(time: int | None, *, nothing: str = "not noted") -> Cell:
    """Return a length of time."""
    return Cell(nothing if time is None else format_duration(time))


def moment(times: Times, at: Instant | None, *, nothing: str = "never") -> Cell:
    """Return a moment in the report's zone; `nothing` is told where there is none."""
    return Cell(nothing) if at is None else Cell(times.short(at), at=at)


def entries(refs: Sequence[int]) -> Cell:
    """Return the way to the ledger entries that a row rests on."""
    return Cell(plural(len(refs), "entry", "entries") if refs else "no entry", refs=tuple(refs))


def value(figure: Figure, under: str = "") -> Cell:
    """Return a figure as it is shown, with the way to its place in the register."""
    return Cell(figure.display, under, figure=figure.id)


def judged(mark: Mark, text: str = "", under: str = "") -> Cell:
    """Return a judgment and what goes with it."""
    return Cell(text or mark.value, under, mark)


def words(*titles: str) -> tuple[Column, ...]:
    """Return columns of words."""
    return tuple(Column(one) for one in titles)


EVIDENCE = Column("Evidence", Kind.EVIDENCE)


def times_of(*titles: str) -> tuple[Column, ...]:
    """Return columns of moments or lengths of time."""
    return tuple(Column(one, Kind.TIME) for one in titles)


def counts_of(*titles: str) -> tuple[Column, ...]:
    """Return columns of numbers."""
    return tuple(Column(one, Kind.NUMBER) for one in titles)


def codes(*titles: str) -> tuple[Column, ...]:
    """Return columns of what machines read."""
    return tuple(Column(one, Kind.CODE) for one in titles)


def table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[tuple[Cell, ...]],
    empty: str,
    most: int = ROWS_SHOWN,
) -> Table:
    """Return a table of as many rows as a reader can take."""
    every = tuple(rows)
    return Table(
        name,
        caption,
        tuple(columns),
        every[:most],
        "" if every else empty,
        max(0, len(every) - most),
    )


def tile(figure: Figure, label: str = "") -> Tile:
    """Return a figure that must be seen first, with what can be said beside earlier months."""
    return Tile(label or figure.title, figure, figure.comparison.words if figure.comparison else "")


def tiled(figures: Sequence[Figure]) -> tuple[Tiles, ...]:
    """Return figures side by side, as one block, or none where there is no figure."""
    return (Tiles(tuple(map(tile, figures))),) if figures else ()
