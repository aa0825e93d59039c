"""The archive: every report that was issued, as it was told, with what it can be made from again.

A report is issued once a month is over. What it was made from never changes there: later evidence
makes the next version, and the ledger says when each was issued and what its id is.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from opskit.core.clock import Instant
from opskit.core.errors import Conflict, OutsideError
from opskit.core.interval import Interval
from opskit.outside.database import METADATA, Database
from opskit.records.ledger import Head, Ledger

# More than the evidence of a month of ten thousand hosts takes.
_LARGEST = 1 << 30

ARCHIVE = sa.Table(
    "issued_reports",
    METADATA,
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("zone", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("start_at", sa.BigInteger, nullable=False),
    sa.Column("end_at", sa.BigInteger, nullable=False),
    sa.Column("seal_seq", sa.BigInteger, nullable=False),
    sa.Column("seal_hash", sa.Text, nullable=False),
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Column("issued_seq", sa.BigInteger, nullable=False),
    sa.Column("inputs", sa.LargeBinary, nullable=False),
    sa.Column("told", sa.LargeBinary, nullable=False),
    sa.Index("ix_issued_reports_id", "id"),
)


@dataclass(frozen=True, slots=True)
class Month:
    """A month to report on: its name, as `2026-10`, and its zone, and what that makes of it."""

    name: str
    zone: str
    period: Interval


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that may be issued: its version and id, the ledger it saw, and its two texts.

    `inputs` is what it is made from, and its SHA-256 is the id; `told` are its figures.
    """

    version: int
    id: str
    seal: Head
    inputs: bytes
    told: bytes


@dataclass(frozen=True, slots=True)
class Issued:
    """A report that was issued: `seq` is the ledger entry that says so."""

    month: Month
    version: int
    id: str
    seal: Head
    issued_at: Instant
    seq: int


_ABOUT = tuple(one for one in ARCHIVE.c if one.name not in {"inputs", "told"})


class Archive:
    """Issues reports and gives them back."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def issued(self) -> tuple[Issued, ...]:
        """Return every report that was issued, the newest month first, its last version first."""
        order = (ARCHIVE.c.start_at.desc(), ARCHIVE.c.zone, ARCHIVE.c.version.desc())
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*_ABOUT).order_by(*order))
            return tuple(_issued(row) for row in rows)

    def last(self, month: Month) -> Issued | None:
        """Return the last version of a month; None where none was issued."""
        return self._one(_of(month).order_by(ARCHIVE.c.version.desc()).limit(1))

    def version(self, month: Month, number: int) -> Issued | None:
        """Return one version of a month; None where it was never issued."""
        return self._one(_of(month).where(ARCHIVE.c.version == number))

    def known(self, report_id: str) -> Issued | None:
        """Return the report of an id; None where it was never issued here."""
        return self._one(sa.select(*_ABOUT).where(ARCHIVE.c.id == report_id).limit(1))

    def inputs(self, one: Issued) -> bytes:
        """Return what an issued report was made from.

        Raises:
            OutsideError: it is not there any more as it was issued.
        """
        inputs = self._kept(one, ARCHIVE.c.inputs)
        if hashlib.sha256(inputs).hexdigest() != one.id:
            raise _changed(one)
        return inputs

    def told(self, one: Issued) -> bytes:
        """Return the figures of an issued report, as they were told.

        Raises:
            OutsideError: they are not there any more.
        """
        return self._kept(one, ARCHIVE.c.told)

    def issue(self, month: Month, draft: Draft) -> Issued:
        """Enter the next version of a month, and say so in the ledger.

        Raises:
            Conflict: somebody else issued that version just now; nothing was written.
        """
        with self._database.write() as connection:
            # First: on PostgreSQL the second of two issuers waits here until the first is done.
            entry = self._ledger.append(
                connection, "report.issued", month.name, {
                    "id": draft.id, "version": draft.version, "zone": month.zone,
                    "start": month.period.start, "end": month.period.end,
                    "seal_seq": draft.seal.seq, "seal_hash": draft.seal.hash,
                },
            )  # fmt: skip
            issued = Issued(month, draft.version, draft.id, draft.seal, entry.at, entry.seq)
            self._enter(connection, issued, draft)
        return issued

    @staticmethod
    def _enter(connection: sa.Connection, issued: Issued, draft: Draft) -> None:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        entered = connection.execute(
            insert(ARCHIVE)
            .values(
                month=issued.month.name,
                zone=issued.month.zone,
                version=issued.version,
                id=issued.id,
                start_at=issued.month.period.start,
                end_at=issued.month.period.end,
                seal_seq=issued.seal.seq,
                seal_hash=issued.seal.hash,
                issued_at=issued.issued_at,
                issued_seq=issued.seq,
                inputs=zlib.compress(draft.inputs),
                told=zlib.compress(draft.told),
            )
            .on_conflict_do_nothing()
            .returning(ARCHIVE.c.version)
        )
        if entered.first() is None:
            name = f"version {issued.version} of {issued.month.name}"
            raise Conflict(f"{name} was issued by another process just now", hint="run it again")

    def _one(self, query: sa.Select[Any]) -> Issued | None:
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _issued(row)

    def _kept(self, one: Issued, column: sa.Column[bytes]) -> bytes:
        query = sa.select(column).where(*_is(one.month), ARCHIVE.c.version == one.version)
        with self._database.read() as connection:
            kept = connection.execute(query).scalar()
        try:
            return _inflated(bytes(kept or b""))
        except (zlib.error, ValueError) as error:
            raise _changed(one) from error


def _of(month: Month) -> sa.Select[Any]:
    return sa.select(*_ABOUT).where(*_is(month))


def _is(month: Month) -> tuple[sa.ColumnElement[bool], ...]:
    return ARCHIVE.c.month == month.name, ARCHIVE.c.zone == month.zone


def _issued(row: sa.Row[Any]) -> Issued:
    period = Interval(Instant(row.start_at), Instant(row.end_at))
    return Issued(
        Month(row.month, row.zone, period),
        row.version,
        row.id,
        Head(row.seal_seq, row.seal_hash),
        Instant(row.issued_at),
        row.issued_seq,
    )


def _inflated(data: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    text = decompressor.decompress(data, _LARGEST)
    if not decompressor.eof:
        message = "it is longer than anything that was ever written there, or cut off"
        raise ValueError(message)
    return text


def _changed(one: Issued) -> OutsideError:
    return OutsideError(
        f"version {one.version} of {one.month.name} is not in the archive as it was issued",
        hint="opskit ledger verify; restore the database from a backup",
    )
