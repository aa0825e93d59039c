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
    sa.Column("fell_back_at", sa.BigInteger, nullable=False),
    sa.Index("ix_outbox_state", "state", "due_at"),
    sa.Index("ix_outbox_group", "channel", "group_key", "state", "id"),
)


class DeliveryState(StrEnum):
    """Where a message is."""

    OWED = "owed"
    # Sent, and to be sent again at `due_at`, until something newer of its group is sent.
    STANDING = "standing"
    SENT = "sent"
    DEAD = "dead"


def ready(now: Instant, channels: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    """Return what may be sent now: what is due and first of its group, and what is said again."""
    other = OUTBOX.alias()
    grouped = (other.c.channel == OUTBOX.c.channel, other.c.group_key == OUTBOX.c.group_key)
    earlier, later = other.c.id < OUTBOX.c.id, other.c.id > OUTBOX.c.id
    waits = sa.exists().where(*grouped, other.c.state == DeliveryState.OWED, earlier)
    on_its_way = sa.exists().where(
        *grouped, other.c.state == DeliveryState.STANDING, earlier, other.c.claimed_until > now
    )
    over = sa.exists().where(*grouped, other.c.state != DeliveryState.DEAD, later)
    owed = sa.and_(
        OUTBOX.c.state == DeliveryState.OWED,
        OUTBOX.c.digest.in_(["", ALONE]),
        sa.or_(OUTBOX.c.group_key == "", sa.and_(~waits, ~on_its_way)),
    )
    again = sa.and_(OUTBOX.c.state == DeliveryState.STANDING, ~over)
    return (
        sa.select(OUTBOX)
        .where(
            OUTBOX.c.state.in_([DeliveryState.OWED, DeliveryState.STANDING]),
            OUTBOX.c.due_at <= now,
            OUTBOX.c.claimed_until <= now,
            OUTBOX.c.channel.in_(channels),
            sa.or_(owed, again),
        )
        .order_by(OUTBOX.c.id)
    )
