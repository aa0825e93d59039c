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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant
from opskit.core.errors import Conflict, OpskitError
from opskit.core.text import clean
from opskit.outside.database import METADATA, BigInt, Database, streamed

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
class Draft:
    """An entry that is to be written."""

    kind: str
    subject: str
    data: Mapping[str, object]


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
        (entry,) = self.extend(connection, (Draft(kind, subject, data),))
        return entry

    def extend(self, connection: sa.Connection, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Write several entries, one after the other, and return them.

        Raises:
            Conflict: another process appended at the same moment; nothing was written.
        """
        if not drafts:
            return ()
        # Locked until the end: on PostgreSQL the second of two appenders waits here.
        last = _one_head(connection, _HEAD.with_for_update())
        entries = tuple(self._chained(last, drafts))
        moved = connection.execute(
            sa.update(LEDGER_HEAD)
            .where(LEDGER_HEAD.c.seq == last.seq, LEDGER_HEAD.c.hash == last.hash)
            .values(seq=entries[-1].seq, hash=entries[-1].hash)
        )
        if moved.rowcount != 1:
            raise Conflict("another process wrote to the ledger just now", hint="run it again")
        connection.execute(sa.insert(LEDGER), [entry.as_json() for entry in entries])
        return entries

    def _chained(self, last: Head, drafts: Iterable[Draft]) -> Iterator[Entry]:
        for draft in drafts:
            seq, at = last.seq + 1, self.now()
            kind, subject, text = clean(draft.kind), clean(draft.subject), canonical(draft.data)
            digest = entry_hash((last.hash, seq, at, self.actor, kind, subject, text))
            yield Entry(seq, at, self.actor, kind, subject, text, last.hash, digest)
            last = Head(seq, digest)


_HEAD = sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)


def head(connection: sa.Connection) -> Head:
    """Return the newest entry's number and hash; 0 and zeros for an empty ledger.

    Raises:
        OpskitError: the ledger was tampered with: it has no head, or several.
    """
    return _one_head(connection, _HEAD)


def hold(connection: sa.Connection) -> None:
    """Keep other appenders waiting until this transaction ends: what it reads now stays so."""
    _one_head(connection, _HEAD.with_for_update())


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


# PostgreSQL takes 65,535 parameters in one statement, older SQLite 999.
_AT_ONCE = 900


def numbered(connection: sa.Connection, numbers: Iterable[int]) -> Iterator[Entry]:
    """Yield the entries of these numbers that there are, in order; read in parts."""
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        query = sa.select(LEDGER).where(LEDGER.c.seq.in_(part)).order_by(LEDGER.c.seq)
        for row in connection.execute(query):
            yield Entry(*row)


def of_kinds(
    connection: sa.Connection, kinds: Iterable[str], since: Instant, end: Instant
) -> Iterator[Entry]:
    """Yield the entries of these kinds that were written in [since, end), in order."""
    own = (LEDGER.c.kind.in_(sorted(kinds)), LEDGER.c.at >= since, LEDGER.c.at < end)
    for row in connection.execute(sa.select(LEDGER).where(*own).order_by(LEDGER.c.seq)):
        yield Entry(*row)


def began_at(connection: sa.Connection) -> Instant | None:
    """Return when the oldest entry was written; None for an empty ledger."""
    return connection.execute(sa.select(sa.func.min(LEDGER.c.at))).scalar()


def head_before(connection: sa.Connection, end: Instant) -> Head:
    """Return the last entry that was written before an instant; 0 and zeros where none was."""
    last = sa.select(sa.func.max(LEDGER.c.seq)).where(LEDGER.c.at < end).scalar_subquery()
    row = connection.execute(
        sa.select(LEDGER.c.seq, LEDGER.c.hash).where(LEDGER.c.seq == last)
    ).one_or_none()
    return Head(0, GENESIS) if row is None else Head(row.seq, row.hash)


_WALK = "SELECT prev_hash, seq, at, actor, kind, subject, data, hash FROM ledger ORDER BY seq"


def verify(database: Database, *, expected: str = "") -> Verification:
    """Walk the whole chain and name the first entry that does not hold.

    `expected` is a head hash that was kept elsewhere: it must be one of the chain's hashes,
    or entries after it were cut off or rewritten.
    """
    with database.read() as connection:
        stated = connection.execute(sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)).all()
        with streamed(connection, _WALK) as rows:
            result = _walk(rows, expected)
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


def _walk(rows: Iterable[Sequence[Any]], expected: str) -> Verification:
    previous, number, met = GENESIS, 0, expected in ("", GENESIS)
    sha256 = hashlib.sha256
    for number, row in enumerate(rows, start=1):
        before, seq, at, actor, kind, subject, data, digest = row
        if seq != number:
            return _broken(number, previous, f"entry {number} is missing")
        if before != previous:
            return _broken(number, previous, "it does not follow the entry before it")
        # `entry_hash` written out: this loop runs over millions of entries.
        text = f"{before}\n{seq}\n{at}\n{actor}\n{kind}\n{subject}\n{data}"
        if sha256(text.encode()).hexdigest() != digest:
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
