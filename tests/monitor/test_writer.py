"""Writing beside looking: what cannot be written now is written later, in order and once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from opskit.core.clock import SECOND, Instant, SystemClock
from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.monitor import writer as module
from opskit.monitor.model import Observation, Seen
from opskit.monitor.record import Recorder
from opskit.monitor.writer import Writer
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.monitor.live import soon
from tests.monitor.world import SHOP, observation

LOCKED = OutsideError("another process holds the database", retryable=True)
DAMAGED = ConfigError("the database is damaged", hint="restore a backup")


@dataclass(frozen=True)
class Refusing(Recorder):
    """A recorder whose database refuses as often as it is told to."""

    refusals: list[OpskitError] = field(default_factory=list)
    written: list[Observation] = field(default_factory=list)

    def record(self, observations: Sequence[Observation]) -> None:
        if self.refusals:
            raise self.refusals.pop()
        self.written.extend(observations)
        super().record(observations)


@pytest.fixture
def recorder(database: Database) -> Refusing:
    clock = SystemClock()
    found = Refusing(database, Ledger(clock, "test"), Outbox(database, clock))
    found.begin(SHOP)
    return found


def put(writer: Writer, *instants: int) -> None:
    seen = [observation(at, Seen.UP) for at in instants]
    writer.put(seen, Instant(max(instants) - 1), at_once=True)


def test_what_a_locked_database_refuses_is_written_once_it_opens(
    recorder: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 0.01)
    recorder.refusals.extend([LOCKED] * 5)
    writer = Writer(recorder, SystemClock(), lambda: None)
    put(writer, 10, 20)
    put(writer, 30)
    soon(lambda: not recorder.refusals and writer.fault is None, "written in the end")
    put(writer, 40)
    writer.close()
    assert [one.at for one in recorder.written] == [10, 20, 30, 40]


def test_why_nothing_is_written_now_can_be_seen(
    recorder: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY", 60.0)
    recorder.refusals.append(LOCKED)
    writer = Writer(recorder, SystemClock(), lambda: None)
    put(writer, 10)
    soon(lambda: writer.fault is LOCKED, "a fault")
    writer.close()
    assert [one.at for one in recorder.written] == [10]


def test_what_no_longer_fits_is_forgotten_oldest_first(
    recorder: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    monkeypatch.setattr(module, "_RETRY", 60.0)
    recorder.refusals.append(LOCKED)
    writer = Writer(recorder, SystemClock(), lambda: None)
    put(writer, 10, 20, 30, 40, 50)
    soon(lambda: writer.forgotten == 2, "two forgotten")
    writer.close()
    assert [one.at for one in recorder.written] == [30, 40, 50]


def test_what_will_never_be_written_ends_the_looking(recorder: Refusing) -> None:
    recorder.refusals.extend([DAMAGED] * 2)
    ended = threading.Event()
    writer = Writer(recorder, SystemClock(), ended.set)
    put(writer, 10)
    soon(lambda: not writer.alive, "the end of the writer")
    with pytest.raises(ConfigError, match="damaged"):
        put(writer, 20)
    with pytest.raises(ConfigError, match="damaged"):
        writer.close()
    assert not ended.is_set()


def test_what_changes_nothing_may_wait_and_is_written_at_the_end(recorder: Refusing) -> None:
    writer = Writer(recorder, SystemClock(), lambda: None)
    seen = [observation(at, Seen.UP, interval=3600 * SECOND) for at in (1, 2)]
    writer.put(seen, Instant(0), at_once=False)
    writer.close()
    assert [one.at for one in recorder.written] == [1, 2]
