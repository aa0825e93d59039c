"""`monitor maintenance`: announce work, end it, and notice when it goes on for too long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import Field

from opskit.core.clock import Duration, Instant, parse_instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.dependence import not_up
from opskit.monitor.model import Seen
from opskit.monitor.settings import Name
from opskit.monitor.store import maintenance, spells, targets
from opskit.monitor.store.maintenance import Maintenance
from opskit.monitor.windows import parts, recurring
from opskit.outside.database import Database
from opskit.outside.fields import Span
from opskit.outside.models import Model
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox


class Announcement(Model):
    """Work on services as it is announced from elsewhere, as JSON."""

    services: tuple[Name, ...] = Field(min_length=1, max_length=1_000)
    length: Span = Field(alias="for", gt=0, description="how long at most, like 2h")
    reason: str = Field(min_length=1, max_length=500)
    at: str = Field(default="", max_length=40, description="when it begins; now, where not given")
    until_healthy: bool = False

    def window(self, now: Instant, zone: ZoneInfo) -> Interval:
        """Return the time it covers.

        Raises:
            ConfigError: it is none, or has begun already.
        """
        return ahead(self.at or None, Duration(self.length), now, zone)


def ahead(start: str | None, length: Duration, now: Instant, zone: ZoneInfo) -> Interval:
    """Return a time that begins now or at `start`; the past cannot be announced.

    Raises:
        ConfigError: it is none, or has begun already.
    """
    try:
        begin = now if start is None else parse_instant(start, zone)
    except ValueError as error:
        raise ConfigError(str(error), hint="2026-12-01T22:00") from error
    if begin < now:
        raise ConfigError("work that has begun cannot be announced", hint="leave out --at")
    return Interval(begin, Instant(begin + length))


@dataclass(frozen=True)
class Announcements:
    """Writes what work is announced, and what became of it.

    `through` is the way by which somebody announces who has no account here. `catalogue` tells
    what services are made of.
    """

    database: Database
    ledger: Ledger
    outbox: Outbox
    channels: tuple[str, ...] = ()
    through: str = ""
    catalogue: Callable[[], Catalogue] | None = None

    def open(
        self,
        services: Collection[str],
        interval: Interval,
        reason: str,
        *,
        until_healthy: bool = False,
    ) -> tuple[int, ...]:
        """Announce work on some services; return a number for each."""
        with self.database.write() as connection:
            return tuple(
                self._open(connection, name, interval, reason, until_healthy) for name in services
            )

    def _open(
        self,
        connection: sa.Connection,
        service: str,
        interval: Interval,
        reason: str,
        until_healthy: bool,  # a column
    ) -> int:
        data = {"from": interval.start, "until": interval.end, "reason": reason, **self._through}
        entry = self.ledger.append(connection, "maintenance.opened", service, data)
        return maintenance.insert(
            connection,
            service=service,
            began_at=interval.start,
            planned_until=interval.end,
            until_healthy=int(until_healthy),
            reason=reason,
            opened_seq=entry.seq,
        )

    @contextmanager
    def during(self, services: Collection[str], reason: str, longest: int) -> Iterator[None]:
        """Announce work for as long as this lasts, at most `longest` microseconds.

        Where opskit is killed meanwhile it ends by itself, and is told of if a service is down.
        """
        now = self.ledger.now()
        numbers = self.open(services, Interval(now, Instant(now + longest)), reason)
        try:
            yield
        finally:
            self.close(numbers, "the run has ended")

    def close(self, numbers: Collection[int], why: str = "done") -> tuple[Maintenance, ...]:
        """End work that is announced; return what was ended.

        Raises:
            ConfigError: a number is none of an open maintenance; nothing is ended.
        """
        now = self.ledger.now()
        with self.database.write() as connection:
            known = {one.id: one for one in maintenance.still_open(connection)}
            for number in numbers:
                if number not in known:
                    raise ConfigError(
                        f"no maintenance {number} is open", hint="opskit monitor maintenance list"
                    )
            found = tuple(known[number] for number in numbers)
            for one in found:
                self._close(connection, one, now, why)
            return found

    def _close(self, connection: sa.Connection, one: Maintenance, now: Instant, why: str) -> None:
        """End one; what ends after its time ends when it was to end."""
        at = Instant(max(one.began_at, min(now, one.planned_until)))
        data = {"maintenance": one.id, "at": at, "why": why, **self._through}
        entry = self.ledger.append(connection, "maintenance.closed", one.service, data)
        maintenance.close(connection, one.id, at, entry.seq)

    @property
    def _through(self) -> dict[str, str]:
        return {"through": self.through} if self.through else {}

    def settle(self) -> None:
        """End what is over: its time has passed, or the service went down in it and is well again.

        Where a service is not well when the time has passed, that is said: from then on it counts.
        """
        now = self.ledger.now()
        with self.database.read() as connection:
            found = maintenance.still_open(connection)
        if not any(one.planned_until <= now or one.until_healthy for one in found):
            return
        with self.database.write() as connection:
            for one in maintenance.still_open(connection):
                if one.planned_until <= now:
                    if not self._is_well(connection, one.service):
                        self._overrun(connection, one)
                    self._close(connection, one, now, "its time has passed")
                elif one.until_healthy and self._is_well_again(connection, one, now):
                    self._close(connection, one, now, "the service is well again")

    def _overrun(self, connection: sa.Connection, one: Maintenance) -> None:
        data = {"maintenance": one.id, "until": one.planned_until, "reason": one.reason}
        entry = self.ledger.append(connection, "maintenance.overrun", one.service, data)
        for channel in self.channels:
            body = {"type": entry.kind, "service": one.service, "at": entry.at, **data}
            self.outbox.owe(connection, f"overrun-{one.id}", channel, body)

    def _known(self, service: str) -> Catalogue | None:
        """Return the catalogue, if the service is still in it."""
        catalogue = self.catalogue() if self.catalogue else None
        return catalogue if catalogue and service in catalogue.services else None

    def _is_well(self, connection: sa.Connection, service: str) -> bool:
        catalogue = self._known(service)
        bad = {name: name for name in _parts(catalogue, service) if _is_bad(connection, name)}
        return not (bad if catalogue is None else not_up(catalogue, service, bad))

    def _is_well_again(self, connection: sa.Connection, one: Maintenance, now: Instant) -> bool:
        """Return whether it was down in a maintenance, and has been up for two looks since."""
        if not self._is_well(connection, one.service):
            return False
        window = Interval(one.began_at, Instant(max(now, one.began_at)))
        names = _parts(self._known(one.service), one.service)
        watched = [target for name in names for target in _of_service(connection, name)]
        for seen in spells.within(connection, window, watched).values():
            inside = [spell for spell in seen if spell.last_at >= one.began_at]
            if any(spell.seen is Seen.DOWN for spell in inside):
                last = inside[-1]
                return last.seen is Seen.UP and last.last_at - last.began_at >= last.interval
        return False


def _parts(catalogue: Catalogue | None, service: str) -> tuple[str, ...]:
    """Return a service and what it is made of, each once."""
    return (service,) if catalogue is None else parts(catalogue, service)


def _is_bad(connection: sa.Connection, service: str) -> bool:
    """Return whether a probe of the service itself last said that it is not up."""
    states = targets.states(connection, _of_service(connection, service))
    return any(seen not in {Seen.UP, Seen.DEGRADED, None} for seen, _ in states.values())


def _of_service(connection: sa.Connection, service: str) -> list[str]:
    known = targets.registrations(connection).values()
    return [one.target for one in known if one.service == service and one.until is None]


@dataclass(frozen=True, slots=True)
class Planned:
    """Work that is announced or comes again: open now, or ahead."""

    name: str
    service: str
    start: Instant
    end: Instant
    state: str
    reason: str


def planned(
    connection: sa.Connection, catalogue: Catalogue, now: Instant, until: Instant, zone: ZoneInfo
) -> tuple[Planned, ...]:
    """Return the work between two instants, in order."""
    window, own = Interval(now, until), catalogue.timezone or zone
    found = [
        Planned(
            f"M-{one.id}",
            one.service,
            one.began_at,
            one.planned_until,
            "overrun" if one.planned_until <= now else "open" if one.began_at <= now else "ahead",
            one.reason,
        )
        for one in maintenance.still_open(connection)
        if one.began_at < until
    ]
    for name in catalogue.services:
        for again in recurring(catalogue, name, window, own):
            state = "open" if again.start <= now else "ahead"
            found.append(Planned("", name, again.start, again.end, state, again.reason))
    return tuple(sorted(found, key=lambda one: (one.start, one.service, one.name)))
