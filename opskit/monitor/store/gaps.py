"""Times in which opskit itself could not tell, each with its reason; and when it last looked."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval, State, Stretch
from opskit.outside.database import METADATA, BigInt

# One row: until when opskit is known to have been looking, and up to when all is sealed.
STATE = sa.Table(
    "monitor_state",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("alive_at", sa.BigInteger, nullable=False),
    sa.Column("sealed_until", sa.BigInteger, nullable=False),
)
# `ambiguous`: the clock showed this time twice, so that what was seen in it counts for nothing.
GAPS = sa.Table(
    "monitor_gaps",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ambiguous", sa.Integer, nullable=False),
    sa.Index("ix_monitor_gaps_ended_at", "ended_at"),
)


def alive_at(connection: sa.Connection) -> Instant:
    """Return the newest instant at which opskit was looking; 0 if it never was."""
    return Instant(connection.execute(sa.select(STATE.c.alive_at)).scalar_one())


def keep_alive(connection: sa.Connection, at: Instant) -> None:
    """Note that opskit is looking."""
    connection.execute(sa.update(STATE).where(STATE.c.alive_at < at).values(alive_at=at))


def add(connection: sa.Connection, gap: Interval, reason: str, *, ambiguous: bool = False) -> int:
    """Write that nothing could be told for a while, and why; return the gap's number."""
    query = sa.insert(GAPS).values(
        began_at=gap.start, ended_at=gap.end, reason=reason, ambiguous=int(ambiguous)
    )
    return int(connection.execute(query.returning(GAPS.c.id)).scalar_one())


def extend(connection: sa.Connection, number: int, end: Instant) -> None:
    """Make a gap longer."""
    connection.execute(
        sa.update(GAPS).where(GAPS.c.id == number, GAPS.c.ended_at < end).values(ended_at=end)
    )


_WITHIN = (
    sa.select(GAPS)
    .where(GAPS.c.began_at < sa.bindparam("end"), GAPS.c.ended_at > sa.bindparam("start"))
    .order_by(GAPS.c.began_at)
)


def within(connection: sa.Connection, window: Interval) -> tuple[Sequence[Stretch], ...]:
    """Return (why nothing was seen where nothing was, what was seen for nothing) of a window."""
    found: tuple[list[Stretch], list[Stretch]] = ([], [])
    for row in connection.execute(_WITHIN, {"start": window.start, "end": window.end}):
        stretch = Stretch(row.began_at, row.ended_at, State.UNKNOWN, row.reason)
        found[row.ambiguous].append(stretch)
    return found
