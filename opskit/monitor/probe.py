"""`monitor probe`: try targets, confirm failures, write what was seen."""

from __future__ import annotations

import hashlib
import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from opskit.core.clock import MINUTE, SECOND, Clock, Duration, Instant
from opskit.core.text import clean, shorten
from opskit.monitor import store
from opskit.monitor.model import Catalogue, Observation, Registration, Seen, Target
from opskit.monitor.probes import KINDS
from opskit.outside.database import Database
from opskit.outside.transfer import TransferResult, Transfers
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

# A try that begins later than this share of its timeout says more of opskit than of the target.
_LATE = 10
_SEAL_EVERY = MINUTE
_IN_FLIGHT = 200

OnSeen = Callable[[Sequence[Observation]], None]


@dataclass(frozen=True)
class Recorder:
    """Writes observations, the flips they make, and the deliveries those owe."""

    database: Database
    ledger: Ledger
    outbox: Outbox
    channels: tuple[str, ...] = ()

    def begin(self, catalogue: Catalogue) -> dict[str, Seen]:
        """Bring the list of watched targets up to the catalogue; return what is known of each."""
        with self.database.write() as connection:
            store.sync(connection, self.ledger, catalogue.targets())
            known = store.registrations(connection)
        return {name: one.seen for name, one in known.items() if one.seen is not None}

    def record(self, observations: Sequence[Observation]) -> None:
        """Write observations and what follows from them, all or nothing."""
        with self.database.write() as connection:
            known = store.registrations(connection)
            store.insert(connection, observations)
            for one in observations:
                known[one.target] = self._judged(connection, known[one.target], one)

    def _judged(
        self, connection: sa.Connection, known: Registration, one: Observation
    ) -> Registration:
        """Return what is known of a target now; a confirmed change of state is a flip.

        A suspect try is none, nor is one that was told too late.
        """
        if one.seen is Seen.SUSPECT or one.seen is known.seen:
            return known
        if known.seen_since is not None and one.at < known.seen_since:
            return known
        since = store.first_suspect(connection, one) if one.seen is Seen.DOWN else one.at
        store.set_seen(connection, one.target, one.seen, since)
        if known.seen is not None:
            self._flip(connection, known.seen, one, since)
        return replace(known, seen=one.seen, seen_since=since)

    def _flip(
        self, connection: sa.Connection, before: Seen, one: Observation, since: Instant
    ) -> None:
        data = {"from": before, "to": one.seen, "since": since, "reason": one.reason}
        entry = self.ledger.append(connection, "target.flipped", one.target, data)
        for channel in self.channels:
            key = f"flip-{entry.hash[:24]}"
            body = {"type": entry.kind, "target": one.target, "at": one.at, **data}
            self.outbox.owe(connection, key, channel, body)

    def seal(self) -> None:
        """Bind the observations so far into the ledger."""
        with self.database.write() as connection:
            store.seal(connection, self.ledger)


@dataclass(order=True)
class _Due:
    at: int
    target_id: str
    target: Target = field(compare=False)
    confirming: bool = field(compare=False, default=False)


@dataclass(frozen=True)
class _Try:
    """A try under way: when it was due and when it began, by both clocks."""

    due: _Due
    began_at: Instant
    late: Duration


class Prober:
    """Tries targets when they are due; one thread, everything in flight side by side."""

    def __init__(
        self, targets: Sequence[Target], recorder: Recorder, clock: Clock, known: dict[str, Seen]
    ) -> None:
        self._targets = targets
        self._recorder = recorder
        self._clock = clock
        self._known = dict(known)
        self._queue: list[_Due] = []
        self._transfers: Transfers[_Try] = Transfers()
        self._repeat = False

    def once(self, on_seen: OnSeen) -> tuple[Observation, ...]:
        """Try every target once, failures twice; return the last observation of each."""
        now = self._clock.monotonic()
        for target in self._targets:
            heapq.heappush(self._queue, _Due(now, target.id, target))
        last: dict[str, Observation] = {}
        with self._sealed():
            for batch in self._batches():
                on_seen(batch)
                last.update({one.target: one for one in batch})
        return tuple(last[target.id] for target in self._targets)

    def loop(self, length: Duration | None, on_seen: OnSeen) -> None:
        """Try every target at its interval, for `length` or until interrupted."""
        self._repeat = True
        start = self._clock.monotonic()
        for target in self._targets:
            heapq.heappush(self._queue, _Due(start + _offset(target), target.id, target))
        sealed = start
        with self._sealed():
            for batch in self._batches():
                on_seen(batch)
                now = self._clock.monotonic()
                if now - sealed >= _SEAL_EVERY:
                    self._recorder.seal()
                    sealed = now
                if length is not None and now - start >= length:
                    return

    @contextmanager
    def _sealed(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._transfers.close()
            self._recorder.seal()

    def _batches(self) -> Iterator[tuple[Observation, ...]]:
        """Yield what was seen, written already; ends when nothing is due or under way any more."""
        while self._queue or len(self._transfers):
            self._start_due()
            batch = tuple(self._seen(*ended) for ended in self._transfers.poll(self._wait()))
            if batch:
                self._recorder.record(batch)
            yield batch
            if not len(self._transfers):
                _pause(self._wait())

    def _wait(self) -> float:
        """Return the seconds until something is due, at most a tenth of a second."""
        if not self._queue:
            return 0.1
        return max(0.0, min(0.1, (self._queue[0].at - self._clock.monotonic()) / SECOND))

    def _start_due(self) -> None:
        now = self._clock.monotonic()
        while self._queue and self._queue[0].at <= now and len(self._transfers) < _IN_FLIGHT:
            due = heapq.heappop(self._queue)
            began = _Try(due, self._clock.now(), Duration(now - due.at))
            kind = KINDS[due.target.probe.kind]
            self._transfers.start(began, kind.request(due.target.probe))

    def _seen(self, began: _Try, result: TransferResult) -> Observation:
        due, probe = began.due, began.due.target.probe
        seen, reason = KINDS[probe.kind].judge(probe, result)
        if began.late * _LATE > probe.timeout and seen is Seen.DOWN:
            seen, reason = Seen.UNKNOWN, "opskit was too late to tell"
        # Only the first failure of a stretch needs confirming; a target known to be down is down.
        if (
            seen is Seen.DOWN
            and not due.confirming
            and self._known.get(due.target_id) is not Seen.DOWN
        ):
            seen = Seen.SUSPECT
        else:
            self._known[due.target_id] = seen
        self._schedule(due, seen)
        return Observation(
            target=due.target_id,
            at=began.began_at,
            seen=seen,
            reason=shorten(clean(reason), 200),
            took=Duration(result.phases.total),
            interval=Duration(probe.interval),
        )

    def _schedule(self, due: _Due, seen: Seen) -> None:
        probe, now = due.target.probe, self._clock.monotonic()
        if seen is Seen.SUSPECT:
            again = _Due(now + probe.confirm_after, due.target_id, due.target, confirming=True)
            heapq.heappush(self._queue, again)
        elif self._repeat:
            following = max(due.at + probe.interval, now)
            heapq.heappush(self._queue, _Due(following, due.target_id, due.target))


def _pause(seconds: float) -> None:
    # An event's wait follows the monotonic clock: a stepped wall clock cannot stretch it.
    threading.Event().wait(seconds)


def _offset(target: Target) -> int:
    """Return where in its interval a target starts, at most a second in: spread by its name."""
    digest = hashlib.sha256(target.id.encode()).digest()
    return int.from_bytes(digest[:4]) % min(target.probe.interval, SECOND)
