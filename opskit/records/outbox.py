"""The outbox: deliveries owed to the outside, written with the state that caused them.

Send, then mark. A crash between the two repeats a message, with the same idempotency key; it
never loses one. A message that failed waits longer each time; one that can never succeed is
kept as dead, with its reason, and the ledger tells. Messages of one group go in order. A channel
that fails again and again rests; once it answers, what waited goes out, as a digest if it is much.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from opskit.core.clock import HOUR, MINUTE, SECOND, Clock, Duration, Instant
from opskit.core.errors import OpskitError, Throttled
from opskit.core.text import clean, shorten
from opskit.outside.database import Database
from opskit.outside.notify.words import notice
from opskit.records import resting
from opskit.records.digests import Digest, Waiting, digests
from opskit.records.ledger import Ledger, canonical
from opskit.records.owed import ALONE, OUTBOX, DeliveryState, ready

# The waits of the Standard Webhooks specification, in microseconds; then once a day.
_WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 24 * HOUR)
_NO_WAIT = Duration(0)
_PLAIN = "webhook"
# One message is claimed for this long; a sender that dies gives it up by doing nothing.
_CLAIM = 2 * MINUTE
# How soon what is to be said again is tried after a failure.
_SOON = 30 * SECOND


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery owed. `attempts` counts the tries so far; above 0 it may be a repeat."""

    key: str
    channel: str
    body: str
    attempts: int


class Sender(Protocol):
    """Something that can deliver a message, by channel name."""

    def send(self, message: Message) -> Instant | None:
        """Deliver it; return when it is to be delivered again, None where once is enough.

        Raises:
            OpskitError: it was not delivered; `retryable` says whether trying again can help.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a channel: when many go as one, and who is told what it does not take.

    `digest_over` 0 is never; `fallback` is a channel, told once a message waited that long.
    """

    digest_over: int = 0
    fallback: str = ""
    fallback_after: Duration = _NO_WAIT


_USUAL = Terms()
_NONE: Mapping[str, Terms] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did; `unusable` are the channels nothing could be sent to, each with why."""

    sent: int
    failed: int
    dead: int
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message to be sent now, and by which row; `again` where it was sent before."""

    id: int
    group: str
    message: Message
    again: bool
    tries: int


