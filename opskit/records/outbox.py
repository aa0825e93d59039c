"""The outbox: deliveries owed to the outside, written with the state that caused them.

Send, then mark. A crash between the two repeats a message, with the same idempotency key; it
never loses one. A message that failed waits longer each time; one that can never succeed is
kept as dead, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from opskit.core.clock import HOUR, MINUTE, SECOND, Clock, Duration, Instant
from opskit.core.errors import OpskitError, Throttled
from opskit.core.text import clean, shorten
from opskit.outside.database import METADATA, BigInt, Database
from opskit.records.ledger import canonical

# The waits of the Standard Webhooks specification, in microseconds; then once a day.
_WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 24 * HOUR)
_PLAIN = "webhook"
# One message is claimed for this long; a sender that dies gives it up by doing nothing.
_CLAIM = 2 * MINUTE

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
    sa.Index("ix_outbox_state", "state", "due_at"),
)


class DeliveryState(StrEnum):
    """Where a message is."""

    OWED = "owed"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery owed. `attempts` counts the tries so far; above 0 it may be a repeat."""

    key: str
    channel: str
    body: str
    attempts: int


class Sender(Protocol):
    """Something that can deliver a message, by channel name."""

    def send(self, message: Message) -> None:
        """Deliver it, or raise an `OpskitError` that says whether trying again can help."""
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did; `unusable` are the channels nothing could be sent to, each with why."""

    sent: int
    failed: int
    dead: int
    unusable: tuple[str, ...] = ()


class Outbox:
    """Owes and delivers messages."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def owe(
        self, connection: sa.Connection, key: str, channel: str, body: Mapping[str, object]
    ) -> bool:
        """Write a delivery in the caller's transaction; each channel is owed the same key once.

        Return whether it was not owed before.
        """
        now = self._clock.now()
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        written = connection.execute(
            insert(OUTBOX)
            .values(
                key=_in_channel(key, channel),
                channel=channel,
                body=canonical(body),
                state=DeliveryState.OWED,
                created_at=now,
                due_at=now,
                attempts=0,
                last_error="",
            )
            .on_conflict_do_nothing(index_elements=["key"])
            # Not the row count: of such an insert SQLAlchemy knows none on PostgreSQL.
            .returning(OUTBOX.c.key)
        )
        return written.first() is not None

    def states(
        self, connection: sa.Connection, key: str, channels: Sequence[str]
    ) -> dict[str, DeliveryState]:
        """Return where the deliveries of a key are, by channel; without those never owed."""
        keys = {_in_channel(key, channel): channel for channel in channels}
        query = sa.select(OUTBOX.c.key, OUTBOX.c.state).where(OUTBOX.c.key.in_(keys))
        return {keys[row.key]: DeliveryState(row.state) for row in connection.execute(query)}

    def deliver(self, senders: Mapping[str, Sender], *, limit: int = 100) -> Delivered:
        """Send what is due, oldest first, at most `limit` messages."""
        counts = dict.fromkeys(("sent", "failed", "dead"), 0)
        for _ in range(limit):
            message = self._claim(tuple(senders))
            if message is None:
                break
            counts[self._attempt(senders[message.channel], message)] += 1
        return Delivered(counts["sent"], counts["failed"], counts["dead"])

    def _claim(self, channels: tuple[str, ...]) -> Message | None:
        now = self._clock.now()
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(OUTBOX)
                .where(
                    OUTBOX.c.state == DeliveryState.OWED,
                    OUTBOX.c.due_at <= now,
                    OUTBOX.c.channel.in_(channels),
                )
                .order_by(OUTBOX.c.id)
                .limit(1)
            ).first()
            if row is None:
                return None
            claimed = connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.id == row.id, OUTBOX.c.due_at == row.due_at)
                .values(due_at=now + _CLAIM, attempts=row.attempts + 1)
            )
            if claimed.rowcount != 1:
                return None
            return Message(row.key, row.channel, row.body, row.attempts)

    def _attempt(self, sender: Sender, message: Message) -> str:
        """Send outside any transaction, then mark."""
        try:
            sender.send(message)
        except OpskitError as error:
            return self._postpone(message, error)
        self._mark(message, state=DeliveryState.SENT, last_error="")
        return "sent"

    def _postpone(self, message: Message, error: OpskitError) -> str:
        reason = shorten(clean(error.message), 200)
        if not error.retryable:
            self._mark(message, state=DeliveryState.DEAD, last_error=reason)
            return "dead"
        wait = _WAITS[min(message.attempts, len(_WAITS) - 1)]
        if isinstance(error, Throttled):
            wait = max(wait, Duration(error.seconds * SECOND))
        self._mark(message, due_at=Instant(self._clock.now() + wait), last_error=reason)
        return "failed"

    def _mark(self, message: Message, **values: object) -> None:
        with self._database.write() as connection:
            # Who overslept the claim must not undo what another has settled since.
            still = (OUTBOX.c.key == message.key, OUTBOX.c.state == DeliveryState.OWED)
            connection.execute(sa.update(OUTBOX).where(*still).values(values))


def _in_channel(key: str, channel: str) -> str:
    """Return a key as it stands in the table: webhooks' receivers know theirs without a name."""
    return key if channel == _PLAIN else f"{key}-{channel}"
