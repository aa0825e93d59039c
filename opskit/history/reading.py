"""Reading a file that was exported elsewhere: what of it can be imported, what not, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.core.clock import Instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.core.text import clean
from opskit.history.fields import Reading
from opskit.history.kinds import Kind
from opskit.history.model import Raw, Read, Row, Told, Unusable
from opskit.history.sheets import Sheet
from opskit.outside.files import open_file

# As many rows as one file may hold: they are in memory until they are kept.
_MOST = 1_000_000
REPEATED = "told again in the same file: the last counts"
NOT_USUAL = "not marked as an incident; say what is one: --only"
NOT_WANTED = "not what was asked for (--only)"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The time that an export holds all of, where the caller knows it."""

    start: Instant | None = None
    end: Instant | None = None


def read_file(path: Path, kind: Kind, reading: Reading, bounds: Bounds) -> Read:
    """Return what a file holds.

    Raises:
        ConfigError: it is not there, or holds more rows than are taken at once.
        DataError: it is neither CSV nor JSON.
    """
    wanted = reading.over(kind.paths)
    with open_file(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # buffered
        stream.seek(0)
        sheet = Sheet(stream, clean(path.name), kind.envelopes)
        rows = _rows(sheet.rows(), kind, wanted, sheet.told)
    covers = _covers(rows, bounds)
    return Read(kind.name, clean(path.name), digest, rows, sheet.told, covers, tuple(sheet.notes))


def _rows(raws: Iterable[Raw], kind: Kind, reading: Reading, told: Told) -> Sequence[Row]:
    found: dict[str, Row] = {}
    for raw in raws:
        row = _row(raw, kind, reading, told)
        if row is None:
            continue
        before = found.get(row.key)
        if before is not None:
            told.leave_out(REPEATED, raw.place)
        if before is None or (row.as_of or 0) >= (before.as_of or 0):
            found[row.key] = row
        if len(found) > _MOST:
            raise ConfigError(f"more than {_MOST:,} rows", hint="split the file by year")
    return tuple(found.values())


def _row(raw: Raw, kind: Kind, reading: Reading, told: Told) -> Row | None:
    wanted = reading.wants(raw) if reading.only else _usual(raw, kind)
    if not wanted:
        told.leave_out(NOT_WANTED if reading.only else NOT_USUAL, raw.place)
        return None
    try:
        return kind.row(raw, reading)
    except Unusable as reason:
        told.leave_out(str(reason), raw.place)
        return None


def _usual(raw: Raw, kind: Kind) -> bool:
    return not kind.only or any(one.holds(raw) for one in kind.only)


def _covers(rows: Sequence[Row], bounds: Bounds) -> Interval | None:
    """Return the time of which the rows tell: as the caller says, else from the first to the last.

    Raises:
        ConfigError: it ends before it starts.
    """
    if not rows:
        return None
    spans = [row.span for row in rows]
    ends = [end or start for start, end in spans] + [row.as_of or 0 for row in rows]
    start = min(start for start, _ in spans) if bounds.start is None else bounds.start
    end = Instant(max(ends)) if bounds.end is None else bounds.end
    if end < start:
        raise ConfigError("--to is before --from", hint="--from 2026-01-01 --to 2026-07-01")
    return Interval(start, end)
