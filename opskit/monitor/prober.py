"""`monitor probe`: look at targets when they are due, confirm failures, have it written."""

from __future__ import annotations

import gc
import heapq
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from opskit.core.clock import NOTHING, SECOND, Clock, Duration, Instant, format_duration
from opskit.core.text import clean, shorten
from opskit.monitor import schedule
from opskit.monitor.catalogue import Target
from opskit.monitor.connectivity import CUT_OFF, Gate
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.looks import Ended, Looks
from opskit.monitor.model import Observation, Seen
from opskit.monitor.numbers import Numbers
from opskit.monitor.pulse import Pulse
from opskit.monitor.record import Recorder, Rewind
from opskit.monitor.schedule import Due
from opskit.monitor.witnesses import HERE, Testimony, Witnesses, verdict
from opskit.monitor.writer import Writer
from opskit.outside.transfers import room

# What begins or stands still for longer than this share of its timeout tells more of opskit.
_LATE = 10
# All of 10,000 targets that say nothing for 10 s, each tried twice a minute.
_IN_FLIGHT = 4_000
# A wall clock that moves against the monotonic one by more than this was set.
_STEP = 2 * SECOND
_SWITCH = 0.0002  # seconds
# However little is due: so soon it is noticed that somebody asks for the end, or set the clock.
_TURN = SECOND // 10
# References belong to others: however much fails, they are not asked more often than this.
_AROUND = SECOND

TOO_LATE = "opskit was too late to tell"

OnSeen = Callable[[Sequence[Observation]], None]