class Outbox:
    """Owes and delivers messages.

    `jitter` gives numbers from 0 to 1 that spread waits, so that many do not come back at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ledger: Ledger | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ledger = ledger or Ledger(clock, "opskit")
        self._jitter = jitter

    def owe(
        self,
        connection: sa.Connection,
        key: str,
        channel: str,
        body: Mapping[str, object],
        group: str = "",
    ) -> bool:
        """Write a delivery in the caller's transaction; each channel is owed the same key once.

        Return whether it was not owed before. Messages of a group arrive in the order in which
        they were owed.
        """
        row = self._row(key, channel, canonical(body), group)
        # Not the row count: of such an insert PostgreSQL's driver tells none.
        written = connection.execute(_insert(connection).values(row).returning(OUTBOX.c.key))
        return written.first() is not None

    def _row(self, key: str, channel: str, body: str, group: str) -> dict[str, object]:
        now = self._clock.now()
        return {
            "key": _in_channel(key, channel),
            "channel": channel,
            "body": body,
            "state": DeliveryState.OWED,
            "created_at": now,
            "due_at": now,
            "attempts": 0,
            "last_error": "",
            "group_key": group,
            "digest": "",
            "claimed_until": 0,
            "fell_back_at": 0,
        }

    def states(
        self, connection: sa.Connection, key: str, channels: Sequence[str]
    ) -> dict[str, DeliveryState]:
        """Return where the deliveries of a key are, by channel; without those never owed."""
        keys = {_in_channel(key, channel): channel for channel in channels}
        query = sa.select(OUTBOX.c.key, OUTBOX.c.state).where(OUTBOX.c.key.in_(keys))
        return {keys[row.key]: _seen(row.state) for row in connection.execute(query)}

    def deliver(
        self, senders: Mapping[str, Sender], terms: Mapping[str, Terms] = _NONE, *, limit: int = 100
    ) -> Delivered:
        """Send what is due, oldest first, at most `limit` messages."""
        counts = dict.fromkeys(("sent", "failed", "dead"), 0)
        self._set_back()
        self._fall_back(terms)
        for _ in range(limit):
            claimed = self._claim(tuple(senders))
            if claimed is None:
                break
            channel = claimed.message.channel
            counts[self._attempt(senders[channel], claimed, terms.get(channel, _USUAL))] += 1
        return Delivered(counts["sent"], counts["failed"], counts["dead"])

    # Claiming

    def _claim(self, channels: tuple[str, ...]) -> _Claimed | None:
        now = self._clock.now()
        until = Instant(now + _CLAIM)
        with self._database.write() as connection:
            if connection.execute(ready(now, channels).limit(1)).first() is None:
                return None
            held = resting.hold(connection, channels)
            awake = [name for name, one in held.items() if one["rests_until"] <= now]
            # Asked again under the lock: another may have claimed or settled it since.
            row = connection.execute(ready(now, awake).limit(1)).first()
            if row is None:
                return None
            own = OUTBOX.c.id == row.id
            taken = {"claimed_until": until, "attempts": row.attempts + 1}
            connection.execute(sa.update(OUTBOX).where(own).values(taken))
            if held[row.channel]["failures"] >= resting.RESTS_AFTER:
                resting.tried(connection, row.channel, until)
        again = row.state == DeliveryState.STANDING
        # What is said again on purpose is no repeat that somebody should be warned of.
        tries = 0 if again else row.attempts
        message = Message(row.key, row.channel, row.body, tries)
        return _Claimed(row.id, row.group_key, message, again, row.attempts + 1)

    # Sending and settling

    def _attempt(self, sender: Sender, claimed: _Claimed, terms: Terms) -> str:
        """Send outside any transaction, then mark."""
        try:
            again_at = sender.send(claimed.message)
        except OpskitError as error:
            return self._postpone(claimed, error, terms)
        with self._database.write() as connection:
            waited = resting.answered(connection, claimed.message.channel)
            self._sent(connection, claimed, again_at if claimed.group else None)
            if waited:
                self._recovered(connection, claimed.message.channel, terms)
        return "sent"

    def _sent(self, connection: sa.Connection, claimed: _Claimed, again_at: Instant | None) -> None:
        message = claimed.message
        settled: dict[str, object] = {"state": DeliveryState.SENT}
        if again_at is not None:
            settled = {"state": DeliveryState.STANDING, "due_at": again_at}
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.id == claimed.id, sa.or_(_mine(claimed), OUTBOX.c.state == _OWED))
            .values(last_error="", claimed_until=0, **settled)
        )
        named = (OUTBOX.c.channel == message.channel, OUTBOX.c.digest == message.key)
        parts = sa.update(OUTBOX).where(*named, OUTBOX.c.state == _OWED)
        connection.execute(parts.values(state=DeliveryState.SENT))
        if claimed.group:
            older = (OUTBOX.c.channel == message.channel, OUTBOX.c.group_key == claimed.group)
            standing = (OUTBOX.c.id < claimed.id, OUTBOX.c.state == DeliveryState.STANDING)
            over = sa.update(OUTBOX).where(*older, *standing)
            connection.execute(over.values(state=DeliveryState.SENT))

    def _postpone(self, claimed: _Claimed, error: OpskitError, terms: Terms) -> str:
        reason = shorten(clean(error.message), 200)
        with self._database.write() as connection:
            if not error.retryable:
                resting.answered(connection, claimed.message.channel)
                self._give_up(connection, claimed, reason, terms)
                return "dead"
            now, jitter = self._clock.now(), self._jitter()
            asked = Duration(error.seconds * SECOND if isinstance(error, Throttled) else 0)
            wait = _WAITS[min(claimed.tries - 1, len(_WAITS) - 1)] * (1 - jitter / 5)
            resting.failed(connection, claimed.message.channel, now, jitter=jitter, wait=asked)
            due = now + max(_SOON if claimed.again else int(wait), asked)
            self._mark(connection, claimed, claimed_until=0, last_error=reason, due_at=due)
        return "failed"

    def _give_up(
        self, connection: sa.Connection, claimed: _Claimed, reason: str, terms: Terms
    ) -> None:
        """Keep a message as dead, tell the ledger, and its fallback; a digest sets free."""
        message = claimed.message
        state = DeliveryState.SENT if claimed.again else DeliveryState.DEAD
        marked = self._mark(connection, claimed, state=state, claimed_until=0, last_error=reason)
        if not marked:
            return
        told = {"key": message.key, "reason": reason, "attempts": claimed.tries}
        self._ledger.append(connection, "delivery.refused", f"channel/{message.channel}", told)
        named = (OUTBOX.c.channel == message.channel, OUTBOX.c.digest == message.key)
        freed = connection.execute(sa.update(OUTBOX).where(*named).values(digest=ALONE)).rowcount
        if terms.fallback and not freed:
            own = sa.select(OUTBOX).where(OUTBOX.c.id == claimed.id)
            self._turn(connection, connection.execute(own), terms.fallback)

    def _mark(self, connection: sa.Connection, claimed: _Claimed, **values: object) -> bool:
        # Who overslept the claim must not undo what another has settled since.
        mine = (OUTBOX.c.id == claimed.id, _mine(claimed))
        return connection.execute(sa.update(OUTBOX).where(*mine).values(values)).rowcount == 1

    # Trouble

    def _set_back(self) -> None:
        """Send now what was owed at a time that the clock shows again: it would wait for it."""
        now = self._clock.now()
        ahead = (OUTBOX.c.state == _OWED, OUTBOX.c.created_at > now + MINUTE)
        with self._database.read() as connection:
            if connection.execute(sa.select(OUTBOX.c.id).where(*ahead).limit(1)).first() is None:
                return
        with self._database.write() as connection:
            again = sa.update(OUTBOX).where(*ahead)
            connection.execute(again.values(created_at=now, due_at=now))

    def _recovered(self, connection: sa.Connection, channel: str, terms: Terms) -> None:
        """Send what waited now; as a digest where that is more than the terms allow."""
        now = self._clock.now()
        waiting = (
            OUTBOX.c.channel == channel, OUTBOX.c.state == _OWED, OUTBOX.c.claimed_until <= now,
        )  # fmt: skip
        connection.execute(sa.update(OUTBOX).where(*waiting).values(due_at=now))
        found = sa.select(OUTBOX).where(*waiting, OUTBOX.c.digest == "").order_by(OUTBOX.c.id)
        parts = tuple(_foldable(connection.execute(found)))
        if not terms.digest_over or len(parts) <= terms.digest_over:
            return
        for one in digests(parts):
            self._fold(connection, channel, one)

    def _fold(self, connection: sa.Connection, channel: str, one: Digest) -> None:
        row = self._row(one.key, channel, canonical(one.body), "")
        # Its parts go to the fallback themselves, where there is one.
        row |= {"fell_back_at": self._clock.now(), "digest": ALONE}
        connection.execute(_insert(connection).values(row))
        parts = sa.update(OUTBOX).where(OUTBOX.c.key.in_(one.names))
        connection.execute(parts.values(digest=_in_channel(one.key, channel)))

    def _fall_back(self, terms: Mapping[str, Terms]) -> None:
        """Owe to the fallback what has waited too long. It stays owed to its own channel, too."""
        now = self._clock.now()
        for channel, own in terms.items():
            if not own.fallback:
                continue
            late = sa.select(OUTBOX).where(
                OUTBOX.c.channel == channel, OUTBOX.c.state == _OWED, OUTBOX.c.fell_back_at == 0,
                OUTBOX.c.created_at <= now - own.fallback_after,
            )  # fmt: skip
            with self._database.read() as connection:
                if connection.execute(late.limit(1)).first() is None:
                    continue
            with self._database.write() as connection:
                found = late.order_by(OUTBOX.c.id).with_for_update()
                self._turn(connection, connection.execute(found), own.fallback)

    def _turn(
        self, connection: sa.Connection, rows: sa.CursorResult[tuple[object, ...]], fallback: str
    ) -> None:
        for row in rows.all():
            key = row.key if row.channel == _PLAIN else row.key.removesuffix(f"-{row.channel}")
            other = self._row(key, fallback, row.body, row.group_key)
            connection.execute(_insert(connection).values(other))
            turned = sa.update(OUTBOX).where(OUTBOX.c.id == row.id)
            connection.execute(turned.values(fell_back_at=self._clock.now()))


_OWED = DeliveryState.OWED


def _insert(connection: sa.Connection) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(OUTBOX).on_conflict_do_nothing(index_elements=["key"])


def _seen(state: str) -> DeliveryState:
    found = DeliveryState(state)
    return DeliveryState.SENT if found is DeliveryState.STANDING else found


def _mine(claimed: _Claimed) -> sa.ColumnElement[bool]:
    """Return whether a message is as it was claimed: nobody has settled or claimed it since."""
    state = DeliveryState.STANDING if claimed.again else _OWED
    return sa.and_(OUTBOX.c.attempts == claimed.tries, OUTBOX.c.state == state)


def _foldable(rows: sa.CursorResult[tuple[object, ...]]) -> Iterator[Waiting]:
    """Yield what a digest may name: nothing that concerns somebody, who is told alone."""
    for row in rows:
        if not notice(row.body).to:
            yield Waiting(row.key, row.body, row.created_at)


def _in_channel(key: str, channel: str) -> str:
    """Return a key as it stands in the table: webhooks' receivers know theirs without a name."""
    return key if channel == _PLAIN else f"{key}-{channel}"
