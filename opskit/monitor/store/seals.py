"""Seals: what was seen up to an instant, bound into the ledger by its digest.

A seal speaks of every observation between the seal before and its own `until`, and of those that
came too late for an earlier one. Spells are cut at its ends, so that the digest can be computed
again from what is stored, however far a spell has grown since.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.monitor.model import Seen, Spell
from opskit.monitor.spells import after, before
from opskit.monitor.store.gaps import STATE
from opskit.monitor.store.spells import SERIES, SPELLS
from opskit.records.ledger import LEDGER, Ledger

KIND = "observations.sealed"


def sealed_until(connection: sa.Connection) -> Instant:
    """Return up to when all is sealed; in a transaction that writes nobody seals meanwhile."""
    query = sa.select(STATE.c.sealed_until).with_for_update()
    return Instant(connection.execute(query).scalar_one())


def seal(connection: sa.Connection, ledger: Ledger, until: Instant) -> int:
    """Bind what was seen up to and including `until`; return how many spells that took."""
    since = sealed_until(connection)
    until = max(since, until)
    count, digest = 0, hashlib.sha256()
    for one in _stored(connection, since):
        part = _part(one.spell, since, until)
        if part is not None:
            count += 1
            digest.update(_line(one, part))
    for one in _stored_late(connection, SPELLS.c.seal_seq.is_(None)):
        count += 1
        digest.update(_line(one, one.spell))
    if not count:
        return 0
    data = {"since": since, "until": until, "spells": count, "digest": digest.hexdigest()}
    entry = ledger.append(connection, KIND, "monitor", data)
    late = (SPELLS.c.late == 1) & SPELLS.c.seal_seq.is_(None)
    connection.execute(sa.update(SPELLS).where(late).values(seal_seq=entry.seq))
    connection.execute(sa.update(STATE).values(sealed_until=until))
    return count


@dataclass(frozen=True, slots=True)
class _Stored:
    target: str
    location: str
    spell: Spell
    seal: int | None


def _stored(connection: sa.Connection, since: int = 0) -> Iterator[_Stored]:
    """Yield what came in time and reaches beyond `since`, by target, location and time."""
    kept = sa.select(SERIES.c.target, SERIES.c.location, *_columns(SPELLS), SPELLS.c.seal_seq)
    newest = sa.select(SERIES.c.target, SERIES.c.location, *_columns(SERIES), sa.null())
    both = sa.union_all(
        kept.join(SPELLS, SPELLS.c.series == SERIES.c.id).where(
            SPELLS.c.late == 0, SPELLS.c.last_at > since
        ),
        newest.where(SERIES.c.last_at > since),
    )
    return _read(connection, both.order_by("target", "location", "began_at"))


def _stored_late(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[_Stored]:
    """Yield what came too late for the seal of its time."""
    query = (
        sa.select(SERIES.c.target, SERIES.c.location, *_columns(SPELLS), SPELLS.c.seal_seq)
        .join(SPELLS, SPELLS.c.series == SERIES.c.id)
        .where(SPELLS.c.late == 1, which)
    )
    return _read(connection, query.order_by("target", "location", "began_at"))


def _columns(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    return tuple(table.c[name] for name in ("began_at", "last_at", "interval", "seen", "reason"))


def _read(connection: sa.Connection, query: sa.Executable) -> Iterator[_Stored]:
    for row in connection.execute(query, execution_options={"yield_per": 5_000}):
        target, location, began, last, interval, seen, reason, seal = row
        yield _Stored(target, location, Spell(began, last, interval, Seen(seen), reason), seal)


def _part(spell: Spell, since: int, until: int) -> Spell | None:
    """Return what of a spell was observed after `since` and up to `until`."""
    later = after(spell, since)
    return None if later is None else before(later, until + 1)


def _line(stored: _Stored, part: Spell) -> bytes:
    fields = (
        *(stored.target, stored.location),
        *(part.began_at, part.last_at, part.interval, part.seen, part.reason),
    )
    return "\t".join(map(str, fields)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Seal:
    """A ledger entry that speaks of all that was observed after `since` and up to `until`."""

    seq: int
    since: int
    until: int
    digest: str


def seals(connection: sa.Connection, window: Interval) -> tuple[Seal, ...]:
    """Return the seals whose time lies at least partly in `window`, in order."""
    return tuple(
        one for one in _seals(connection) if one.since < window.end and one.until >= window.start
    )


def _seals(connection: sa.Connection) -> Iterator[Seal]:
    """Yield every seal; one that was tampered with has no time and no digest."""
    query = sa.select(LEDGER.c.seq, LEDGER.c.data).where(
        LEDGER.c.subject == "monitor", LEDGER.c.kind == KIND
    )
    for seq, text in connection.execute(query.order_by(LEDGER.c.seq)):
        try:
            data = json.loads(text)
            yield Seal(seq, int(data["since"]), int(data["until"]), str(data["digest"]))
        except (ValueError, KeyError, TypeError):
            yield Seal(seq, 0, 0, "")


def broken_seals(connection: sa.Connection) -> tuple[int, ...]:
    """Return the ledger entries whose observations are not what was sealed."""
    known = list(_seals(connection))
    digests = {one.seq: hashlib.sha256() for one in known}
    by_end = {one.until: one for one in known if one.since < one.until}
    ends = sorted(by_end)
    for stored in _stored(connection):
        first = bisect_left(ends, stored.spell.began_at)
        last = bisect_left(ends, stored.spell.last_at)
        for end in ends[first : last + 1]:
            one = by_end[end]
            part = _part(stored.spell, one.since, one.until)
            if part is not None:
                digests[one.seq].update(_line(stored, part))
    for stored in _stored_late(connection, SPELLS.c.seal_seq.is_not(None)):
        digest = digests.get(stored.seal or 0)
        if digest is not None:
            digest.update(_line(stored, stored.spell))
    return tuple(one.seq for one in known if digests[one.seq].hexdigest() != one.digest)
