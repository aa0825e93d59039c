"""A monitor to test with: a catalogue in a few words, observations at exact instants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.clock import MINUTE, NOTHING, Clock, Duration, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.kinds import Around
from opskit.monitor.model import Observation, Registration, Seen, Spell
from opskit.monitor.record import Recorder
from opskit.monitor.rules import watched_from
from opskit.outside.database import Database
from opskit.records.ledger import Entry, Ledger, entries
from opskit.records.outbox import Outbox

TARGET = "shop/tcp"


def catalogue(**services: dict[str, Any]) -> Catalogue:
    """Return a catalogue; each service is given as its one probe."""
    whole = {name: {"owner": "web", "probes": [probe]} for name, probe in services.items()}
    return Catalogue.model_validate_json(json.dumps({"services": whole}), strict=True)


def tcp(address: str = "127.0.0.1:1", **settings: str) -> dict[str, Any]:
    """Return the settings of a TCP probe that is quick to give up."""
    return {"kind": "tcp", "address": address, **QUICK, **settings}


def http(address: str, **settings: Any) -> dict[str, Any]:
    """Return the settings of an HTTP probe that is quick to give up."""
    return {"kind": "http", "url": f"http://{address}/", **QUICK, **settings}


# A try that begins a tenth of its timeout late tells nothing: it is long where that costs nothing.
QUICK = {"timeout": "5s", "confirm_after": "100ms"}
SHOP = catalogue(shop=tcp())


def observation(
    at: int, seen: Seen, reason: str = "", *, interval: int = MINUTE, target: str = TARGET
) -> Observation:
    """Return what a try saw at an instant."""
    return Observation(target, Instant(at), seen, reason, NOTHING, Duration(interval))


@dataclass(frozen=True)
class World:
    """A database, a stopped clock, and a recorder that has begun with one catalogue."""

    database: Database
    clock: FrozenClock
    recorder: Recorder

    @classmethod
    def made(
        cls, database: Database, clock: FrozenClock, *, channels: tuple[str, ...] = ()
    ) -> World:
        """Return a world in which `shop` is watched from now on."""
        recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock), channels)
        recorder.begin(SHOP)
        return cls(database, clock, recorder)

    def see(self, seen: Seen, reason: str = "", *, after: int = MINUTE) -> Observation:
        """Let time pass, then record what a try saw."""
        self.clock.advance(after)
        one = observation(self.clock.now(), seen, reason)
        self.recorder.record([one])
        return one

    def seal(self) -> None:
        """Seal what was seen so far."""
        self.recorder.seal(self.clock.now())

    def entries(self, kind: str = "") -> list[Entry]:
        """Return the ledger's entries, or those of one kind."""
        with self.database.read() as connection:
            return [one for one in entries(connection) if kind in {"", one.kind}]


def registration(
    since: int = 0, until: int | None = None, seen: Sequence[Observation] = ()
) -> Registration:
    """Return that `shop` is watched since an instant, and that these are all looks at it."""
    first = (seen[0].at, seen[0].interval) if seen else None
    return Registration(
        TARGET,
        "shop",
        Instant(since),
        1,
        watched_from(Instant(since), first),
        None if until is None else Instant(until),
    )


def each(observations: Iterable[Observation]) -> list[Spell]:
    """Return each observation as the spell that it is alone."""
    return [Spell.of(one) for one in observations]


def around(clock: Clock, root: Path = Path()) -> Around:
    """Return what a probe may use besides the network: nothing."""
    return Around(root, clock, {})


def window(start: int, end: int) -> Interval:
    """Return the interval between two instants."""
    return Interval(Instant(start), Instant(end))


def in_order(observations: Iterable[Observation]) -> list[Observation]:
    """Return observations by time."""
    return sorted(observations, key=lambda one: one.at)
