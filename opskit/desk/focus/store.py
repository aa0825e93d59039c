"""Focus windows that were kept, as the table has them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.desk.focus.windows import Focus
from opskit.outside.database import METADATA, BigInt

WINDOWS = sa.Table(
    "desk_focus",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("start_at", sa.BigInteger, nullable=False),
    sa.Column("end_at", sa.BigInteger, nullable=False),
    sa.Column("passes", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("team", "start_at"),
    sa.Index("ix_desk_focus_end", "end_at"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A window and the number of the ledger entry that it began with."""

    id: int
    focus: Focus
    seq: int


def keep(connection: sa.Connection, one: Focus, seq: int) -> None:
    """Write a window that begins."""
    values = {
        "team": one.team,
        "start_at": one.interval.start,
        "end_at": one.interval.end,
        "passes": json.dumps(one.passes),
        "seq": seq,
    }
    connection.execute(sa.insert(WINDOWS).values(values))


def end(connection: sa.Connection, number: int, at: Instant) -> None:
    """Let a window end at an instant."""
    connection.execute(sa.update(WINDOWS).where(WINDOWS.c.id == number).values(end_at=at))


def meeting(connection: sa.Connection, period: Interval) -> tuple[Kept, ...]:
    """Return the windows of which something lies within a period, oldest first."""
    own = (WINDOWS.c.start_at < period.end, WINDOWS.c.end_at > period.start)
    found = sa.select(WINDOWS).where(*own).order_by(WINDOWS.c.start_at, WINDOWS.c.id)
    return tuple(
        Kept(
            row.id,
            Focus(row.team, Interval(row.start_at, row.end_at), tuple(json.loads(row.passes))),
            row.seq,
        )
        for row in connection.execute(found)
    )


def at(connection: sa.Connection, now: Instant) -> tuple[Kept, ...]:
    """Return the windows that are open now."""
    return meeting(connection, Interval(now, Instant(now + 1)))
