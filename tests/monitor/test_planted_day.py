"""A day of planted outages, by a clock that jumps to what is due next.

The prober, its schedule and all that is written are the real ones; only looking takes no time of
ours, and what is seen is written at once.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Duration, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.monitor import present, prober
from opskit.monitor.kinds import Sight
from opskit.monitor.looks import Ended
from opskit.monitor.model import Observation, Seen
from opskit.monitor.probes.tcp import TcpProbe
from opskit.monitor.record import Recorder
from opskit.monitor.uptime import Past
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, verify
from opskit.records.outbox import Outbox
from tests.bench.planted import Span, joined, judged
from tests.monitor.world import around, catalogue, tcp

ANSWER = SECOND // 50
INTERVALS = {"quick": 20 * SECOND, "usual": MINUTE, "slow": 5 * MINUTE}
DAY_OF = catalogue(
    **{
        name: tcp(f"127.0.0.1:{number}", interval=f"{length // SECOND}s", confirm_after="5s")
        for number, (name, length) in enumerate(INTERVALS.items(), 1)
    }
)
# The longest a look may take; one that fails takes as long.
TIMEOUT = 5 * SECOND


def planted(chance: random.Random, interval: int, start: int, end: int) -> list[tuple[Span, bool]]:
    """Return when a service does not answer, and whether for long enough to be confirmed."""
    found: list[tuple[Span, bool]] = []
    at = start + 10 * MINUTE
    while True:
        at += int(chance.uniform(3 * interval, 2 * HOUR))
        outage = chance.random() < 2 / 3
        least = interval + 2 * TIMEOUT + 5 * SECOND
        length = (
            chance.uniform(least, least + HOUR / 2) if outage else chance.uniform(1, 4) * SECOND
        )
        if at + length >= end - 15 * MINUTE:
            return found
        found.append(((at, at + int(length)), outage))
        at += int(length)


@dataclass
class Ground:
    """What is really so, and the clock that everybody reads."""

    clock: FrozenClock
    silent: dict[str, list[Span]]

    def answers(self, name: str) -> bool:
        now = self.clock.now()
        return not any(start <= now < end for start, end in self.silent[name])


@dataclass
class Looking:
    """Looks that end at once, each taking its time from the clock."""

    ground: Ground
    ended: deque[Ended[Any]] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.ended)

    def start(self, key: Any, probe: TcpProbe) -> None:
        name = key.target.service
        began, well = self.ground.clock.monotonic(), self.ground.answers(name)
        sight = Sight(Seen.UP, "", Duration(ANSWER)) if well else Sight(Seen.DOWN, "silent")
        self.ended.append(Ended(key, sight, began, Duration(0)))

    def poll(self, seconds: float) -> list[Ended[Any]]:
        if not self.ended:
            self.ground.clock.advance(max(1, round(seconds * SECOND)))
        found = list(self.ended)
        self.ended.clear()
        return found

    def close(self) -> None:
        self.ended.clear()


@dataclass
class Writing:
    """Writes what it is given, a hundred at a time, in the thread that looks."""

    recorder: Recorder
    kept: list[Observation] = field(default_factory=list)
    fault: None = None
    waiting: int = 0
    forgotten: int = 0

    def put(self, batch: Sequence[Observation], settled: Instant, *, at_once: bool) -> None:
        self.kept.extend(batch)
        if len(self.kept) >= 100:
            self._write()

    def _write(self) -> None:
        self.recorder.record(self.kept)
        self.kept.clear()

    def close(self) -> None:
        self._write()
        self.recorder.seal(self.recorder.ledger.now())


@pytest.fixture
def recorder(database: Database, clock: FrozenClock) -> Recorder:
    return Recorder(database, Ledger(clock, "test"), Outbox(database, clock), ())


@pytest.mark.parametrize("seed", range(6))
def test_what_was_planted_is_what_is_told(
    seed: int,
    database: Database,
    clock: FrozenClock,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, start = random.Random(seed), clock.now()
    plan = {name: planted(chance, length, start, start + DAY) for name, length in INTERVALS.items()}
    ground = Ground(clock, {name: [span for span, _ in spans] for name, spans in plan.items()})
    monkeypatch.setattr(prober, "Looks", lambda _around: Looking(ground))
    monkeypatch.setattr(prober, "Writer", lambda recorder, *_: Writing(recorder))
    monkeypatch.setattr(prober, "_TURN", HOUR)

    def look(length: int) -> None:
        known = recorder.begin(DAY_OF)
        one = prober.Prober(DAY_OF.targets(), recorder, around(clock), known)
        one.loop(Duration(length), lambda _: None, lambda: None)

    look(9 * HOUR)
    killed = clock.now()
    clock.advance(47 * MINUTE)
    dead = [(int(killed), int(clock.now()))]
    look(start + DAY - clock.now())
    window = Interval(start, clock.now())
    with database.read() as connection:
        past = Past.read(connection, DAY_OF, window, ZoneInfo("UTC"))
    assert verify(database).broken_at is None
    for name, spans in plan.items():
        uptime = past.uptime(name)
        told = {**present.uptime_json(uptime), "intervals": present.intervals_json(uptime)}
        true = joined([span for span, outage in spans if outage])
        verdict = judged(name, true, told, INTERVALS[name] // SECOND, dead)
        assert verdict.ok, verdict
        assert verdict.true > 0
