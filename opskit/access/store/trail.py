"""The ledger entries of access, by what they are about: the evidence behind its figures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.evidence import Reading
from opskit.records.ledger import LEDGER, Entry

_REFUSED = (
    "request.refused", "decision.refused_self", "decision.refused_new",
    "decision.refused_stranger", "decision.refused_stale", "target.refused",
)  # fmt: skip
_NOUNS = frozenset({"request", "grant", "breakglass", "review", "drill"})
# Whose words are needed besides their numbers.
_TELLING = frozenset({
    "grant.revoking", "grant.expired", "grant.revoke_deferred", "review.missed",
})  # fmt: skip
_COMING, _READY = "person.onboarding", "person.ready"
_GOING, _GONE = "person.offboarding", "person.gone"
# What evidence without entries still needs: it tells more than that something happened.
_BARE = tuple(sorted({*_TELLING, "drill.started"}))
# As `canonical` writes it.
_ABSENT = '"desired":"absent"'
# Older SQLite takes 999 parameters in one statement.
_AT_ONCE = 900


@dataclass(frozen=True)
class Step:
    """One thing that happened to somebody who came or left, with whom it is about."""

    person: str
    entry: Entry
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Trail:
    """Sequence numbers by subject (`r1`, `g1`, `v1`) and kind; those of places by grant too."""

    by_subject: Mapping[str, Mapping[str, list[int]]]
    by_place: Mapping[tuple[str, str], list[int]]
    told: Mapping[tuple[str, str], dict[str, Any]]
    refusals: tuple[tuple[Entry, dict[str, Any]], ...]

    def of(self, subject: str, kinds: Iterable[str] = ()) -> tuple[int, ...]:
        """Return the entries about something, of some kinds or of all."""
        known = self.by_subject.get(subject)
        if known is None:
            return ()
        wanted = tuple(kinds) or tuple(known)
        return tuple(sorted(seq for kind in wanted for seq in known.get(kind, ())))

    def gone(self, grant: str, place: str) -> tuple[int, ...]:
        """Return the looks that saw a grant gone from a place."""
        return tuple(self.by_place.get((grant, place), ()))

    def last(self, subject: str, *kinds: str) -> dict[str, Any]:
        """Return what the first of these kinds that there is said last; empty where there is none.

        Of the endings of a grant, the deferral, and what a review missed.
        """
        for kind in kinds:
            if (subject, kind) in self.told:
                return self.told[subject, kind]
        return {}


def trail(
    connection: sa.Connection,
    start: Instant,
    end: Instant,
    subjects: Collection[str],
    reading: Reading = Reading.ALL,
) -> Trail:
    """Return what was written of these before `end`; of places and refusals only since `start`.

    Read `BARE`, it has what some entries said, and the numbers of no others than drills.
    """
    by_subject: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    by_place: dict[tuple[str, str], list[int]] = defaultdict(list)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    kinds = _BARE if reading is Reading.BARE else ()
    for seq, kind, subject, text in _about(connection, subjects, end, kinds):
        if kind.partition(".")[0] in _NOUNS:
            if kind in _TELLING:
                told[subject, kind] = json.loads(text)
            if reading is Reading.ALL or kind not in _TELLING:
                by_subject[subject][kind].append(seq)
    if reading is Reading.ALL:
        for seq, place, text in _verified(connection, start, end):
            # Most looks are at what is to be there: those need no parsing.
            data = json.loads(text) if _ABSENT in text else {}
            if data.get("desired") == "absent":
                by_place[data["grant"], place].append(seq)
    refusals = [(one, json.loads(one.data)) for one in _within(connection, start, end, _REFUSED)]
    return Trail(by_subject, by_place, told, tuple(refusals))


def _about(
    connection: sa.Connection, subjects: Collection[str], end: Instant, kinds: Collection[str]
) -> Iterator[Any]:
    """Yield number, kind, subject and, of telling kinds, data; of all kinds where none is named."""
    wanted = sorted(subjects)
    text = sa.case((LEDGER.c.kind.in_(sorted(_TELLING)), LEDGER.c.data))
    columns = (LEDGER.c.seq, LEDGER.c.kind, LEDGER.c.subject, text)
    for start in range(0, len(wanted), _AT_ONCE):
        these = LEDGER.c.subject.in_(wanted[start : start + _AT_ONCE])
        query = sa.select(*columns).where(these, LEDGER.c.at < end)
        if kinds:
            query = query.where(LEDGER.c.kind.in_(kinds))
        yield from connection.execute(query.order_by(LEDGER.c.seq)).all()


def _verified(connection: sa.Connection, start: Instant, end: Instant) -> Iterator[Any]:
    """Yield number, place and data of each look at a place."""
    query = sa.select(LEDGER.c.seq, LEDGER.c.subject, LEDGER.c.data).where(
        LEDGER.c.at >= start, LEDGER.c.at < end, LEDGER.c.kind == "target.verified"
    )
    yield from connection.execute(query.order_by(LEDGER.c.seq)).all()


def _within(
    connection: sa.Connection, start: Instant, end: Instant, kinds: Collection[str]
) -> Iterator[Entry]:
    query = sa.select(LEDGER).where(
        LEDGER.c.at >= start, LEDGER.c.at < end, LEDGER.c.kind.in_(kinds)
    )
    for row in connection.execute(query.order_by(LEDGER.c.seq)):
        yield Entry(*row)


def comings(
    connection: sa.Connection, people: Collection[str], end: Instant
) -> Iterator[tuple[Step, Step | None]]:
    """Yield who began to come before `end`, and when all was in place, if it was by then."""
    yield from _pairs(connection, people, end, (_COMING, _READY))


def goings(
    connection: sa.Connection, people: Collection[str], end: Instant
) -> Iterator[tuple[Step, Step | None]]:
    """Yield who began to leave before `end`, and when all was seen gone, if it was by then."""
    yield from _pairs(connection, people, end, (_GOING, _GONE))


def _pairs(
    connection: sa.Connection, people: Collection[str], end: Instant, kinds: tuple[str, str]
) -> Iterator[tuple[Step, Step | None]]:
    """Yield beginnings with their ends; begun again before an end, it is still the same."""
    open_: dict[str, Step] = {}
    for step in _steps(connection, people, end, kinds):
        if step.entry.kind == kinds[0]:
            open_.setdefault(step.person, step)
        elif step.person in open_:
            yield open_.pop(step.person), step
    for one in open_.values():
        yield one, None


def _steps(
    connection: sa.Connection, people: Collection[str], end: Instant, kinds: Collection[str]
) -> Iterator[Step]:
    wanted = sorted(people)
    for start in range(0, len(wanted), _AT_ONCE):
        these = LEDGER.c.subject.in_(wanted[start : start + _AT_ONCE])
        query = sa.select(LEDGER).where(these, LEDGER.c.kind.in_(kinds), LEDGER.c.at < end)
        for row in connection.execute(query.order_by(LEDGER.c.seq)):
            entry = Entry(*row)
            yield Step(entry.subject, entry, json.loads(entry.data))
