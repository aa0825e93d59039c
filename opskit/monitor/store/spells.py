"""What was seen, kept as spells: a row where something changed, not one for each look.

The newest spell of each series lives in the series' own row: it grows with each look, and rows
side by side are cheap to write. What it leaves behind is moved to `monitor_spells` and stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import DAY, Duration, Instant
from opskit.core.interval import Interval
from opskit.monitor.model import HOLD, Observation, Seen, Spell
from opskit.monitor.spells import apart, continues, holds
from opskit.outside.database import METADATA, BigInt, uncollected

_SPELL = ("began_at", "last_at", "interval", "seen", "reason")


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("interval", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


SERIES = sa.Table(
    "monitor_series",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("first_interval", sa.BigInteger, nullable=False),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    *_columns(),
    sa.UniqueConstraint("target", "location"),
)
SPELLS = sa.Table(
    "monitor_spells",
    METADATA,
    sa.Column("series", sa.BigInteger, sa.ForeignKey("monitor_series.id"), primary_key=True),
    sa.Column("began_at", sa.BigInteger, primary_key=True),
    *_columns(),
    # Whether its time had been sealed when it came in; and the seal that speaks of it then.
    sa.Column("late", sa.Integer, nullable=False),
    sa.Column("seal_seq", sa.BigInteger),
    sa.Index("ix_monitor_spells_last_at", "last_at"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class Series:
    """What was seen of a target from one location: the first look, and the newest spell."""

    id: int
    target: str
    location: str
    first_at: Instant
    first_interval: Duration
    newest: Spell


def series(connection: sa.Connection) -> tuple[Series, ...]:
    """Return every series with its newest spell."""
    rows = connection.execute(sa.select(SERIES).order_by(SERIES.c.target, SERIES.c.location))
    return tuple(_series(row) for row in rows)


def _series(row: Any) -> Series:  # noqa: ANN401  # a row of SERIES
    number, target, location, first_at, first_interval, *spell = row
    return Series(number, target, location, first_at, first_interval, _spell(spell))


_SEEN = {str(one): one for one in Seen}


def _spell(fields: Sequence[Any]) -> Spell:
    began, last, interval, seen, reason = fields
    return Spell(began, last, interval, _SEEN[seen], reason)


def insert(
    connection: sa.Connection, observations: Sequence[Observation], sealed_until: int
) -> None:
    """Write observations, in any order; one that is there already stays as it is.

    What belongs to a time that was sealed before is kept as late: what was sealed stays as it was.
    """
    by_series = defaultdict(list)
    for one in observations:
        by_series[one.target, one.location].append(one)
    known = _known(connection, by_series)
    left: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for key, ones in by_series.items():
        ones.sort(key=_by_time)
        kept = known.get(key) or _begin(connection, ones[0])
        writing = _Writing(connection, kept, sealed_until, left)
        for one in ones:
            writing.take(one)
        if writing.row is not kept:
            moved.append(_row(writing.row))
    if left:
        connection.execute(sa.insert(SPELLS), left)
    if moved:
        connection.execute(_MOVE, moved)


def _by_time(one: Observation) -> int:
    return one.at


def _known(
    connection: sa.Connection, wanted: Mapping[tuple[str, str], object]
) -> dict[tuple[str, str], Series]:
    targets = sorted({target for target, _ in wanted})
    found: dict[tuple[str, str], Series] = {}
    for first in range(0, len(targets), 500):
        some = SERIES.c.target.in_(targets[first : first + 500])
        # Locked: on PostgreSQL two that write one series must not both move its newest spell.
        for row in connection.execute(sa.select(SERIES).where(some).with_for_update()):
            found[row[1], row[2]] = _series(row)
    return found


def _begin(connection: sa.Connection, one: Observation) -> Series:
    first = {"first_at": one.at, "first_interval": one.interval}
    query = (
        sa.insert(SERIES)
        .values(target=one.target, location=one.location, **first, **_values(Spell.of(one)))
        .returning(SERIES.c.id)
    )
    number = connection.execute(query).scalar_one()
    return Series(number, one.target, one.location, one.at, one.interval, Spell.of(one))


def _values(spell: Spell) -> dict[str, object]:
    return {
        "began_at": spell.began_at,
        "last_at": spell.last_at,
        "interval": spell.interval,
        "seen": spell.seen.value,
        "reason": spell.reason,
    }


def _row(one: Series) -> dict[str, object]:
    first = {"first_at": one.first_at, "first_interval": one.first_interval}
    return {"key": one.id, **first, **_values(one.newest)}


_MOVE = (
    sa.update(SERIES)
    .where(SERIES.c.id == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in ("first_at", "first_interval", *_SPELL)})
)


@dataclass(slots=True)
class _Writing:
    """A series that takes in observations; what its newest spell leaves behind is `left`."""

    connection: sa.Connection
    row: Series
    sealed_until: int
    left: list[dict[str, object]]

    def take(self, one: Observation) -> None:
        newest = self.row.newest
        if one.at > newest.last_at and one.at > self.sealed_until:
            self._append(newest, one)
        elif not holds(newest, one.at) and not self._is_kept(one):
            self._leave(Spell.of(one), late=one.at <= self.sealed_until)
            if one.at < self.row.first_at:
                self.row = replace(self.row, first_at=one.at, first_interval=one.interval)

    def _append(self, newest: Spell, one: Observation) -> None:
        if continues(newest, one):
            newest = Spell(newest.began_at, one.at, newest.interval, newest.seen, newest.reason)
        else:
            self._leave(newest, late=False)
            newest = Spell.of(one)
        row = self.row
        first = (row.first_at, row.first_interval)
        self.row = Series(row.id, row.target, row.location, *first, newest)

    def _leave(self, spell: Spell, *, late: bool) -> None:
        self.left.append({"series": self.row.id, **_values(spell), "late": int(late)})

    def _is_kept(self, one: Observation) -> bool:
        """Return whether there is an observation of that instant, written or about to be."""
        if any(row["series"] == self.row.id and row["began_at"] == one.at for row in self.left):
            return True
        kept = sa.select(SPELLS.c.began_at).where(
            SPELLS.c.series == self.row.id,
            SPELLS.c.began_at <= one.at,
            SPELLS.c.last_at >= one.at,
            (one.at - SPELLS.c.began_at) % SPELLS.c.interval == 0,
        )
        return self.connection.execute(kept.limit(1)).first() is not None


_LONGEST = DAY  # no interval is longer
_LONG = 60 * DAY


def within(
    connection: sa.Connection,
    window: Interval,
    targets: Collection[str] | None = None,
    as_of: int | None = None,
) -> dict[str, list[Spell]]:
    """Return what was seen here of each target, or of some, that bears on a window; in order.

    That is what reaches into it, and what follows it as long as that may say what a failure at
    its end was: two months side by side tell the same story as both in one. `as_of` leaves out what
    came too late for a seal up to that ledger entry.
    """
    # Nothing holds for longer, and with what may hold comes all that follows it.
    start, end = window.start - int(_LONGEST * HOLD), window.end + int(_LONGEST * HOLD)
    rows = (
        connection.execute(_HERE)
        if targets is None
        else connection.execute(_SOME_HERE, {"only": list(targets)})
    )
    known = {row[0]: _series(row) for row in rows.all()}
    found: dict[int, list[Spell]] = defaultdict(list)
    with uncollected():
        only = known if targets is not None else None
        for row in _rows(connection, start, end, only, as_of):
            found[row[0]].append(_spell(row[1:]))
    for one in known.values():
        if one.newest.last_at > start and one.newest.began_at < end:
            found[one.id].append(one.newest)
    return {
        known[number].target: _resolvable(connection, number, apart(spells))
        for number, spells in found.items()
        if number in known
    }


_KEPT = sa.select(SPELLS.c.series, *(SPELLS.c[name] for name in _SPELL))
_NEWEST = sa.select(SERIES.c.id.label("series"), *(SERIES.c[name] for name in _SPELL))
_ALL = sa.union_all(_KEPT, _NEWEST).subquery()


_START: sa.BindParameter[int] = sa.bindparam("start")
_END: sa.BindParameter[int] = sa.bindparam("end")
_ONLY: sa.BindParameter[object] = sa.bindparam("only", expanding=True)
_HERE = sa.select(SERIES).where(SERIES.c.location == "")
_SOME_HERE = _HERE.where(SERIES.c.target.in_(_ONLY))
_RECENT = _KEPT.where(SPELLS.c.last_at > _START, SPELLS.c.began_at < _END)
_LONG_AGO = _KEPT.where(SPELLS.c.last_at + 0 > _START, SPELLS.c.began_at < _END)
_SOME_KEPT = _LONG_AGO.where(SPELLS.c.series.in_(_ONLY))


def _rows(
    connection: sa.Connection,
    start: int,
    end: int,
    numbers: Collection[int] | None,
    as_of: int | None,
) -> Sequence[Sequence[Any]]:
    """Return the fields of each spell that was left behind and lies at least partly in between."""
    asked: dict[str, object] = {"start": start, "end": end}
    # The index over time helps where little of much is wanted, and nowhere else.
    query = _RECENT if numbers is None and end - start < _LONG else _LONG_AGO
    if numbers is not None:
        query, asked = _SOME_KEPT, {**asked, "only": list(numbers)}
    if as_of is not None:
        query = query.where((SPELLS.c.late == 0) | (SPELLS.c.seal_seq <= as_of))
    return connection.execute(query, asked).all()


@dataclass(frozen=True, slots=True)
class Late:
    """How much of a target came too late for the seal of its time, and which seal has it."""

    target: str
    seal: int
    count: int


def late(connection: sa.Connection, window: Interval) -> tuple[Late, ...]:
    """Return what came late of a window, in the order in which it was sealed."""
    query = (
        sa.select(SERIES.c.target, SPELLS.c.seal_seq, sa.func.count())
        .join(SERIES, SPELLS.c.series == SERIES.c.id)
        .where(
            SPELLS.c.late == 1,
            SPELLS.c.seal_seq.is_not(None),
            SERIES.c.location == "",
            SPELLS.c.last_at >= window.start,
            SPELLS.c.began_at < window.end,
        )
        .group_by(SERIES.c.target, SPELLS.c.seal_seq)
        .order_by(SPELLS.c.seal_seq, SERIES.c.target)
    )
    return tuple(Late(*row) for row in connection.execute(query))


def _resolvable(connection: sa.Connection, number: int, spells: list[Spell]) -> list[Spell]:
    """Return spells with what follows them, as long as the last one alone says nothing certain."""
    while spells[-1].seen is Seen.SUSPECT:
        following = _next(connection, number, spells[-1].began_at)
        if following is None:
            break
        spells.append(following)
    return spells


def _next(connection: sa.Connection, number: int, at: int) -> Spell | None:
    """Return the spell of a series that begins next after an instant."""
    query = sa.select(_ALL).where(_ALL.c.series == number, _ALL.c.began_at > at)
    row = connection.execute(query.order_by(_ALL.c.began_at).limit(1)).first()
    return None if row is None else _spell(row[1:])


def newest(connection: sa.Connection) -> dict[str, Spell]:
    """Return the newest spell of each target, as seen from here."""
    return {one.target: one.newest for one in series(connection) if not one.location}


def first_suspect(connection: sa.Connection, target: str, at: Instant) -> Instant:
    """Return when the run of suspect tries before an instant began; that instant without one."""
    number = sa.select(SERIES.c.id).where(SERIES.c.target == target, SERIES.c.location == "")
    query = sa.select(_ALL.c.began_at, _ALL.c.seen).where(
        _ALL.c.series == number.scalar_subquery(), _ALL.c.began_at < at
    )
    first = at
    for row in connection.execute(query.order_by(_ALL.c.began_at.desc()).limit(100)):
        if row.seen != Seen.SUSPECT:
            break
        first = Instant(row.began_at)
    return first
