r"""The ledger: append-only evidence, each entry chained to the one before.

    hash(n) = SHA-256(hash(n-1) \n seq \n at \n actor \n kind \n subject \n data)

as UTF-8 text, with `data` as canonical JSON and 64 zeros before the first entry. No field can
hold a newline, so the text is unambiguous and anybody can recompute it with `sha256sum`.

`kind` is `noun.verb` in the past tense (`run.finished`, `target.flipped`). Intent is written
before work starts, the outcome after, failures have kinds of their own. A chain alone cannot show
that its tail was cut off: compare the head with one that left this machine (each report prints it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant
from opskit.core.errors import Conflict, OpskitError
from opskit.core.text import clean
from opskit.outside.database import METADATA, BigInt, Database

GENESIS = "0" * 64

LEDGER = sa.Table(
    "ledger",
    METADATA,
    sa.Column("seq", BigInt, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index("ix_ledger_subject", "subject", "kind"),
    sa.Index("ix_ledger_at", "at"),
)
# One row that every append moves: on PostgreSQL two appenders meet here, and one of them waits.
LEDGER_HEAD = sa.Table(
    "ledger_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    seq: int
    at: Instant
    actor: str
    kind: str
    subject: str
    data: str
    prev_hash: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Return the entry as `opskit ledger export` writes it; `data` stays the hashed text."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry's number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found: how many entries hold, and the first that does not."""

    head: Head
    checked: int
    broken_at: int | None = None
    reason: str = ""


def canonical(data: Mapping[str, object]) -> str:
    """Return JSON with sorted keys and no spaces: equal data is equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def entry_hash(fields: tuple[str, int, int, str, str, str, str]) -> str:
    """Return the hash over (previous hash, seq, at, actor, kind, subject, data)."""
    return hashlib.sha256("\n".join(map(str, fields)).encode()).hexdigest()


class Ledger:
    """Appends inside the caller's transaction: evidence and state stand or fall together."""

    def __init__(self, clock: Clock, actor: str) -> None:
        self._clock = clock
        self.actor = clean(actor)

    def now(self) -> Instant:
        """Return the instant that an entry written now would bear."""
        return self._clock.now()

    def append(
        self, connection: sa.Connection, kind: str, subject: str, data: Mapping[str, object]
    ) -> Entry:
        """Write one entry and return it.

        Raises:
            Conflict: another process appended at the same moment; nothing was written.
        """
        # Locked until the end: on PostgreSQL the second of two appenders waits here.
        last = _one_head(connection, _HEAD.with_for_update())
        seq, at = last.seq + 1, self.now()
        kind, subject, text = clean(kind), clean(subject), canonical(data)
        digest = entry_hash((last.hash, seq, at, self.actor, kind, subject, text))
        entry = Entry(seq, at, self.actor, kind, subject, text, last.hash, digest)
        moved = connection.execute(
            sa.update(LEDGER_HEAD)
            .where(LEDGER_HEAD.c.seq == last.seq, LEDGER_HEAD.c.hash == last.hash)
            .values(seq=seq, hash=digest)
        )
        if moved.rowcount != 1:
            raise Conflict("another process wrote to the ledger just now", hint="run it again")
        connection.execute(sa.insert(LEDGER).values(**entry.as_json()))
        return entry


_HEAD = sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)


def head(connection: sa.Connection) -> Head:
    """Return the newest entry's number and hash; 0 and zeros for an empty ledger.

    Raises:
        OpskitError: the ledger was tampered with: it has no head, or several.
    """
    return _one_head(connection, _HEAD)


def _one_head(connection: sa.Connection, query: sa.Select[tuple[int, str]]) -> Head:
    rows = connection.execute(query).all()
    if len(rows) != 1:
        raise OpskitError(
            f"the ledger has {len(rows)} heads, and must have one",
            hint="opskit ledger verify; restore the database from a backup",
        )
    return Head(rows[0].seq, rows[0].hash)


def entries(
    connection: sa.Connection, *, first: int = 1, last: int | None = None
) -> Iterator[Entry]:
    """Yield the entries from `first` to `last`, both included, in order."""
    query = sa.select(LEDGER).where(LEDGER.c.seq >= first).order_by(LEDGER.c.seq)
    if last is not None:
        query = query.where(LEDGER.c.seq <= last)
    for row in connection.execute(query, execution_options={"yield_per": 5_000}):
        yield Entry(*row)


_WALK = "SELECT prev_hash, seq, at, actor, kind, subject, data, hash FROM ledger ORDER BY seq"


def verify(database: Database, *, expected: str = "") -> Verification:
    """Walk the whole chain and name the first entry that does not hold.

    `expected` is a head hash that was kept elsewhere: it must be one of the chain's hashes,
    or entries after it were cut off or rewritten.
    """
    with database.read() as connection:
        stated = connection.execute(sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)).all()
        with connection.exec_driver_sql(_WALK, execution_options={"yield_per": 10_000}) as rows:
            result = _walk(map(tuple, rows), expected)
    return result if result.broken_at is not None else _against(result, [Head(*s) for s in stated])


def _against(result: Verification, stated: list[Head]) -> Verification:
    """Hold the chain against the head that is kept beside it."""
    if stated == [result.head]:
        return result
    if len(stated) != 1:
        reason, broken_at = f"there are {len(stated)} heads, and must be one", result.head.seq + 1
    elif stated[0].seq == result.head.seq:
        reason, broken_at = "it is not the entry that the head names", max(1, result.head.seq)
    else:
        reason = f"the head says entry {stated[0].seq}, the chain ends at {result.head.seq}"
        broken_at = min(stated[0].seq, result.head.seq) + 1
    return Verification(result.head, result.checked, broken_at, reason)


def _walk(rows: Iterator[tuple[Any, ...]], expected: str) -> Verification:
    previous, number, met = GENESIS, 0, expected in ("", GENESIS)
    for row in rows:
        number += 1
        digest = row[7]
        if row[1] != number:
            return _broken(number, previous, f"entry {number} is missing")
        if row[0] != previous:
            return _broken(number, previous, "it does not follow the entry before it")
        if entry_hash(row[:7]) != digest:
            return _broken(number, previous, "its content is not what was written")
        previous = digest
        met = met or digest == expected
    if not met:
        reason = (
            f"no entry has the expected head {expected[:16]}…: the end was cut off or rewritten"
        )
        return Verification(Head(number, previous), number, number + 1, reason)
    return Verification(Head(number, previous), number)


def _broken(number: int, previous: str, reason: str) -> Verification:
    return Verification(Head(number - 1, previous), number - 1, number, reason)
