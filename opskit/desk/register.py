"""What people write down at the desk: numbered records of a kind, each told by its entries.

A record is never changed: a further entry says what became of it. What it is now, the part of the
desk whose kind it is folds out of its entries, in the order they have here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant
from opskit.core.errors import ConfigError
from opskit.core.redact import Redactor
from opskit.core.text import clean_block
from opskit.outside.database import METADATA, BigInt, Database
from opskit.records.ledger import Ledger, canonical, hold

ENTRIES = sa.Table(
    "desk_entries",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index("ix_desk_entries_number", "kind", "number"),
    sa.Index("ix_desk_entries_at", "kind", "at"),
)
_LONGEST_NUMBER = 15
_REDACTED = Redactor()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its word in the ledger, and how its names begin (`RISK-3`)."""

    word: str
    prefix: str

    def name(self, number: int) -> str:
        """Return the name of a record by its number."""
        return f"{self.prefix}-{number}"

    def number(self, name: str) -> int:
        """Return the number in a name, `RISK-3` or `3`; 0 where it can be none."""
        digits = name.strip().upper().removeprefix(f"{self.prefix}-")
        fits = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
        return int(digits) if fits else 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was said of a record: `at` is when it was so, which may be told later."""

    number: int
    verb: str
    at: Instant
    by: str
    data: Mapping[str, object]
    seq: int = 0


Record = tuple[Entry, ...]
"""The entries of one record, in the order they were written; never empty."""


def nothing_against(_: Record) -> None:
    """Let any entry be written."""


@dataclass(frozen=True)
class Register:
    """Records of one kind; `by` is whose word is taken. `listing` is the command that shows them.

    `data` of an entry is what JSON can hold. Its texts are kept without control characters and
    secrets; the ledger keeps that something was said, and a hash of it, not the words.
    """

    database: Database
    ledger: Ledger
    clock: Clock
    by: str
    kind: Kind
    listing: str

    def add(
        self, data: Mapping[str, object], at: Instant | None = None, verb: str = "added"
    ) -> int:
        """Write a new record; return its number."""
        with self.database.write() as connection:
            hold(connection)
            return self.added(connection, data, at, verb)

    def added(
        self,
        connection: sa.Connection,
        data: Mapping[str, object],
        at: Instant | None = None,
        verb: str = "added",
    ) -> int:
        """Write a new record in the caller's transaction, which `hold`s the ledger."""
        last = sa.select(sa.func.max(ENTRIES.c.number)).where(ENTRIES.c.kind == self.kind.word)
        number = int(connection.execute(last).scalar() or 0) + 1
        self._write(connection, number, verb, data, at)
        return number

    def say(
        self,
        name: str,
        verb: str,
        data: Mapping[str, object],
        at: Instant | None = None,
        allowed: Callable[[Record], None] = nothing_against,
    ) -> Record:
        """Write a further entry of a record; return all of them.

        `allowed` is called with what was said so far, others waiting, and raises where it must not
        be said.

        Raises:
            ConfigError: there is no such record.
        """
        with self.database.write() as connection:
            hold(connection)
            record = self._one(connection, name)
            allowed(record)
            number = record[0].number
            return (*record, self._write(connection, number, verb, data, at))

    def one(self, name: str) -> Record:
        """Return a record by its name.

        Raises:
            ConfigError: there is none.
        """
        with self.database.read() as connection:
            return self._one(connection, name)

    def every(self) -> tuple[Record, ...]:
        """Return all records, oldest first."""
        with self.database.read() as connection:
            return self.all(connection)

    def all(self, connection: sa.Connection) -> tuple[Record, ...]:
        """Return all records as a transaction sees them, oldest first."""
        return self._found(connection)

    def name(self, record: Record) -> str:
        """Return the name of a record."""
        return self.kind.name(record[0].number)

    def _one(self, connection: sa.Connection, name: str) -> Record:
        found = self._found(connection, ENTRIES.c.number == self.kind.number(name))
        if not found:
            raise ConfigError(f"there is no {self.kind.word} {name!r}", hint=self.listing)
        return found[0]

    def _found(
        self, connection: sa.Connection, *what: sa.ColumnElement[bool]
    ) -> tuple[Record, ...]:
        own = ENTRIES.c
        wanted = sa.select(ENTRIES).where(own.kind == self.kind.word, *what)
        rows = connection.execute(wanted.order_by(own.number, own.seq, own.id))
        by_number = groupby(map(_entry, rows), key=lambda one: one.number)
        return tuple(tuple(entries) for _, entries in by_number)

    def _write(
        self,
        connection: sa.Connection,
        number: int,
        verb: str,
        data: Mapping[str, object],
        at: Instant | None,
    ) -> Entry:
        when = self.clock.now() if at is None else at
        kept = {name: written(value) for name, value in data.items()}
        told = {"at": when, "said": hashlib.sha256(canonical(kept).encode()).hexdigest()}
        subject = self.kind.name(number)
        seq = self.ledger.append(connection, f"{self.kind.word}.{verb}", subject, told).seq
        values = {
            "kind": self.kind.word, "number": number, "verb": verb, "at": when, "by": self.by,
            "data": json.dumps(kept, sort_keys=True), "seq": seq,
        }  # fmt: skip
        connection.execute(sa.insert(ENTRIES).values(values))
        return Entry(number, verb, when, self.by, kept, seq)


def written(value: object) -> object:
    """Return a value as it is kept: texts without control characters and secrets."""
    match value:
        case str():
            return _REDACTED(clean_block(value)).strip()
        case Mapping():
            return {str(name): written(one) for name, one in value.items()}
        case list() | tuple():
            return [written(one) for one in value]
        case _:
            return value


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    data = json.loads(row.data)
    return Entry(row.number, row.verb, Instant(row.at), row.by, data, row.seq)
