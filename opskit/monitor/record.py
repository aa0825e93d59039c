"""Writing what was seen, the flips that makes, and the deliveries those owe, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant, format_duration
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.dependence import causes, needs
from opskit.monitor.model import HOLD, Observation, Seen
from opskit.monitor.store import gaps, seals, spells, targets
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

NOT_RUNNING = "opskit was not running"


@dataclass(frozen=True, slots=True)
class Rewind:
    """A time that the clock shows for the second time: the gap that says so, and its end."""

    gap: int
    until: Instant


@dataclass(frozen=True)
class Recorder:
    """Writes observations, the flips they make, and the deliveries those owe."""

    database: Database
    ledger: Ledger
    outbox: Outbox
    channels: tuple[str, ...] = ()
    catalogue: Catalogue | None = None

    def begin(self, catalogue: Catalogue) -> dict[str, Seen]:
        """Bring the list of watched targets up to the catalogue; return what is known of each.

        Where opskit did not look for longer than anything holds, that is written down.
        """
        wanted = catalogue.targets()
        with self.database.write() as connection:
            targets.sync(connection, self.ledger, wanted)
            self._missed(connection, min(int(HOLD * one.probe.interval) for one in wanted))
            known = targets.states(connection)
        return {name: seen for name, (seen, _) in known.items() if seen is not None}

    def _missed(self, connection: sa.Connection, hold: int) -> None:
        last, now = gaps.alive_at(connection), self.ledger.now()
        if 0 < last < now - hold:
            self._gap(connection, Interval(last, now), NOT_RUNNING)

    def _gap(self, connection: sa.Connection, gap: Interval, reason: str) -> None:
        data = {"since": gap.start, "until": gap.end, "reason": reason}
        self.ledger.append(connection, "monitoring.interrupted", "monitor", data)
        gaps.add(connection, gap, reason)

    def record(self, observations: Sequence[Observation]) -> None:
        """Write observations and what follows from them, all or nothing."""
        with self.database.write() as connection:
            # First, for its lock: nobody seals what is not written yet.
            sealed = seals.sealed_until(connection)
            spells.insert(connection, observations, sealed)
            gaps.keep_alive(connection, max((one.at for one in observations), default=Instant(0)))
            here = [one for one in observations if not one.location]
            known = targets.states(connection, {one.target for one in here})
            for one in here:
                known[one.target] = self._judged(connection, known[one.target], one)

    def _blamed(self, connection: sa.Connection, one: Observation) -> tuple[str, ...]:
        """Return the services that are down and that this one needs."""
        service = one.target.partition("/")[0]
        if self.catalogue is None or service not in self.catalogue.services:
            return ()
        # Many may go down at once: only what this one needs is read for it.
        needed = needs(self.catalogue, service)
        some = {one.id for one in self.catalogue.targets(tuple(needed))} if needed else ()
        states = targets.states(connection, some).items() if some else ()
        down = {name.partition("/")[0] for name, (seen, _) in states if seen is Seen.DOWN}
        return causes(self.catalogue, service, down - {service})

    def clock_stepped(self, before: Instant, now: Instant, rewind: Rewind | None) -> Rewind | None:
        """Write that the clock was set; return the time that comes twice by that, if any does.

        What it jumped over nobody saw. What it shows again cannot be told from what it showed
        first, so that time is unknown.
        """
        known_until = max(before, rewind.until if rewind else before)
        data = {"from": before, "to": now}
        with self.database.write() as connection:
            self.ledger.append(connection, "clock.stepped", "monitor", data)
            if now > before:
                how = f"the clock was set forward by {format_duration(now - before)}"
                gaps.add(connection, Interval(before, now), how)
            if now >= known_until:
                return None
            how = f"the clock was set back by {format_duration(known_until - now)}"
            gap = gaps.add(connection, Interval(now, now), how, ambiguous=True)
        return Rewind(gap, known_until)

    def relive(self, observations: Sequence[Observation], rewind: Rewind, now: Instant) -> None:
        """Write the flips of what was seen at a time that the clock showed before."""
        with self.database.write() as connection:
            gaps.extend(connection, rewind.gap, min(now, rewind.until))
            known = targets.states(connection)
            for one in observations:
                seen, _ = known[one.target]
                known[one.target] = self._judged(connection, (seen, None), one)

    def _judged(
        self,
        connection: sa.Connection,
        known: tuple[Seen | None, Instant | None],
        one: Observation,
    ) -> tuple[Seen | None, Instant | None]:
        """Return what is known of a target now; a confirmed change of state is a flip.

        A suspect try is none, nor is one that was told too late.
        """
        seen, since = known
        if one.seen is Seen.SUSPECT or one.seen is seen:
            return known
        if since is not None and one.at < since:
            return known
        since = one.at
        if one.seen is Seen.DOWN:
            since = spells.first_suspect(connection, one.target, one.at)
        targets.set_seen(connection, one.target, one.seen, since)
        if seen is not None:
            self._flip(connection, seen, one, since)
        return one.seen, since

    def _flip(
        self, connection: sa.Connection, before: Seen, one: Observation, since: Instant
    ) -> None:
        data = {"from": before, "to": one.seen, "since": since, "reason": one.reason}
        blamed = self._blamed(connection, one) if one.seen is Seen.DOWN else ()
        if blamed:
            data["because_of"] = list(blamed)
        entry = self.ledger.append(connection, "target.flipped", one.target, data)
        # Who is to blame has been told of already; that it is over is always told.
        for channel in () if blamed else self.channels:
            key = f"flip-{entry.hash[:24]}"
            body = {"type": entry.kind, "target": one.target, "at": one.at, **data}
            # That it is down and that it is up again arrive in this order.
            self.outbox.owe(connection, key, channel, body, f"target/{one.target}")

    def alive_at(self) -> Instant:
        """Return when opskit looked last."""
        with self.database.read() as connection:
            return gaps.alive_at(connection)

    def seal(self, until: Instant) -> None:
        """Bind the observations up to an instant into the ledger."""
        with self.database.write() as connection:
            seals.seal(connection, self.ledger, until)
