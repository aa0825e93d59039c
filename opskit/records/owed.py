"""The table of deliveries owed, and which of them may be sent now."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.outside.database import METADATA, BigInt

# In `digest`: a digest itself, or what a refused one named; it goes by itself.
ALONE = "-"

OUTBOX = sa.Table(
    "outbox",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text, nullable=False),
    # What is told in order; empty for a message that stands alone.
    sa.Column("group_key", sa.Text, nullable=False),
    # Key of the message that names this one in its place.
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("claimed_until", sa.BigInteger, nullable=False),
    # When one that was sent is to be sent again; 0 for never.
    sa.Column("again_at", sa.BigInteger, nullable=False),
    sa.Column("fell_back_at", sa.BigInteger, nullable=False),
    sa.Index("ix_outbox_state", "state", "due_at"),
    sa.Index("ix_outbox_group", "channel", "group_key", "id"),
)


class DeliveryState(StrEnum):
    """Where a message is."""

    OWED = "owed"
    SENT = "sent"
    DEAD = "dead"


def ready(now: Instant, channels: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    """Return what may be sent now: what is due and first of its group, and what is said again."""
    other = OUTBOX.alias()
    grouped = (other.c.channel == OUTBOX.c.channel, other.c.group_key == OUTBOX.c.group_key)
    before = sa.exists().where(
        *grouped, other.c.id < OUTBOX.c.id,
        sa.or_(other.c.state == DeliveryState.OWED, other.c.claimed_until > now),
    )  # fmt: skip
    after = sa.exists().where(
        *grouped, other.c.id > OUTBOX.c.id, other.c.state != DeliveryState.DEAD
    )
    first = sa.or_(OUTBOX.c.group_key == "", ~before)
    owed = sa.and_(
        OUTBOX.c.state == DeliveryState.OWED,
        OUTBOX.c.due_at <= now,
        OUTBOX.c.digest.in_(["", ALONE]),
        first,
    )  # fmt: skip
    again = sa.and_(
        OUTBOX.c.state == DeliveryState.SENT,
        OUTBOX.c.again_at > 0,
        OUTBOX.c.again_at <= now,
        ~after,
    )  # fmt: skip
    mine = (OUTBOX.c.claimed_until <= now, OUTBOX.c.channel.in_(channels))
    return sa.select(OUTBOX).where(*mine, sa.or_(owed, again)).order_by(OUTBOX.c.id)
