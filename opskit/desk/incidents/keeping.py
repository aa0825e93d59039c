"""The incidents of a desk: opened, answered, ended, put together and taken apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant, iso
from opskit.core.errors import ConfigError, Refused
from opskit.core.interval import Interval
from opskit.core.redact import Redactor
from opskit.core.text import clean_block
from opskit.desk.incidents import store
from opskit.desk.incidents.model import Event, Incident, Kind, Opening, Severity, Status
from opskit.desk.incidents.timeline import as_data, opened_key
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, canonical, hold

_HINT = "opskit incident list"


@dataclass(frozen=True)
class Incidents:
    """Takes what people say of incidents; `by` is who that is."""

    database: Database
    ledger: Ledger
    clock: Clock
    by: str

    def open(self, opening: Opening) -> Incident:
        """Open an incident.

        Raises:
            Refused: it would begin ahead of now.
        """
        if opening.started_at > self.clock.now():
            raise Refused("an incident cannot begin ahead of now", hint="--started 10:30")
        with self.database.write() as connection:
            return opened(connection, self.ledger, opening, self.by)

    def one(self, name: str) -> Incident:
        """Return an incident by its name, `INC-7` or `7`.

        Raises:
            ConfigError: there is none.
        """
        with self.database.read() as connection:
            return _one(connection, name)

    def open_now(self) -> tuple[Incident, ...]:
        """Return the incidents that somebody still has to see to, oldest first."""
        with self.database.read() as connection:
            return store.open_(connection)

    def within(self, period: Interval) -> tuple[Incident, ...]:
        """Return the incidents of which something lies within a period, oldest first."""
        with self.database.read() as connection:
            return store.within(connection, period)

    def acknowledge(self, name: str, *, over: str = "") -> Incident:
        """Say that one has it in hand; `over` names who had it before and gives it up.

        Raises:
            Refused: it is over, or somebody else has it in hand.
        """

        def allowed(incident: Incident) -> None:
            _still_open(incident, "have in hand")
            if incident.owner not in ("", over):
                raise Refused(
                    f"{incident.name} is in the hands of {incident.owner}",
                    hint=f"opskit incident ack {incident.name} --from {incident.owner}",
                )

        return self._say(name, Kind.ACKNOWLEDGED, {}, allowed)

    def assign(self, name: str, owner: str) -> Incident:
        """Give an incident to somebody."""
        return self._say(name, Kind.ASSIGNED, {"owner": owner}, _is_open)

    def rate(self, name: str, severity: Severity) -> Incident:
        """Say how bad it is."""
        return self._say(name, Kind.RATED, {"severity": severity}, _not_merged)

    def note(self, name: str, text: str, at: Instant | None = None) -> Incident:
        """Write into the timeline what happened, or was found out."""
        return self._say(name, Kind.NOTED, {"text": text}, _not_merged, at)

    def link(self, name: str, what: str, other: str) -> Incident:
        """Say that a run, a grant, a ticket, a known fix belongs to it."""
        return self._say(name, Kind.LINKED, {"what": what, "name": other}, _not_merged)

    def mitigate(self, name: str, text: str, at: Instant | None = None) -> Incident:
        """Say that nobody is hit any more, although the cause is still there.

        Raises:
            Refused: that was said before, or it is over.
        """

        def allowed(incident: Incident) -> None:
            _still_open(incident, "mitigate")
            if incident.mitigated_at is not None:
                raise Refused(f"{incident.name} was mitigated {iso(incident.mitigated_at)}")

        return self._say(name, Kind.MITIGATED, {"text": text}, allowed, at)

    def resolve(
        self, name: str, cause: str, change: str = "", at: Instant | None = None
    ) -> Incident:
        """Say that it is over; `change` names what of ours brought it about, where that did.

        Raises:
            Refused: it is over already.
        """
        data = {"text": cause, "change": change}
        return self._say(name, Kind.RESOLVED, data, lambda one: _still_open(one, "resolve"), at)

    def reopen(self, name: str, text: str) -> Incident:
        """Say that it is back.

        Raises:
            Refused: it was not over.
        """

        def allowed(incident: Incident) -> None:
            _not_merged(incident)
            if incident.status is not Status.RESOLVED:
                raise Refused(f"{incident.name} is not resolved")

        return self._say(name, Kind.REOPENED, {"text": text}, allowed)

    def merge(self, name: str, into: str) -> Incident:
        """Say that an incident is the same as another; return that one.

        Raises:
            Refused: it is itself, or was merged already.
        """
        with self.database.write() as connection:
            hold(connection)
            one, other = _one(connection, name), _one(connection, into)
            if one.number == other.number:
                raise Refused(f"{one.name} cannot be merged into itself", hint=_HINT)
            _not_merged(one)
            _not_merged(other)
            if one.is_open and not other.is_open:
                raise Refused(
                    f"{other.name} is over and {one.name} is not",
                    hint=f"opskit incident reopen {other.name}, or merge the other way round",
                )
            data = {"into": str(other.number)}
            said(connection, self.ledger, one, Kind.MERGED, self.by, data)
            found = _one(connection, into)
            store.settle(connection, found)
            return found

    def split(self, name: str, keys: Sequence[str], opening: Opening) -> Incident:
        """Take events out of an incident and open another with them; return that one.

        Raises:
            Refused: it has no such event, or they are what opens it.
        """
        with self.database.write() as connection:
            hold(connection)
            incident = _one(connection, name)
            _not_merged(incident)
            events = {one.key: one for one in incident.events if one.incident == incident.number}
            moved = [events[key] for key in keys if key in events]
            if len(moved) < len(keys) or any(one.kind is Kind.OPENED for one in moved):
                raise Refused(
                    f"{incident.name} has no such event to take out",
                    hint=f"opskit incident show {incident.name}",
                )
            new = opened(connection, self.ledger, opening, self.by)
            data = {"keys": " ".join(keys), "into": str(new.number)}
            said(connection, self.ledger, incident, Kind.SPLIT, self.by, data)
            for one in moved:
                key = f"{new.number}-{one.key}"
                _write(connection, self.ledger, replace(one, key=key, incident=new.number))
            return settled(connection, new.number)

    def _say(
        self,
        name: str,
        kind: Kind,
        data: Mapping[str, str],
        allowed: Callable[[Incident], None],
        at: Instant | None = None,
    ) -> Incident:
        """Write an event, if it may follow; others who speak of incidents wait meanwhile."""
        with self.database.write() as connection:
            hold(connection)
            incident = _one(connection, name)
            allowed(incident)
            now = self.clock.now()
            when = now if at is None else at
            if not incident.opening.started_at <= when <= now:
                since = iso(incident.opening.started_at)
                raise Refused(
                    f"{iso(when)} is before {incident.name} began ({since}), or ahead of now"
                )
            return said(connection, self.ledger, incident, kind, self.by, data, when)


def opened(connection: sa.Connection, ledger: Ledger, opening: Opening, by: str) -> Incident:
    """Write a new incident in the caller's transaction."""
    number = store.reserve(connection)
    told = as_data(replace(opening, title=written(opening.title)))
    event = Event(opened_key(number), number, ledger.now(), Kind.OPENED, by, told)
    _write(connection, ledger, event)
    return settled(connection, number)


