"""The outbox: deliveries owed to the outside, written with the state that caused them.

Send, then mark. A crash between the two repeats a message, with the same idempotency key; it
never loses one. A message that failed waits longer each time; one that can never succeed is
kept as dead, with its reason, and the ledger tells. Messages of one group go in order. A channel
that fails again and again rests; once it answers, what waited goes out, as a digest if it is much.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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
from opskit.records.messages import Delivered, Message, Sender, Terms
from opskit.records.owed import ALONE, OUTBOX, DeliveryState, ready

# The waits of the Standard Webhooks specification, in microseconds; then once a day.
_WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 24 * HOUR)
_PLAIN = "webhook"
# One message is claimed for this long; a sender that dies gives it up by doing nothing.
_CLAIM = 2 * MINUTE
# How soon what is to be said again is tried after a failure.
_SOON = 30 * SECOND


_USUAL = Terms()
_NONE: Mapping[str, Terms] = MappingProxyType({})


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
        counts = Counter[str]()
        self._set_back()
        self._fall_back(terms)
        if not self._any_is_ready(tuple(senders)):
            return Delivered(0, 0, 0)
        while counts.total() < limit:
            claimed = self._claim(tuple(senders), terms, limit - counts.total())
            if not claimed:
                break
            channel = claimed[0].message.channel
            counts += self._attempt(senders[channel], claimed, terms.get(channel, _USUAL))
        return Delivered(counts["sent"], counts["failed"], counts["dead"])

    # Claiming

    def _any_is_ready(self, channels: tuple[str, ...]) -> bool:
        """Return whether there is anything to send; asked before others are kept waiting."""
        with self._database.read() as connection:
            query = ready(self._clock.now(), channels).limit(1)
            return connection.execute(query).first() is not None

    def _claim(
        self, channels: tuple[str, ...], terms: Mapping[str, Terms], most: int
    ) -> tuple[_Claimed, ...]:
        """Claim the oldest that is ready, and what may be on its way to its channel with it."""
        now = self._clock.now()
        until = Instant(now + _CLAIM)
        with self._database.write() as connection:
            held = resting.hold(connection, channels)
            awake = [name for name, one in held.items() if one["rests_until"] <= now]
            first = connection.execute(ready(now, awake).limit(1)).first()
            if first is None:
                return ()
            tried = held[first.channel]["failures"] >= resting.RESTS_AFTER
            together = 1 if tried else min(most, terms.get(first.channel, _USUAL).together)
            more = ready(now, (first.channel,)).limit(together)
            rows = [first] if together == 1 else connection.execute(more).all()
            own = OUTBOX.c.id.in_([row.id for row in rows])
            taken = {"claimed_until": until, "attempts": OUTBOX.c.attempts + 1}
            connection.execute(sa.update(OUTBOX).where(own).values(taken))
            if tried:
                resting.tried(connection, first.channel, until)
        return tuple(map(_claimed, rows))

    # Sending and settling

    def _attempt(self, sender: Sender, claimed: Sequence[_Claimed], terms: Terms) -> Counter[str]:
        """Send outside any transaction, then mark; what is not sent in time is given back."""
        counts, sent = Counter[str](), list[tuple[_Claimed, Instant | None]]()
        begun = self._clock.now()
        try:
            for number, one in enumerate(claimed):
                if self._clock.now() > begun + _CLAIM // 2:
                    self._give_back(claimed[number:])
                    break
                try:
                    sent.append((one, sender.send(one.message)))
                    counts["sent"] += 1
                except OpskitError as error:
                    # In the order it happened: what arrived before must not end this one's rest.
                    self._settle(sent, terms)
                    sent.clear()
                    counts[self._postpone(one, error, terms)] += 1
                    if error.retryable:
                        self._give_back(claimed[number + 1 :])
                        break
        finally:
            self._settle(sent, terms)
        return counts

    def _give_back(self, claimed: Sequence[_Claimed]) -> None:
        """Let others send what was claimed and not tried."""
        if claimed:
            with self._database.write() as connection:
                for one in claimed:
                    self._mark(connection, one, claimed_until=0, attempts=one.tries - 1)

    def _settle(self, sent: Sequence[tuple[_Claimed, Instant | None]], terms: Terms) -> None:
        if not sent:
            return
        channel = sent[0][0].message.channel
        # What is told in order, and again, has more to settle than that it was sent.
        single = [(one, at) for one, at in sent if one.again or (one.group and at is not None)]
        plain = [one for one, at in sent if not one.again and not (one.group and at is not None)]
        with self._database.write() as connection:
            waited = resting.answered(connection, channel)
            for one, again_at in single:
                self._mark_sent(connection, one, again_at if one.group else None)
            self._mark_plain(connection, plain)
            self._mark_older(connection, channel, [one for one, _ in sent if one.group])
            keys = [one.message.key for one, _ in sent]
            named = (OUTBOX.c.channel == channel, OUTBOX.c.digest.in_(keys))
            parts = sa.update(OUTBOX).where(*named, OUTBOX.c.state == _OWED)
            connection.execute(parts.values(state=DeliveryState.SENT))
            if waited:
                self._recovered(connection, channel, terms)

    def _mark_plain(self, connection: sa.Connection, sent: Sequence[_Claimed]) -> None:
        if sent:
            own = (OUTBOX.c.id.in_([one.id for one in sent]), OUTBOX.c.state == _OWED)
            done = {"state": DeliveryState.SENT, "last_error": "", "claimed_until": 0}
            connection.execute(sa.update(OUTBOX).where(*own).values(done))

    def _mark_sent(
        self, connection: sa.Connection, claimed: _Claimed, again_at: Instant | None
    ) -> None:
        settled: dict[str, object] = {"state": DeliveryState.SENT}
        if again_at is not None:
            settled = {"state": DeliveryState.STANDING, "due_at": again_at}
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.id == claimed.id, sa.or_(_mine(claimed), OUTBOX.c.state == _OWED))
            .values(last_error="", claimed_until=0, **settled)
        )

    def _mark_older(
        self, connection: sa.Connection, channel: str, sent: Sequence[_Claimed]
    ) -> None:
        """Let what stands of a group be over once something newer of it was sent."""
        newest = {one.group: one.id for one in sent}
        own = (OUTBOX.c.channel == channel, OUTBOX.c.group_key.in_(newest))
        query = sa.select(OUTBOX.c.id, OUTBOX.c.group_key).where(*own, _STANDS) if newest else None
        rows = () if query is None else connection.execute(query).all()
        older = [row.id for row in rows if row.id < newest[row.group_key]]
        if older:
            over = sa.update(OUTBOX).where(OUTBOX.c.id.in_(older))
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
_STANDS = OUTBOX.c.state == DeliveryState.STANDING


def _claimed(row: sa.Row[tuple[object, ...]]) -> _Claimed:
    again = row.state == DeliveryState.STANDING
    # What is said again on purpose is no repeat that somebody should be warned of.
    tries = 0 if again else row.attempts
    message = Message(row.key, row.channel, row.body, tries)
    return _Claimed(row.id, row.group_key, message, again, row.attempts + 1)


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
