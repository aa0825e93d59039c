"""Events that came in from outside, each taken once however often it is sent."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from opskit.core.clock import DAY, Instant
from opskit.outside.database import METADATA

# No sender repeats a message for longer; what is older is refused by its signed time anyway.
_KEPT = 90 * DAY

RECEIVED = sa.Table(
    "webhooks_received",
    METADATA,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("ix_webhooks_received_at", "at"),
)


def take(connection: sa.Connection, source: str, number: str, now: Instant) -> bool:
    """Take an event of a source by its id; return whether it is new."""
    connection.execute(sa.delete(RECEIVED).where(RECEIVED.c.at < now - _KEPT))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    taken = connection.execute(
        insert(RECEIVED)
        .values(source=source, id=number, at=now)
        .on_conflict_do_nothing(index_elements=["source", "id"])
        # Not the row count: of such an insert SQLAlchemy knows none on PostgreSQL.
        .returning(RECEIVED.c.id)
    )
    return taken.first() is not None