def said(
    connection: sa.Connection,
    ledger: Ledger,
    incident: Incident,
    kind: Kind,
    by: str,
    data: Mapping[str, str],
    at: Instant | None = None,
) -> Incident:
    """Write an event of an incident in the caller's transaction; return how it stands then."""
    when = ledger.now() if at is None else at
    key = f"{incident.number}-{kind}-{when}-{_digest(data)[:12]}-{len(incident.events)}"
    texts = {name: written(text) if name == "text" else text for name, text in data.items()}
    _write(connection, ledger, Event(key, incident.number, when, kind, by, texts))
    return settled(connection, incident.number)


def keyed(connection: sa.Connection, ledger: Ledger, event: Event) -> bool:
    """Write an event that has a key of its own; return whether it was not written before."""
    if store.known(connection, (event.key,)):
        return False
    _write(connection, ledger, event)
    return True


def settled(connection: sa.Connection, number: int) -> Incident:
    """Write where an incident stands now, and return it."""
    incident = store.one(connection, number)
    if incident is None:
        raise ConfigError(f"there is no incident INC-{number}", hint=_HINT)
    store.settle(connection, incident)
    return incident


def written(text: str) -> str:
    """Return what somebody typed, as it is kept: without control characters and secrets."""
    return Redactor()(clean_block(text)).strip()


def _write(connection: sa.Connection, ledger: Ledger, event: Event) -> None:
    # The ledger keeps for ever: it holds that something was said and a hash of it, not the words.
    kept = {"key": event.key, "at": event.at, "said": _digest(event.data)}
    entry = ledger.append(connection, f"incident.{event.kind}", f"INC-{event.incident}", kept)
    store.keep(connection, replace(event, seq=entry.seq))


def _digest(data: Mapping[str, str]) -> str:
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def _one(connection: sa.Connection, name: str) -> Incident:
    digits = name.upper().removeprefix("INC-")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
    found = store.one(connection, number) if number else None
    if found is None:
        raise ConfigError(f"there is no incident {name!r}", hint=_HINT)
    return found


def _not_merged(incident: Incident) -> None:
    if incident.into is not None:
        raise Refused(
            f"{incident.name} was merged into INC-{incident.into}", hint=f"use INC-{incident.into}"
        )


def _is_open(incident: Incident) -> None:
    _still_open(incident, "give to somebody")


def _still_open(incident: Incident, what: str) -> None:
    _not_merged(incident)
    if incident.resolved_at is not None:
        raise Refused(
            f"{incident.name} was resolved {iso(incident.resolved_at)}: nothing to {what}",
            hint=f"opskit incident reopen {incident.name}",
        )
