"""When scheduled commands were due last: each time a command is due is taken once, by one."""

from __future__ import annotations

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.outside.database import METADATA

TICKS = sa.Table(
    "schedule_ticks",
    METADATA,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=False),
)


def last(connection: sa.Connection, job: str, now: Instant) -> Instant:
    """Return when a job was taken last; one that is new counts from now."""
    at = connection.execute(sa.select(TICKS.c.due_at).where(TICKS.c.job == job)).scalar()
    if at is None:
        connection.execute(sa.insert(TICKS).values(job=job, due_at=now))
        return now
    return Instant(at)


def take(connection: sa.Connection, job: str, due: Instant) -> bool:
    """Take the time at which a job is due; return whether nobody had."""
    earlier = (TICKS.c.job == job, TICKS.c.due_at < due)
    taken = connection.execute(sa.update(TICKS).where(*earlier).values(due_at=due))
    return taken.rowcount == 1
