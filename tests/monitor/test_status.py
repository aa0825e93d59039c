"""`monitor status`: what was not looked at lately is unknown, never up."""

from __future__ import annotations

import pytest

from opskit.core.clock import MINUTE, SECOND, FrozenClock, Instant
from opskit.core.errors import ExitCode
from opskit.core.interval import State
from opskit.monitor.model import Seen
from opskit.monitor.status import TargetStatus, statuses
from opskit.outside.database import Database
from tests.monitor.world import SHOP, World, catalogue, observation, tcp

HOLD = 5 * MINUTE // 2


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def status(world: World, later: int = 0) -> TargetStatus:
    """Return how the shop is, some time after the last try."""
    with world.database.read() as connection:
        (found,) = statuses(connection, SHOP, Instant(world.clock.now() + later))
    return found


def test_what_was_never_probed_is_unknown(world: World) -> None:
    found = status(world)
    assert (found.state, found.since, found.last_at) == (State.UNKNOWN, None, None)
    assert (found.reason, found.exit_code) == ("never probed", ExitCode.UNDETERMINED)


def test_what_is_not_even_registered_is_unknown(database: Database, clock: FrozenClock) -> None:
    with database.read() as connection:
        (found,) = statuses(connection, SHOP, clock.now())
    assert found.exit_code == ExitCode.UNDETERMINED


@pytest.mark.parametrize(
    ("seen", "state", "code"),
    [
        (Seen.UP, State.UP, ExitCode.OK),
        (Seen.DOWN, State.DOWN, ExitCode.FINDINGS),
        (Seen.UNKNOWN, State.UNKNOWN, ExitCode.UNDETERMINED),
    ],
)
def test_what_was_seen_last_holds(world: World, seen: Seen, state: State, code: ExitCode) -> None:
    one = world.see(seen, "reason")
    found = status(world, HOLD - 1)
    assert (found.state, found.exit_code, found.reason) == (state, code, "reason")
    assert (found.since, found.last_at) == (one.at, one.at)


@pytest.mark.parametrize("seen", list(Seen))
def test_beyond_its_hold_nothing_is_known(world: World, seen: Seen) -> None:
    one = world.see(seen)
    found = status(world, HOLD)
    assert (found.state, found.exit_code) == (State.UNKNOWN, ExitCode.UNDETERMINED)
    assert (found.since, found.reason) == (one.at + HOLD, "not probed since")


def test_one_failure_decides_nothing(world: World) -> None:
    world.see(Seen.UP)
    world.see(Seen.SUSPECT, "refused")
    found = status(world, SECOND)
    assert (found.state, found.exit_code) == (State.UP, ExitCode.OK)
    assert found.reason == "one failure, not confirmed: refused"


def test_one_failure_and_nothing_before_is_unknown(world: World) -> None:
    world.see(Seen.SUSPECT, "refused")
    assert status(world, SECOND).state is State.UNKNOWN


def test_down_is_since_the_first_failure(world: World) -> None:
    world.see(Seen.UP)
    first = world.see(Seen.SUSPECT)
    world.see(Seen.DOWN)
    assert status(world).since == first.at


def test_the_worst_comes_first(database: Database, clock: FrozenClock) -> None:
    world = World.made(database, clock)
    watched = catalogue(up=tcp(), down=tcp(), unknown=tcp())
    world.recorder.begin(watched)
    clock.advance(MINUTE)
    world.recorder.record(
        [
            observation(clock.now(), Seen.UP, target="up/tcp"),
            observation(clock.now(), Seen.DOWN, target="down/tcp"),
        ]
    )
    with database.read() as connection:
        found = statuses(connection, watched, clock.now())
    assert [one.service for one in found] == ["down", "unknown", "up"]


def test_nobody_vouches_for_a_time_in_which_nobody_looked(world: World) -> None:
    world.recorder.record([observation(world.clock.now(), Seen.DOWN)])
    world.clock.advance(60 * MINUTE)
    world.recorder.begin(SHOP)
    world.recorder.record([observation(world.clock.now(), Seen.DOWN)])
    found = status(world)
    assert (found.state, found.since) == (State.DOWN, world.clock.now())
