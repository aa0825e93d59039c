"""Drills: a fault is made, the probe must see it, the message must go out, a human must answer.

Each step has its ledger entry. Nothing is locked while probes look and messages go out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from opskit.alerts.drill import DEAD, Drill, Sighting, hash_of, message, new_code
from opskit.alerts.store import drills as store
from opskit.core.clock import Clock, Duration, Instant, to_datetime
from opskit.core.errors import ConfigError, Conflict, Refused
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, hold
from opskit.records.outbox import Outbox


class Fault(Protocol):
    """Something that can be broken on purpose, and that the real probes look at."""

    def sighting(self) -> Sighting:
        """Break it, look, and return what was seen."""
        ...


@dataclass(frozen=True)
class Drills:
    """Begins drills, follows them, and takes the confirmation of who read the message.

    `send` delivers what is owed; `channels` are where it goes.
    """

    database: Database
    ledger: Ledger
    outbox: Outbox
    clock: Clock
    zone: ZoneInfo
    channels: Sequence[str]
    send: Callable[[], object]

    def begin(self, fault: Fault, within: Duration) -> Drill:
        """Go the whole way up to the message; a human has `within` to confirm it.

        Raises:
            ConfigError: there is no channel to send to.
            Conflict: another drill waits for its confirmation.
        """
        if not self.channels:
            raise ConfigError(
                "no channel is configured: there is nobody to be told",
                hint="add mail:, slack: or webhook: to opskit.yaml; see: opskit schema opskit",
            )
        self.settle()
        code, at = new_code(), self.clock.now()
        number = self._begun(code, at, Instant(at + within))
        sighting = fault.sighting()
        self._seen(number, sighting, code, Instant(at + within))
        if sighting.seen:
            self.send()
            self.settle()
        return self.one(number)

    def confirm(self, code: str) -> Drill:
        """Take the word of who read the message.

        Raises:
            ConfigError: no drill has that code.
            Refused: it was confirmed already, or its time is over.
        """
        self.settle()
        given = hash_of(code)
        found = next((one for one in self.list() if one.code_hash == given), None)
        if found is None:
            raise ConfigError("no drill has that code", hint="copy it from the message")
        if found.confirmed_at is not None:
            raise Refused(f"drill {found.id} is confirmed already", hint="opskit drill list")
        if found.missed_at is not None:
            raise Refused(
                f"drill {found.id} waited until {self._shown(found.deadline_at)}",
                hint="it counts as missed; begin another: opskit drill alerts",
            )
        self._confirmed(found)
        return self.one(found.id)

    def settle(self) -> None:
        """Write what has become of open drills: messages that went out, deadlines that passed."""
        now = self.clock.now()
        for drill in self.list():
            if drill.missed_at is None and drill.confirmed_at is None:
                self._follow(drill, now)

    def list(self) -> tuple[Drill, ...]:
        """Return every drill, oldest first."""
        with self.database.read() as connection:
            return store.every(connection)

    def one(self, number: int) -> Drill:
        """Return one drill that is there."""
        return next(one for one in self.list() if one.id == number)

    # The steps

    def _begun(self, code: str, at: Instant, until: Instant) -> int:
        with self.database.write() as connection:
            hold(connection)
            waiting = [one for one in store.every(connection) if one.state(at) == "waiting"]
            if waiting:
                raise Conflict(
                    f"drill {waiting[0].id} waits for its confirmation "
                    f"until {self._shown(waiting[0].deadline_at)}",
                    hint="confirm it with the code of its message, or wait until then",
                )
            number = store.begin(connection, at, until, hash_of(code))
            told = {"channels": list(self.channels), "until": until}
            entry = self.ledger.append(connection, "drill.begun", _subject(number), told)
            store.note(connection, number, entry.seq)
        return number

    def _seen(self, number: int, sighting: Sighting, code: str, until: Instant) -> None:
        """Write what the probe saw, and owe the message if it saw the fault."""
        kind = "drill.seen" if sighting.seen else "drill.unseen"
        with self.database.write() as connection:
            told = {"reason": sighting.reason}
            entry = self.ledger.append(connection, kind, _subject(number), told)
            values: dict[str, object] = {"seen": int(sighting.seen), "reason": sighting.reason}
            if sighting.seen:
                values["routes"] = json.dumps(dict.fromkeys(self.channels, "owed"))
                body = message(code, sighting, entry.at, self._shown(until))
                for channel in self.channels:
                    self.outbox.owe(connection, _key(number), channel, body)
            store.note(connection, number, entry.seq, values)

    def _follow(self, drill: Drill, now: Instant) -> None:
        routes = self._routes(drill)
        if routes != drill.routes:
            self._routed(drill, routes)
        if drill.seen is not False and now >= drill.deadline_at:
            with self.database.write() as connection:
                told = {"until": drill.deadline_at, "routes": dict(routes)}
                entry = self.ledger.append(connection, "drill.missed", _subject(drill.id), told)
                store.note(connection, drill.id, entry.seq, {"missed_at": now})

    def _routes(self, drill: Drill) -> Mapping[str, str]:
        """Return what became of the message in each channel it was owed to."""
        with self.database.read() as connection:
            found = self.outbox.states(connection, _key(drill.id), tuple(drill.routes))
        return {channel: found.get(channel, DEAD) for channel in drill.routes}

    def _routed(self, drill: Drill, routes: Mapping[str, str]) -> None:
        fresh = {name: state for name, state in routes.items() if state != drill.routes[name]}
        failed = DEAD in fresh.values()
        kind = "drill.unrouted" if failed else "drill.routed"
        with self.database.write() as connection:
            entry = self.ledger.append(connection, kind, _subject(drill.id), {"routes": fresh})
            values = {"routes": json.dumps(dict(routes), sort_keys=True)}
            store.note(connection, drill.id, entry.seq, values)

    def _confirmed(self, drill: Drill) -> None:
        with self.database.write() as connection:
            hold(connection)
            held = next(one for one in store.every(connection) if one.id == drill.id)
            if held.confirmed_at is not None or held.missed_at is not None:
                raise Conflict(f"drill {drill.id} was settled just now", hint="opskit drill list")
            told = {"after": self.clock.now() - drill.begun_at}
            entry = self.ledger.append(connection, "drill.confirmed", _subject(drill.id), told)
            store.note(connection, drill.id, entry.seq, {"confirmed_at": entry.at})

    def _shown(self, at: Instant) -> str:
        return f"{to_datetime(at, self.zone):%Y-%m-%d %H:%M %Z}"


def _subject(number: int) -> str:
    return f"drill/{number}"


def _key(number: int) -> str:
    return f"drill-{number}"
