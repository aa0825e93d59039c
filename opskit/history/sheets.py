"""Rows of CSV, JSON and JSON lines, from a stream of bytes: one after the other where that can be.

A mistake in one row costs that row, told with its place; the others are read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from opskit.core.errors import DataError
from opskit.history.model import Raw, Told

# JSON that is one value is read whole, and takes several times its size.
LARGEST_JSON = 64_000_000
LONGEST_LINE = 4_000_000
_LONGEST_CELL = 1_000_000
_COLUMNS = 2_000
_DEPTH = 4
_PAGED = "it is one page of several: the export goes on elsewhere"


@dataclass
class Sheet:
    """The rows of one file. `envelopes` are the keys under which JSON keeps its rows."""

    stream: IO[bytes]
    name: str
    envelopes: tuple[str, ...]
    told: Told = field(default_factory=Told)
    notes: dict[str, None] = field(default_factory=dict)

    def rows(self) -> Iterator[Raw]:
        """Yield each row.

        Raises:
            DataError: it is neither CSV nor JSON, or too large to be read whole.
        """
        start = self.stream.read(4)
        self.stream.seek(0)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{self.name} is UTF-16", hint="save it as UTF-8: iconv -f UTF-16")
        head = self._first_line().removeprefix(b"\xef\xbb\xbf").lstrip()
        if head[:1] in (b"[", b"{"):
            yield from self._json(head)
        else:
            yield from self._csv()

    def _first_line(self) -> bytes:
        """Return the first line that holds anything."""
        for _ in range(1_000):
            line = self.stream.readline(LONGEST_LINE)
            if not line or line.strip(b"\xef\xbb\xbf \t\r\n"):
                break
        self.stream.seek(0)
        return line

    # JSON

    def _json(self, head: bytes) -> Iterator[Raw]:
        if head[:1] == b"{" and _is_json(head):
            yield from self._lines()
            return
        data = self.stream.read(LARGEST_JSON + 1)
        if len(data) > LARGEST_JSON:
            raise DataError(
                f"{self.name} is larger than {LARGEST_JSON:,} bytes",
                hint="write one object per line: jq -c '.[]' FILE > FILE.jsonl",
            )
        try:
            document = json.loads(data.decode("utf-8-sig", "backslashreplace"))
        except (ValueError, RecursionError) as error:
            message = f"{self.name} is not JSON: {error}"
            raise DataError(message, hint=f"jq . {self.name}") from error
        for number, values in enumerate(self._split(document, 0), start=1):
            yield from self._raw(values, f"item {number}")

    def _lines(self) -> Iterator[Raw]:
        number = 0
        while line := self.stream.readline(LONGEST_LINE):
            number += 1
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                self._skip_line()
                self.told.leave_out("a line is too long", f"line {number}")
            elif text:
                yield from self._line(text, f"line {number}")

    def _skip_line(self) -> None:
        while (rest := self.stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass

    def _line(self, text: bytes, place: str) -> Iterator[Raw]:
        try:
            document = json.loads(text.decode("utf-8", "backslashreplace"))
        except (ValueError, RecursionError):
            self.told.leave_out("not JSON", place)
            return
        for values in self._split(document, 0):
            yield from self._raw(values, place)

    def _raw(self, values: object, place: str) -> Iterator[Raw]:
        if isinstance(values, dict):
            yield Raw(place, values)
        else:
            self.told.leave_out("no object", place)

    def _split(self, document: object, depth: int) -> Iterator[object]:
        """Yield the rows of a document: of lists, of pages, of lists of pages."""
        if isinstance(document, list) and depth < _DEPTH:
            for one in document:
                yield from self._split(one, depth + 1)
            return
        within = _within(document, self.envelopes)
        if within is None:
            yield document
            return
        if _goes_on(document, len(within)):
            self.notes[_PAGED] = None
        yield from within

    # CSV

    def _csv(self) -> Iterator[Raw]:
        csv.field_size_limit(_LONGEST_CELL)
        text = io.TextIOWrapper(self.stream, "utf-8-sig", "backslashreplace", newline="")
        try:
            head = text.readline(LONGEST_LINE)
            text.seek(0)
            reader = csv.reader(text, delimiter=_delimiter(head), strict=True)
            header = self._header(reader)
            for number, cells in self._records(reader):
                if len(cells) == len(header):
                    yield Raw(f"line {number}", _named(header, cells))
                elif any(cells):
                    self.told.leave_out("not as many cells as columns", f"line {number}")
        finally:
            text.detach()

    def _header(self, reader: Iterator[list[str]]) -> Sequence[str]:
        header = next((cells for _, cells in self._records(reader) if any(cells)), [])
        names = [cell.strip() for cell in header]
        if len(names) < 2 or len(names) > _COLUMNS or self.told.counts:
            raise DataError(
                f"{self.name} is neither CSV with a header nor JSON",
                hint="export it as CSV or JSON; see: opskit import --help",
            )
        return names

    def _records(self, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line that it ends on; one that cannot be read is told."""
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                place = f"line {reader.line_num}"  # type: ignore[attr-defined]  # csv's own
                self.told.leave_out(f"not CSV: {error}", place)
                continue
            yield reader.line_num, cells  # type: ignore[attr-defined]  # the same


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _within(document: object, envelopes: tuple[str, ...]) -> list[object] | None:
    if not isinstance(document, dict):
        return None
    return next(
        (document[name] for name in envelopes if isinstance(document.get(name), list)), None
    )


def _goes_on(document: object, rows: int) -> bool:
    """Return whether a page of an API says that others follow it."""
    if not isinstance(document, dict):
        return False
    total, start = document.get("total"), document.get("startAt")
    counted = isinstance(total, int) and isinstance(start, int) and start + rows < total
    told = document.get("more") is True or document.get("isLast") is False
    return counted or told or bool(document.get("next")) or bool(document.get("nextPageToken"))


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    """Return cells by column; a column that stands several times is a list."""
    found: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        if name not in found:
            found[name] = cell
            continue
        before = found[name]
        found[name] = [*before, cell] if isinstance(before, list) else [before, cell]
    return found
