"""A clock that is set while opskit looks: no time is invented, none is negative, none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, HOUR, SECOND, Duration, Instant, SystemClock
from opskit.core.interval import Interval, State
from opskit.monitor.model import Observation
from opskit.monitor.prober import Prober
from opskit.monitor.record import Recorder
from opskit.monitor.store import seals
from opskit.monitor.uptime import ServiceUptime, uptimes
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, entries, verify
from opskit.records.outbox import Outbox
from tests.monitor.servers import Server, page
from tests.monitor.world import around, catalogue, http

UTC = ZoneInfo("UTC")
YEARS = 10 * 365 * DAY


class SetClock:
    """The machine's clock, set by whoever likes to."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.by = 0

    def now(self) -> Instant:
        return Instant(self._system.now() + self.by)

    def monotonic(self) -> Duration:
        return self._system.monotonic()


class Enough(Exception):
    """Ends a loop, as Ctrl-C does."""


def watched(database: Database, clock: SetClock, steps: Sequence[int]) -> None:
    """Look at a server that is well; after each few looks the clock is set by the next step."""
    left = list(steps)
    looks = 0

    def seen(batch: Sequence[Observation]) -> None:
        nonlocal looks
        looks += len(batch)
        if looks >= 4:
            if not left:
                raise Enough
            looks, clock.by = 0, clock.by + left.pop(0)

    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    with Server(page()) as server:
        quick = http(server.address, interval="300ms", timeout="300ms")
        shop = catalogue(shop=quick)
        prober = Prober(shop.targets(), recorder, around(clock), recorder.begin(shop))
        with pytest.raises(Enough):
            prober.loop(None, seen, lambda: None)


def told(database: Database, start: int, end: int) -> ServiceUptime:
    shop = catalogue(shop=http("127.0.0.1:1", interval="300ms", timeout="300ms"))
    with database.read() as connection:
        assert seals.broken_seals(connection) == ()
        (found,) = uptimes(connection, shop, Interval(Instant(start), Instant(end)), UTC)
    assert verify(database).broken_at is None
    assert sum(one.length for one in found.timeline) == end - start
    assert all(one.length > 0 for one in found.timeline)
    return found


def steps(database: Database) -> int:
    with database.read() as connection:
        return sum(one.kind == "clock.stepped" for one in entries(connection))


@pytest.mark.parametrize("forward", [HOUR, DAY, YEARS], ids=["hour", "day", "ten years"])
def test_time_that_a_clock_jumped_over_is_unknown(database: Database, forward: int) -> None:
    clock = SetClock()
    start = clock.now()
    watched(database, clock, [forward])
    found = told(database, start, clock.now())
    time = found.availability.totals
    assert time.down == 0
    assert forward - 2 * SECOND < time.unknown <= forward
    assert 0 < time.up < 60 * SECOND
    (gap,) = [one for one in found.timeline if one.length > HOUR // 2]
    assert (gap.state, gap.reason.startswith("the clock was set forward by")) == (
        State.UNKNOWN,
        True,
    )
    assert steps(database) == 1


@pytest.mark.parametrize("back", [HOUR, DAY, YEARS], ids=["hour", "day", "ten years"])
def test_time_that_a_clock_shows_twice_counts_for_nothing(database: Database, back: int) -> None:
    clock = SetClock()
    begun = clock.now()
    watched(database, clock, [-back])
    end = clock.now()
    # Nothing was ever seen before it began; what comes after is known to be unknown.
    assert end < begun
    time = told(database, begun - back, begun - back + 30 * SECOND).availability.totals
    assert (time.up, time.down) == (0, 0)
    assert steps(database) == 1


def test_a_clock_that_was_wrong_for_a_while_loses_that_while_only(database: Database) -> None:
    clock = SetClock()
    start = clock.now()
    watched(database, clock, [YEARS, -YEARS, -HOUR, HOUR])
    found = told(database, start, clock.now())
    time = found.availability.totals
    assert time.down == 0
    assert time.up > SECOND  # before it, and after it
    assert steps(database) == 4


def test_a_clock_within_two_seconds_is_left_alone(database: Database) -> None:
    clock = SetClock()
    start = clock.now()
    watched(database, clock, [SECOND, -SECOND])
    assert steps(database) == 0
    assert told(database, start, clock.now()).availability.totals.down == 0