@dataclass
class _Tally:
    """Looks that ended, how many of them opskit was too late for, and how late all began."""

    looks: int = 0
    late: int = 0
    lateness: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A failure that was confirmed here and that others are asked about."""

    due: Due
    began: Instant
    own: Testimony
    others: list[Testimony] = field(default_factory=list)


class Prober:
    """Looks at targets when they are due; one thread decides, everything in flight side by side."""

    def __init__(
        self,
        targets: Sequence[Target],
        recorder: Recorder,
        around: Around,
        known: dict[str, Seen],
        gate: Gate | None = None,
        witnesses: Witnesses | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        self._targets = targets
        self._gate = gate or Gate()
        self._witnesses = witnesses
        self._numbers = numbers
        self._tick = schedule.tick([target.probe for target in targets])
        self._recorder = recorder
        self._clock: Clock = around.clock
        self._started_at = self._clock.now()
        self._tally = _Tally()
        self._known = dict(known)
        self._queue: list[Due] = []
        self._looks: Looks[Due | Asked] = Looks(around)
        self._room = room(_IN_FLIGHT)
        self._skew = self._wall_minus_monotonic()
        self._in_flight: dict[str, Instant] = {}
        self._held: list[Asked] = []
        self._again: set[str] = set()
        self._looking_around = False
        self._looked_around = -_AROUND
        self._last: dict[str, Seen] = {}
        self._rewind: Rewind | None = None
        self._repeat = False
        self._stopped = False
        self._writer: Writer | None = None

    def pulse(self) -> Pulse:
        """Return how the looking and the writing go; from any thread."""
        tally, writer = self._tally, self._writer
        fault = None if writer is None else writer.fault
        return Pulse(
            started_at=self._started_at,
            looks=tally.looks,
            late=tally.late,
            lateness=Duration(tally.lateness),
            in_flight=len(self._looks),
            waiting=0 if writer is None else writer.waiting,
            forgotten=0 if writer is None else writer.forgotten,
            fault="" if fault is None else fault.message,
        )

    def stop(self) -> None:
        """End the loop within a tenth of a second, from any thread; what was seen is kept."""
        self._stopped = True

    def once(self, on_seen: OnSeen) -> tuple[Observation, ...]:
        """Look at every target once, at failures twice; return the last observation of each."""
        now = self._clock.now()
        for target in (*self._gate.references, *self._targets):
            heapq.heappush(self._queue, Due(now, target.id, target, regular=False))
        last: dict[str, Observation] = {}
        try:
            for batch in filter(None, self._batches()):
                self._recorder.record(batch)
                on_seen(batch)
                last.update({one.target: one for one in batch if not one.location})
        finally:
            self._looks.close()
            if self._numbers is not None:
                self._numbers.flush(self._clock.now())
            self._recorder.seal(self._clock.now())
        return tuple(last[target.id] for target in self._targets)

    def loop(
        self, length: Duration | None, on_seen: OnSeen, on_written: Callable[[], None]
    ) -> None:
        """Look at every target at its interval, for `length` or until interrupted."""
        self._repeat = True
        start, now = self._clock.monotonic(), self._clock.now()
        if (looked := self._recorder.alive_at()) > now + _STEP:
            self._rewind = self._recorder.clock_stepped(looked, now, None)
        for target in (*self._gate.references, *self._targets):
            heapq.heappush(self._queue, schedule.first(target, now, len(self._targets)))
        with self._written(on_written) as writer:
            for batch in self._batches():
                if batch and not self._relived(batch):
                    writer.put(batch, self._settled(), at_once=self._is_news(batch))
                on_seen(batch)
                if length is not None and self._clock.monotonic() - start >= length:
                    return

    def _is_news(self, batch: Sequence[Observation]) -> bool:
        """Return whether something is not as it was; what was never seen before was nothing."""
        news = any(self._last.get(one.target, one.seen) is not one.seen for one in batch)
        self._last.update((one.target, one.seen) for one in batch if not one.location)
        return news

    @contextmanager
    def _written(self, on_written: Callable[[], None]) -> Iterator[Writer]:
        writer = self._writer = Writer(self._recorder, self._clock, on_written, self._numbers)
        patience = sys.getswitchinterval()
        gc.freeze()  # what is known from the start is never garbage, and takes long to go through
        # Writing must not keep what has come in waiting: it is stamped when it is looked at.
        sys.setswitchinterval(_SWITCH)
        try:
            yield writer
        finally:
            sys.setswitchinterval(patience)
            gc.unfreeze()
            self._looks.close()
            writer.close()

    def _batches(self) -> Iterator[tuple[Observation, ...]]:
        """Yield what was seen; ends when nothing is due or under way any more."""
        ticked = self._clock.monotonic()
        while not self._stopped and (self._queue or len(self._looks)):
            self._watch_the_clock()
            now = self._clock.monotonic()
            if now >= ticked:
                self._start_due()
                ticked = Duration(now + self._tick)
            ended = self._looks.poll(self._wait(ticked))
            yield tuple(one for each in ended for one in self._seen(each))

    def _wait(self, ticked: int) -> float:
        """Return the seconds until something may begin, at most a tenth of a second."""
        longest = _TURN
        if self._queue and len(self._looks) < self._room:
            until = max(self._queue[0].at - self._clock.now(), ticked - self._clock.monotonic())
            longest = min(longest, max(0, until))
        return longest / SECOND

    def _start_due(self) -> None:
        now = self._clock.now()
        if self._looking_around and self._clock.monotonic() - self._looked_around >= _AROUND:
            self._look_around(now)
        while self._queue and self._queue[0].at <= now and len(self._looks) < self._room:
            due = heapq.heappop(self._queue)
            self._in_flight[due.target_id] = due.at
            self._looks.start(due, due.target.probe)

    def _seen(self, ended: Ended[Due | Asked]) -> Iterator[Observation]:
        """Yield what a look saw: nothing if more must be known first, more if others looked too."""
        if isinstance(ended.key, Asked):
            yield from self._testified(ended.key, ended.sight)
            return
        due = ended.key
        began = Instant(ended.began + self._skew)
        seen, reason = self._judged(due, ended, self._late(due, began))
        if self._numbers is not None and ended.sight.facts and due.target.service:
            kind, facts = due.target.probe.kind, ended.sight.facts
            self._numbers.take(due.target_id, kind, began, facts)
        if self._gate.take(due.target, seen, ended.began):
            del self._in_flight[due.target_id]
            self._schedule(due, seen)
            yield from self._released()
            return
        asked = Asked(due, began, Testimony(HERE, seen, reason, ended.sight.took))
        if seen is Seen.DOWN and due.confirming and not self._gate.knows(due.failed):
            self._held.append(asked)
        else:
            yield from self._gated(asked)

    def _released(self) -> Iterator[Observation]:
        """Yield what waited for the references, once they have told who is cut off."""
        held, self._held = self._held, []
        for one in held:
            if self._gate.knows(one.due.failed):
                yield from self._gated(one)
            else:
                self._held.append(one)

    def _gated(self, asked: Asked) -> Iterator[Observation]:
        """Yield what a look saw, as far as somebody who may be cut off can tell."""
        due, own = asked.due, asked.own
        if own.seen is Seen.DOWN and self._gate.cut_off:
            own = replace(own, seen=Seen.UNKNOWN, reason=CUT_OFF)
        elif own.seen is Seen.DOWN and self._is_first(due):
            own = replace(own, seen=Seen.SUSPECT)
        if own.seen is Seen.DOWN and due.confirming and self._needed(due) > 1:
            self._ask(asked)
        else:
            yield self._observed(due, asked.began, own)

    def _needed(self, due: Due) -> int:
        return 0 if self._witnesses is None else self._witnesses.needed(due.target)

    def _ask(self, asked: Asked) -> None:
        """Have others look too, before a failure that was confirmed here counts."""
        witnesses, target = self._witnesses, asked.due.target

        def look() -> Sight:
            if witnesses is not None:
                asked.others.extend(witnesses.testify(target))
            seen, reason = verdict([asked.own, *asked.others], self._needed(asked.due))
            return Sight(seen, reason, asked.own.took)

        self._looks.call(asked, look)

    def _testified(self, asked: Asked, sight: Sight) -> Iterator[Observation]:
        """Yield what each location saw, and what all of them together say."""
        for one in asked.others:
            yield self._observation(asked.due, asked.began, one)
        whole = Testimony(HERE, sight.seen, sight.reason, sight.took)
        yield self._observed(asked.due, asked.began, whole)

    def _is_first(self, due: Due) -> bool:
        """Return whether a failure is the first of a stretch, which needs confirming."""
        return not due.confirming and self._known.get(due.target_id) is not Seen.DOWN

    def _observed(self, due: Due, began: Instant, what: Testimony) -> Observation:
        """Return what is to be written of a look, and have the next one made."""
        del self._in_flight[due.target_id]
        if what.seen is not Seen.SUSPECT:
            self._known[due.target_id] = what.seen
        self._schedule(due, what.seen)
        return self._observation(due, began, what)

    @staticmethod
    def _observation(due: Due, began: Instant, what: Testimony) -> Observation:
        return Observation(
            target=due.target_id,
            at=due.stands_for(began),
            seen=what.seen,
            reason=shorten(clean(what.reason), 200),
            took=what.took,
            interval=Duration(due.target.probe.interval),
            location=what.location,
        )

    def _late(self, due: Due, began: Instant) -> int:
        late = max(0, began - due.at)
        self._tally.looks += 1
        self._tally.lateness += late
        return late

    def _judged(self, due: Due, ended: Ended[Due | Asked], late: int) -> tuple[Seen, str]:
        """Return what a look saw, or that it came too late to tell."""
        sight, probe = ended.sight, due.target.probe
        slow = _slow(sight, probe.degraded_after)
        if max(late, ended.standstill) * _LATE > probe.timeout and (
            slow or sight.seen in {Seen.DOWN, Seen.DEGRADED}
        ):
            self._tally.late += 1
            return Seen.UNKNOWN, TOO_LATE
        return (Seen.DEGRADED, slow) if slow else (sight.seen, sight.reason)

    def _schedule(self, due: Due, seen: Seen) -> None:
        now = self._clock.now()
        if seen is Seen.SUSPECT:
            # Who looks once looked at the references at the same time.
            failed = self._clock.monotonic() if self._repeat else NOTHING
            heapq.heappush(self._queue, schedule.confirming(due, now, failed))
            self._looking_around = self._repeat
        elif due.target_id in self._again:
            self._again.remove(due.target_id)
            heapq.heappush(self._queue, Due(now, due.target_id, due.target, regular=False))
        elif self._repeat:
            # What was missed meanwhile is not made up for: two looks at once tell no more.
            heapq.heappush(self._queue, schedule.following(due.target, max(now, due.at)))

    def _look_around(self, now: Instant) -> None:
        """Bring the next looks at references forward: a failure waits for them.

        One that is under way is in no queue. It began before the failure, and is made again.
        """
        self._looking_around, self._looked_around = False, self._clock.monotonic()
        ids = {one.id for one in self._gate.references}
        self._again = {one for one in ids if one in self._in_flight}
        for one in self._queue:
            if one.target_id in ids and one.at > now:
                one.at, one.regular = now, False
        heapq.heapify(self._queue)

    def _settled(self) -> Instant:
        """Return the instant up to which nothing more will be seen."""
        under_way = (*self._in_flight.values(), *(one.at for one in self._queue[:1]))
        return Instant(min(under_way, default=self._clock.now()) - 1)

    def _watch_the_clock(self) -> None:
        """Notice a wall clock that was set, and begin the rhythm anew from where it is now."""
        skew = self._wall_minus_monotonic()
        step = skew - self._skew
        self._skew = skew
        if abs(step) <= _STEP:
            return
        now = self._clock.now()
        self._rewind = self._recorder.clock_stepped(Instant(now - step), now, self._rewind)
        for one in self._queue:
            one.at = Instant(one.at + step)
        if self._repeat:
            self._queue = [
                one if one.confirming else schedule.following(one.target, now)
                for one in self._queue
            ]
        heapq.heapify(self._queue)
        self._looking_around = self._repeat  # what waits for the references waits no longer for it

    def _relived(self, batch: Sequence[Observation]) -> bool:
        """Return whether these were seen at a time that the clock showed before.

        They may still be flips; they say nothing of that time, which now nobody can tell.
        """
        if self._rewind is None:
            return False
        now = self._clock.now()
        self._recorder.relive(batch, self._rewind, now)
        if now >= self._rewind.until:
            self._rewind = None
        return True

    def _wall_minus_monotonic(self) -> int:
        return self._clock.now() - self._clock.monotonic()


def _slow(sight: Sight, limit: int | None) -> str:
    """Return what to say of an answer that took too long; empty of one that did not."""
    if limit is None or sight.seen is not Seen.UP or sight.took <= limit:
        return ""
    return f"slower than {format_duration(limit)}"
