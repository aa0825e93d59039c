"""The tables of history: each import, and every state of each row that imports brought.

Nothing is deleted. What holds of a row is its last version that no undone import brought.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.history.model import Import, Incident, Job, Row, Use, Watch, what
from opskit.outside.database import METADATA, BigInt
from opskit.outside.typed import from_json, to_json

IMPORTS = sa.Table(
    "history_imports",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("from_at", sa.BigInteger, nullable=False),
    sa.Column("until_at", sa.BigInteger, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("undone_at", sa.BigInteger),
    sa.Column("counts", sa.Text, nullable=False),
)
ROWS = sa.Table(
    "history_rows",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("import_id", sa.BigInteger, sa.ForeignKey("history_imports.id"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("as_of", sa.BigInteger),
    sa.Column("begins_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("source", "key", "version"),
    sa.Index("ix_history_rows_begins", "what", "begins_at"),
    sa.Index("ix_history_rows_import", "import_id"),
)
_TYPES: Mapping[str, type[Row]] = {
    "incident": Incident, "job": Job, "uptime": Watch, "use": Use,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a row that is kept: which it is, and what it says in brief."""

    number: int
    digest: str
    as_of: Instant | None
    seq: int


@dataclass(frozen=True, slots=True)
class Next:
    """A version of a row that is to be kept, and the ledger entry that says so."""

    row: Row
    number: int
    seq: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that holds, with who brought it and the ledger entry that says so."""

    row: Row
    source: str
    covers: Interval
    seq: int


def text_of(row: Row) -> str:
    """Return a row as the one text that equal rows share."""
    plain = json.loads(to_json(row, type(row)))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def digest_of(row: Row) -> str:
    """Return a hash of what a row says, whenever that was."""
    plain = json.loads(to_json(row, type(row)))
    plain.pop("as_of")
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def begin(
    connection: sa.Connection, *, source: str, kind: str, file: str, sha256: str,
    covers: Interval, at: Instant,
) -> int:  # fmt: skip
    """Write an import that begins, and return its number."""
    made = connection.execute(
        sa.insert(IMPORTS).values(
            source=source, what=kind, file=file, sha256=sha256, from_at=covers.start,
            until_at=covers.end, begun_at=at, counts="{}",
        )
    )  # fmt: skip
    return int(made.inserted_primary_key[0])  # type: ignore[index]  # there is one


def finish(connection: sa.Connection, number: int, counts: Mapping[str, int], at: Instant) -> None:
    """Write that an import came to its end."""
    values = {"finished_at": at, "counts": json.dumps(dict(counts), sort_keys=True)}
    connection.execute(sa.update(IMPORTS).where(IMPORTS.c.id == number).values(values))


def undo(connection: sa.Connection, number: int, at: Instant) -> bool:
    """Take an import out of what holds; return whether it was in it."""
    done = connection.execute(
        sa.update(IMPORTS)
        .where(IMPORTS.c.id == number, IMPORTS.c.undone_at.is_(None))
        .values(undone_at=at)
    )
    return done.rowcount == 1


def imports(connection: sa.Connection) -> tuple[Import, ...]:
    """Return every import, oldest first."""
    return tuple(
        _import(row) for row in connection.execute(sa.select(IMPORTS).order_by(IMPORTS.c.id))
    )


def _import(row: sa.Row[tuple[object, ...]]) -> Import:
    return Import(
        row.id, row.source, row.what, row.file, row.sha256, Interval(row.from_at, row.until_at),
        row.begun_at, row.finished_at, row.undone_at, json.loads(row.counts),
    )  # fmt: skip


def last_numbers(connection: sa.Connection, source: str, keys: Iterable[str]) -> dict[str, int]:
    """Return the number of each row's last version, undone ones too."""
    found = connection.execute(
        sa.select(ROWS.c.key, sa.func.max(ROWS.c.version).label("number"))
        .where(ROWS.c.source == source, ROWS.c.key.in_(tuple(keys)))
        .group_by(ROWS.c.key)
    )
    return {row.key: row.number for row in found}


def versions(connection: sa.Connection, source: str, keys: Iterable[str]) -> dict[str, Version]:
    """Return the version of each row that holds, by key."""
    found = connection.execute(
        sa.select(ROWS.c.key, ROWS.c.version, ROWS.c.digest, ROWS.c.as_of, ROWS.c.seq)
        .join(IMPORTS, IMPORTS.c.id == ROWS.c.import_id)
        .where(ROWS.c.source == source, ROWS.c.key.in_(tuple(keys)), IMPORTS.c.undone_at.is_(None))
        .order_by(ROWS.c.version)
    )
    return {key: Version(*rest) for key, *rest in found}


def add(connection: sa.Connection, number: int, source: str, rows: Iterable[Next]) -> None:
    """Write versions of rows."""
    values = [
        {
            "import_id": number, "source": source, "key": one.row.key, "version": one.number,
            "what": what(one.row), "digest": digest_of(one.row), "as_of": one.row.as_of,
            "begins_at": one.row.span[0], "ends_at": one.row.span[1], "data": text_of(one.row),
            "seq": one.seq,
        }
        for one in rows
    ]  # fmt: skip
    if values:
        connection.execute(sa.insert(ROWS), values)


def holding(connection: sa.Connection, kind: str, period: Interval) -> Iterator[Kept]:
    """Yield the rows of a kind that hold and reach into a period, oldest first."""
    later, by = ROWS.alias("later"), IMPORTS.alias("by")
    superseded = sa.exists(
        sa.select(sa.literal(1))
        .select_from(later.join(by, by.c.id == later.c.import_id))
        .where(
            later.c.source == ROWS.c.source, later.c.key == ROWS.c.key,
            later.c.version > ROWS.c.version, by.c.undone_at.is_(None),
        )
    )  # fmt: skip
    query = (
        sa.select(ROWS.c.data, ROWS.c.source, ROWS.c.seq, IMPORTS.c.from_at, IMPORTS.c.until_at)
        .join(IMPORTS, IMPORTS.c.id == ROWS.c.import_id)
        .where(
            ROWS.c.what == kind,
            ROWS.c.begins_at < period.end,
            sa.func.coalesce(ROWS.c.ends_at, IMPORTS.c.until_at) >= period.start,
            IMPORTS.c.undone_at.is_(None),
            ~superseded,
        )
        .order_by(ROWS.c.begins_at, ROWS.c.source, ROWS.c.key)
    )
    for row in connection.execute(query):
        covers = Interval(row.from_at, row.until_at)
        yield Kept(
            from_json(row.data, _TYPES[kind], name="an imported row"), row.source, covers, row.seq
        )
