"""A pass: rules are evaluated, what became of alerts is written, whom they concern is told.

All that a pass writes, evidence and messages owed included, is written together or not at all: a
process that is killed leaves what the pass before has left, and the next one does it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from opskit.alerts.circumstances import Around, settled, situation
from opskit.alerts.firing import Firing, State
from opskit.alerts.following import Followed, Found, followed
from opskit.alerts.handover import handed_over
from opskit.alerts.routing.flapping import steadied
from opskit.alerts.routing.groups import Notice
from opskit.alerts.routing.plan import Plan, unrouted
from opskit.alerts.routing.verdicts import Alert
from opskit.alerts.store import firings, notices, remembered, said, samples, shifts
from opskit.alerts.store.remembered import Remembered
from opskit.alerts.store.samples import Writer
from opskit.alerts.wording import lapsing, severity_of, worded
from opskit.core.clock import DAY, HOUR, MINUTE, Clock, Duration, Instant, iso
from opskit.core.notice import Notice as Told, as_body
from opskit.outside.database import Database
from opskit.records.ledger import Draft, Ledger
from opskit.records.outbox import Outbox

if TYPE_CHECKING:
    from opskit.alerts.engine import Engine, Page

# A silence's end is announced so long before it, or a tenth of its length if that is less.
_AHEAD = HOUR
_SHARE = 10
_HISTORY = Duration(35 * DAY)
_MS = 1_000
_SHORTEST = Duration(10 * MINUTE)


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass did: how many alerts began to fire, how many ended, how many messages it owed."""

    fired: int = 0
    over: int = 0
    owed: int = 0


