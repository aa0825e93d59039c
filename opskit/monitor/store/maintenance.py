"""Times in which work was announced: who opened them, for which service, until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.outside.database import METADATA, BigInt

MAINTENANCE = sa.Table(
    "monitor_maintenance",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("planned_until", sa.BigInteger, nullable=False),
    sa.Column("until_healthy", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("opened_seq", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("closed_seq", sa.BigInteger),
    sa.Index("ix_monitor_maintenance_service", "service"),
)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work on a service that was announced; it ends as planned, unless somebody ends it before."""

    id: int
    service: str
    began_at: Instant
    planned_until: Instant
    until_healthy: bool
    reason: str
    opened_seq: int
    ended_at: Instant | None
    closed_seq: int | None

    @property
    def interval(self) -> Interval:
        """Return the time it covers, or will cover if nobody ends it."""
        end = self.planned_until if self.ended_at is None else self.ended_at
        return Interval(self.began_at, Instant(max(end, self.began_at)))


def insert(connection: sa.Connection, **values: object) -> int:
    """Write a maintenance; return its number."""
    query = sa.insert(MAINTENANCE).values(**values).returning(MAINTENANCE.c.id)
    return int(connection.execute(query).scalar_one())


def close(connection: sa.Connection, number: int, at: Instant, seq: int) -> bool:
    """End a maintenance; return whether it was open."""
    ended = connection.execute(
        sa.update(MAINTENANCE)
        .where(MAINTENANCE.c.id == number, MAINTENANCE.c.closed_seq.is_(None))
        .values(ended_at=at, closed_seq=seq)
    )
    return ended.rowcount == 1


_ALL = sa.select(MAINTENANCE).order_by(MAINTENANCE.c.began_at, MAINTENANCE.c.id)
_OPEN = _ALL.where(MAINTENANCE.c.closed_seq.is_(None))
_WITHIN = _ALL.where(
    MAINTENANCE.c.began_at < sa.bindparam("end"),
    sa.func.coalesce(MAINTENANCE.c.ended_at, MAINTENANCE.c.planned_until) > sa.bindparam("start"),
)


def still_open(connection: sa.Connection) -> tuple[Maintenance, ...]:
    """Return what nobody has closed yet, planned end passed or not."""
    return tuple(_maintenance(row) for row in connection.execute(_OPEN))


def within(connection: sa.Connection, window: Interval) -> tuple[Maintenance, ...]:
    """Return all maintenance that covers some of a window."""
    rows = connection.execute(_WITHIN, {"start": window.start, "end": window.end})
    return tuple(_maintenance(row) for row in rows)


def _maintenance(row: Any) -> Maintenance:  # noqa: ANN401  # a row of MAINTENANCE
    values = row._asdict()
    return Maintenance(**{**values, "until_healthy": bool(values["until_healthy"])})
