"""What grants were used for, and for which times that is known."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.store.tables import COVERAGE, USAGE
from opskit.core.clock import Instant
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Used:
    """What a grant was used for on a target: `login`, or a command as it was run."""

    grant_id: int
    place: str
    what: str
    first_at: Instant
    last_at: Instant
    times: int


def of_grant(connection: sa.Connection, grant_id: int) -> tuple[Used, ...]:
    """Return what a grant was used for."""
    query = sa.select(USAGE).where(USAGE.c.grant_id == grant_id)
    rows = connection.execute(query.order_by(USAGE.c.place, USAGE.c.what))
    return tuple(Used(*row) for row in rows)


def add(connection: sa.Connection, used: Used) -> None:
    """Count a use, once more where it is known."""
    same = (
        USAGE.c.grant_id == used.grant_id,
        USAGE.c.place == used.place,
        USAGE.c.what == used.what,
    )
    known = connection.execute(sa.select(USAGE).where(*same)).one_or_none()
    if known is None:
        values = {name: getattr(used, name) for name in used.__slots__}
        connection.execute(sa.insert(USAGE).values(**values))
        return
    connection.execute(
        sa.update(USAGE)
        .where(*same)
        .values(
            first_at=min(known.first_at, used.first_at),
            last_at=max(known.last_at, used.last_at),
            times=known.times + used.times,
        )
    )


def covered(connection: sa.Connection, place: str) -> tuple[Interval, ...]:
    """Return for which times the logs of a place were read whole, oldest first."""
    query = sa.select(COVERAGE).where(COVERAGE.c.place == place).order_by(COVERAGE.c.from_at)
    return tuple(Interval(row.from_at, row.until_at) for row in connection.execute(query))


def cover(connection: sa.Connection, place: str, interval: Interval) -> None:
    """Write that the logs of a place were read whole for a time."""
    connection.execute(
        sa.insert(COVERAGE).values(place=place, from_at=interval.start, until_at=interval.end)
    )