@dataclass
class Watcher:
    """Passes over alerts. Without a plan nobody new is told; what fires is kept all the same."""

    database: Database
    ledger: Ledger
    outbox: Outbox
    clock: Clock
    plan: Plan = field(default_factory=unrouted)
    around: Around = field(default_factory=Around)
    history: Duration = _HISTORY
    _writer: Writer = field(default_factory=Writer)
    _prune_at: int = 0
    _routed: int = 0

    def restore(self, engine: Engine) -> None:
        """Let an engine go on where the one before it has ended."""
        end = self.clock.now() // _MS
        with self.database.read() as connection:
            seen = [
                samples.read(connection, names, end - length, end)
                for names, length in engine.reach.portions()
            ]
            engine.restore(firings.opened(connection), seen)

    def look(self, engine: Engine, page: Page) -> Passed:
        """Evaluate what is due over a page, and tell whom it concerns."""
        now = _whole(self.clock.now())
        found = engine.turn(page, now // _MS)
        with self.database.write() as connection:
            self._keep(connection, engine, page, now)
            return self._pass(connection, found, now)

    def _keep(self, connection: sa.Connection, engine: Engine, page: Page, now: Instant) -> None:
        """Write what was seen, and drop what is too old."""
        at = now // _MS
        self._writer.write(connection, at, engine.interval, engine.samples, page.hides)
        if now >= self._prune_at:
            self._prune_at = now + HOUR
            samples.prune(connection, (now - self.history) // _MS)

    def route(self) -> Passed:
        """Tell whom it concerns; nothing is evaluated."""
        now = self.clock.now()
        with self.database.read() as connection:
            if not self._stirs(connection, now):
                return Passed()
        with self.database.write() as connection:
            opened = firings.opened(connection)
            return Passed(owed=self._route(connection, opened, now, remembered.read(connection)))

    # Writing what became of alerts

    def _pass(self, connection: sa.Connection, found: Found, now: Instant) -> Passed:
        opened = firings.opened(connection)
        done = self._witnessed(connection, followed(opened, found, now), now)
        firings.change(connection, done.changed)
        firings.forget(connection, (one.id for one in done.gone))
        new = firings.add(connection, done.new)
        changed = {one.id: one for one in done.changed}
        gone = {one.id for one in done.gone}
        now_open = (*(changed.get(one.id, one) for one in opened if one.id not in gone), *new)
        before = _looked(remembered.read(connection), now_open, self.plan, now)
        owed = self._route(connection, now_open, now, before)
        return Passed(len(done.fired(now)), len(done.over(now)), owed)

    def _witnessed(self, connection: sa.Connection, done: Followed, now: Instant) -> Followed:
        """Write the evidence of what began to fire and what is over; return it with its refs."""
        told = (*done.fired(now), *done.over(now))
        entries = self.ledger.extend(connection, [_draft(one, now) for one in told])
        refs = {
            (one.rule, one.fingerprint): entry.seq for one, entry in zip(told, entries, strict=True)
        }
        return replace(
            done, new=tuple(_with(done.new, refs)), changed=tuple(_with(done.changed, refs))
        )

    # Telling

    def _stirs(self, connection: sa.Connection, now: Instant) -> bool:
        """Return whether there is anything that somebody may have to be told of, or to close."""
        known = remembered.read(connection).memory
        due = self.plan.router.due_at(known)
        if (due is not None and due <= now) or known.waiting:
            return True
        if firings.newest(connection) > self._routed:
            return True
        return bool(firings.over(connection, now) - self.plan.router.looks_after(known))

    def _route(
        self,
        connection: sa.Connection,
        opened: Sequence[Firing],
        now: Instant,
        before: Remembered,
    ) -> int:
        self._routed = max((one.id for one in opened), default=self._routed)
        plan = self.plan.taking(shifts.taken(connection, now))
        here = situation(connection, opened, self.around, now)
        memory, owed = plan.router.turn(
            before.memory, here, lambda receiver: plan.recipients(receiver, now)
        )
        self._owe(connection, owed, now)
        reminders = self._remind(connection, plan, here.alerts, now)
        on_call, news = handed_over(plan, before.on_call, here.alerts, now)
        for key, message, to in news:
            owe(self.outbox, connection, key, message, to)
        remembered.write(connection, before.rows, memory, on_call)
        firings.close(connection, settled(opened, memory, now), now)
        return len(owed) + reminders + len(news)

    def _owe(self, connection: sa.Connection, owed: Sequence[Notice], now: Instant) -> None:
        entries = self.ledger.extend(connection, [_told_draft(one) for one in owed])
        for one, entry in zip(owed, entries, strict=True):
            about = (*one.firing, *one.resolved)
            notices.keep(
                connection,
                notices.Owed(
                    key=one.key,
                    at=now,
                    group=str(one.group or ""),
                    occasion=one.occasion,
                    severity=severity_of(about),
                    told=tuple(sorted(one.to)),
                    firing=tuple(alert.fingerprint for alert in one.firing),
                    resolved=tuple(alert.fingerprint for alert in one.resolved),
                    refs=(entry.seq,),
                ),
            )
            owe(self.outbox, connection, one.key, worded(one, now), one.to)

    def _remind(
        self, connection: sa.Connection, plan: Plan, alerts: Sequence[Alert], now: Instant
    ) -> int:
        """Tell of silences that end soon and still keep something; return of how many."""
        count = 0
        for noted in said.silences(connection, now):
            one = noted.silence
            ahead = min(_AHEAD, (one.interval.end - one.interval.start) // _SHARE)
            due = one.interval.end - ahead <= now and ahead >= _SHORTEST // _SHARE
            muted = tuple(x for x in alerts if x.fires(now) and one.holds(x.labels, now))
            to = frozenset(plan.routes.contacts.get(one.by, ()))
            to = to or plan.recipients(plan.routes.route.receiver, now)
            if noted.reminded_at is not None or not (due and muted and to):
                continue
            said.reminded(connection, one.id, now)
            message = lapsing(one, muted, iso(one.interval.end), now)
            owe(self.outbox, connection, f"silence-{one.id}-{one.interval.end}", message, to)
            count += 1
        return count


def owe(
    outbox: Outbox, connection: sa.Connection, key: str, message: Told, to: Iterable[str]
) -> None:
    """Owe a message to each of its destinations, NAME or NAME:ADDRESS."""
    for destination in sorted(to):
        channel, _, address = destination.partition(":")
        own = replace(message, to=(address,), only_to=True) if address else message
        name = hashlib.sha256(f"{key}\n{address}".encode()).hexdigest()[:24]
        group = hashlib.sha256(f"{message.group}\n{address}".encode()).hexdigest()[:24]
        held = f"alert/{group}" if message.group else ""
        outbox.owe(connection, f"alert-{name}", channel, as_body(own), held)


def _looked(before: Remembered, opened: Iterable[Firing], plan: Plan, now: Instant) -> Remembered:
    """Return what is remembered after one more look at which alerts fire."""
    firing = {one.fingerprint for one in opened if one.state(now) is State.FIRING}
    steady = steadied(before.memory.steadiness, firing, plan.routes.flapping)
    return replace(before, memory=replace(before.memory, steadiness=steady))


def _whole(now: Instant) -> Instant:
    """Return an instant without what Prometheus's milliseconds cannot hold."""
    return Instant(now - now % _MS)


def _draft(one: Firing, now: Instant) -> Draft:
    data: dict[str, object] = {"alertname": one.name, "fingerprint": one.fingerprint}
    if one.ends_at == now:
        data["after"] = now - (one.starts_at or now)
        return Draft("alert.resolved", subject(one.fingerprint), data)
    data |= {
        "rule": one.rule,
        "severity": one.severity,
        "labels": dict(one.labels),
        "since": one.since,
    }
    return Draft("alert.fired", subject(one.fingerprint), data)


def _told_draft(one: Notice) -> Draft:
    # Addresses are of people: the ledger keeps for ever, so it has only the channels.
    channels = sorted({name.partition(":")[0] for name in one.to})
    return Draft(
        "alert.notified",
        f"notice/{hashlib.sha256(one.key.encode()).hexdigest()[:16]}",
        {
            "occasion": one.occasion,
            "channels": channels,
            "recipients": len(one.to),
            "firing": [alert.fingerprint for alert in one.firing],
            "resolved": [alert.fingerprint for alert in one.resolved],
        },
    )


def subject(fingerprint: str) -> str:
    """Return what the ledger calls an alert."""
    return f"alert/{fingerprint}"


def _with(some: Iterable[Firing], refs: dict[tuple[str, str], int]) -> Iterator[Firing]:
    for one in some:
        ref = refs.get((one.rule, one.fingerprint))
        yield one if ref is None else replace(one, refs=(*one.refs, ref))
