"""What serving does for access in each round, on targets in memory."""

from __future__ import annotations

from opskit.access.deciding import Word, decide
from opskit.access.lifecycle import GrantState
from opskit.access.requesting import request
from opskit.access.store import grants
from opskit.core.clock import HOUR, FrozenClock
from opskit.upkeep import AccessUpkeep
from tests.access.world import World, ask


def upkeep(world: World) -> AccessUpkeep:
    return AccessUpkeep(lambda: True, lambda: world.as_("bob"))


def test_what_is_over_ends_and_what_is_due_starts(world: World, clock: FrozenClock) -> None:
    one = request(world.as_("alice"), ask()).request
    decide(world.as_("bob"), one.id, Word("bob", "approve"))
    done = upkeep(world).go()
    assert done is not None
    assert [grant.state for grant in done.moved] == [GrantState.ACTIVE]
    clock.advance(2 * HOUR)
    done = upkeep(world).go()
    assert done is not None
    assert [g.state for g in done.moved] == [GrantState.REVOKED]
    assert not world.kind.opens("web1", "alice")


def test_a_place_that_could_not_be_reached_is_tried_again(world: World, clock: FrozenClock) -> None:
    world.kind.fences = False
    world.kind.unreachable.add("web1")
    one = request(world.as_("alice"), ask()).request
    decide(world.as_("bob"), one.id, Word("bob", "approve"))
    upkeep(world).go()
    world.kind.unreachable.clear()
    clock.advance(HOUR)
    upkeep(world).go()
    with world.database.read() as connection:
        assert grants.one(connection, 1).state is GrantState.ACTIVE


def test_nothing_is_done_where_access_is_not_configured(world: World) -> None:
    def never() -> object:
        raise AssertionError

    assert AccessUpkeep(lambda: False, never).go() is None  # type: ignore[arg-type]  # never asked
