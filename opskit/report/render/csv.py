"""Every table of the report as CSV (RFC 4180), in one zip, with the inputs it was built from.

Encoding is UTF-8 with a byte order mark in each CSV file, because Excel takes a file without one
for the local code page; the other files have none. A cell that a spreadsheet would run as a
formula begins with an apostrophe. The same report gives the same bytes everywhere: nothing is
compressed, because what compresses differs from one machine to the next.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence

from opskit.core.clock import iso
from opskit.core.text import clean, csv_cell
from opskit.report.built import Built
from opskit.report.document import Cell, Column, Document, Kind, Table
from opskit.report.model import Figure
from opskit.report.render import words

INPUTS, READER = "inputs.json", "reader.json"
# The first moment a zip can tell.
_STAMP = (1980, 1, 1, 0, 0, 0)
_UNSAFE = re.compile(r"[^a-z0-9]+")
_FIGURE = (
    "id", "title", "value", "unit", "display", "presence", "tag", "low", "high", "bounds",
    "method", "formula", "compared", "note", "confirmed_by", "ledger_entries",
)  # fmt: skip


def render(built: Built, document: Document) -> bytes:
    """Return a zip: a README, a CSV file per table, the register, the ledger, and the inputs."""
    files = {
        "README.txt": _readme(document).encode(),
        "figures.csv": register(built),
        "entries.csv": _file(
            ("seq", "at", "kind", "hash"),
            ((str(one.seq), iso(one.at), one.kind, one.hash) for one in built.report.entries),
        ),
        READER: json.dumps({"team": document.team, "view": document.view}).encode(),
        INPUTS: built.embedded,
    }
    for name, table in _named(words.tables(document)):
        files[f"tables/{name}.csv"] = _file(*_shown(table))
    return _zipped(files)


def register(built: Built) -> bytes:
    """Return every figure of the report with all that is known of it, as a CSV file."""
    return _file(_FIGURE, (_figure(one) for one in built.report.figures))


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it was made
            bundle.writestr(entry, data)
    return out.getvalue()


def _file(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file: the one place where this form prints."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([csv_cell(cell) for cell in head])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    # A number below zero is one; an apostrophe would make it a word.
    return text if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text, re.ASCII) else csv_cell(text)


def _figure(one: Figure) -> tuple[str, ...]:
    low, high, display = (
        (one.bounds.low, one.bounds.high, f"{one.bounds.display} ({one.bounds.kind})")
        if one.bounds
        else ("", "", "")
    )
    return (
        one.id, one.title, one.value, one.unit, one.display, one.presence, one.tag, low, high,
        display, one.method, one.formula, one.comparison.words if one.comparison else "", one.note,
        ", ".join(one.confirmed_by), words.entries(one.refs, None),
    )  # fmt: skip


def _named(tables: Iterable[Table]) -> Iterator[tuple[str, Table]]:
    """Yield tables with file names that no system objects to and that differ."""
    taken: set[str] = set()
    for table in tables:
        plain = _UNSAFE.sub("-", table.name.lower()).strip("-")[:60] or "table"
        name, number = plain, 2
        while name in taken:
            name, number = f"{plain}-{number}", number + 1
        taken.add(name)
        yield name, table


def _shown(table: Table) -> tuple[list[str], Iterator[list[str]]]:
    """Return a table's head and rows; what a cell holds besides words has columns of its own."""
    parts = [_parts(column, index, table) for index, column in enumerate(table.columns)]
    head = [title for names in parts for title in names.values()]
    rows = (
        [_part(cell, name) for cell, names in zip(cells, parts, strict=True) for name in names]
        for cells in table.rows
    )
    return head, rows


def _parts(column: Column, index: int, table: Table) -> dict[str, str]:
    """Return what the cells of a column hold, and the titles of that."""
    titles = {
        "text": column.title,
        "under": f"{column.title} (note)",
        "mark": f"{column.title} (judged)",
        "at": f"{column.title} (UTC)",
        "figure": f"{column.title} (figure)",
        "refs": column.title if column.kind is Kind.EVIDENCE else f"{column.title} (entries)",
    }
    cells = [cells[index] for cells in table.rows]
    held = {name: title for name, title in titles.items() if any(_part(one, name) for one in cells)}
    if column.kind is Kind.EVIDENCE and "refs" in held:
        held.pop("text", None)
    return held or {"text": column.title}


def _part(cell: Cell, name: str) -> str:
    match name:
        case "at":
            return "" if cell.at is None else iso(cell.at)
        case "refs":
            return words.entries(cell.refs, None)
        case _:
            return str(getattr(cell, name))


def _readme(document: Document) -> str:
    lines = (
        document.title,
        document.scope,
        *filter(None, (document.declared,)),
        "",
        document.sentence,
        "",
        *words.identity(document),
        "",
        "figures.csv   every figure: its value, how sure it is, how it was made, what it rests on",
        "entries.csv   the ledger entries that figures name, with their hashes",
        "tables/       every table of the report, also those that charts were drawn from",
        f"{READER}   whose pages the tables are of: a view and, for a team's, its name",
        f"{INPUTS}   all that the report was built from; its SHA-256 is the report's id",
        "",
        "CSV files are UTF-8 with a byte order mark, commas between cells, CRLF after lines.",
        "A cell that begins with an apostrophe would have been a formula without it.",
        "Ledger entries are numbers and ranges of them, such as 3-5, 9.",
    )
    return "\n".join(clean(line) for line in lines) + "\n"
