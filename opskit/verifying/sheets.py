"""The words of a CSV bundle, cell by cell. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from opskit.report.differing import Word


def words(name: str, text: str) -> Iterator[Word]:
    """Yield the words of one file: cells by row and column, lines of anything else."""
    if not name.endswith(".csv"):
        for number, line in enumerate(text.splitlines(), 1):
            yield Word(f"{name}, line {number}", line)
        return
    head: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\r\n"), 1):
        cells = _cells(line)
        head = head or cells
        for at, cell in enumerate(cells):
            title = head[at] if at < len(head) else f"column {at + 1}"
            yield Word(f"{name}, row {number}, {title}", cell)


def _cells(line: str) -> list[str]:
    # No cell holds a line break: they are made visible where the file is written.
    try:
        return next(iter(csv.reader([line])), [])
    except csv.Error:  # a cell longer than the reader takes
        return [line]
