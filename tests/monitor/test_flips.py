"""A flip is one confirmed change of state: one ledger entry, one message owed, no more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import MINUTE, SECOND, FrozenClock
from opskit.core.errors import OutsideError
from opskit.monitor.model import Seen
from opskit.monitor.store import spells, targets
from opskit.outside.database import Database
from opskit.records.owed import OUTBOX
from tests.monitor.test_store import forget
from tests.monitor.world import SHOP, TARGET, World, catalogue, observation, tcp

UP, DOWN, SUSPECT, UNKNOWN = Seen.UP, Seen.DOWN, Seen.SUSPECT, Seen.UNKNOWN


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def flips(world: World) -> list[tuple[str, str]]:
    """Return (from, to) of each flip in the ledger."""
    data = [json.loads(one.data) for one in world.entries("target.flipped")]
    return [(one["from"], one["to"]) for one in data]


def test_the_first_thing_ever_seen_is_no_change(world: World) -> None:
    world.see(UP)
    assert flips(world) == []


def test_a_blip_is_no_flip(world: World) -> None:
    for seen in (UP, SUSPECT, UP, SUSPECT, UP):
        world.see(seen)
    assert flips(world) == []


def test_a_confirmed_failure_flips_once_from_its_first_try(world: World) -> None:
    world.see(UP)
    first = world.see(SUSPECT, "refused")
    world.see(DOWN, "refused", after=2 * SECOND)
    world.see(DOWN, "still refused")
    (entry,) = world.entries("target.flipped")
    assert (entry.subject, entry.actor) == (TARGET, "test")
    assert json.loads(entry.data) == {
        "from": "up", "to": "down", "since": first.at, "reason": "refused",
    }  # fmt: skip


def test_recovery_flips_at_the_first_good_try(world: World) -> None:
    for seen in (UP, SUSPECT, DOWN):
        world.see(seen)
    good = world.see(UP)
    assert flips(world) == [("up", "down"), ("down", "up")]
    assert json.loads(world.entries("target.flipped")[1].data)["since"] == good.at


def test_not_knowing_is_a_state_of_its_own(world: World) -> None:
    for seen in (UP, UNKNOWN, UNKNOWN, UP):
        world.see(seen)
    assert flips(world) == [("up", "unknown"), ("unknown", "up")]


def test_a_failure_after_not_knowing_counts_from_its_own_first_try(world: World) -> None:
    world.see(UP)
    world.see(UNKNOWN)
    first = world.see(SUSPECT)
    world.see(DOWN)
    assert json.loads(world.entries("target.flipped")[-1].data)["since"] == first.at


def test_what_came_in_late_does_not_overturn_what_is_newer(
    world: World, clock: FrozenClock
) -> None:
    for seen in (UP, SUSPECT, DOWN, UP):
        world.see(seen)
    late = observation(clock.now() - 30 * SECOND, DOWN, "told late")
    world.recorder.record([late])
    assert flips(world)[-1] == ("down", "up")
    with world.database.read() as connection:
        assert targets.registrations(connection)[TARGET].seen is UP


def test_the_same_observation_twice_flips_once(world: World) -> None:
    world.see(UP)
    one = world.see(DOWN)
    world.recorder.record([one])
    assert flips(world) == [("up", "down")]


def test_a_batch_flips_as_often_as_its_tries_one_by_one(world: World) -> None:
    start = world.clock.now()
    seen = (UP, SUSPECT, DOWN, DOWN, UP, UP, SUSPECT, UP)
    world.recorder.record(
        [observation(start + number * MINUTE, one) for number, one in enumerate(seen)]
    )
    assert flips(world) == [("up", "down"), ("down", "up")]
    assert json.loads(world.entries("target.flipped")[0].data)["since"] == start + MINUTE


def test_all_of_a_batch_is_written_or_nothing(world: World) -> None:
    world.see(UP)
    before = world.entries()
    stranger = observation(world.clock.now() + 1, UP, target="nobody/tcp")
    with pytest.raises(OutsideError, match=r"(?i)foreign key"):
        world.recorder.record([observation(world.clock.now() + 1, DOWN), stranger])
    assert world.entries() == before
    with world.database.read() as connection:
        assert spells.newest(connection)[TARGET].seen is UP


def test_each_target_flips_for_itself(database: Database, clock: FrozenClock) -> None:
    world = World.made(database, clock)
    world.recorder.begin(catalogue(shop=tcp(), mail=tcp()))
    for target, seen in (("shop/tcp", UP), ("mail/tcp", UP), ("mail/tcp", DOWN)):
        clock.advance(MINUTE)
        world.recorder.record([observation(clock.now(), seen, target=target)])
    assert [one.subject for one in world.entries("target.flipped")] == ["mail/tcp"]


def owed(world: World) -> list[tuple[str, dict[str, object]]]:
    """Return key and body of each message owed."""
    with world.database.read() as connection:
        rows = connection.execute(sa.select(OUTBOX.c.key, OUTBOX.c.body).order_by(OUTBOX.c.id))
        return [(row.key, json.loads(row.body)) for row in rows]


def test_a_flip_owes_a_message_in_the_same_breath(database: Database, clock: FrozenClock) -> None:
    world = World.made(database, clock, channels=("webhook",))
    for seen in (UP, SUSPECT, DOWN):
        world.see(seen, "refused")
    (entry,) = world.entries("target.flipped")
    ((key, body),) = owed(world)
    assert key == f"flip-{entry.hash[:24]}"
    assert body == {
        "type": "target.flipped", "target": TARGET, "at": clock.now(), "from": "up", "to": "down",
        "since": clock.now() - MINUTE, "reason": "refused",
    }  # fmt: skip


def test_without_a_channel_nothing_is_owed(world: World) -> None:
    for seen in (UP, DOWN):
        world.see(seen)
    assert owed(world) == []


_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)


@_SHARED
@given(st.lists(st.sampled_from(Seen), max_size=8))
def test_flips_are_the_changes_between_certain_tries(world: World, seen: Sequence[Seen]) -> None:
    before = len(flips(world))
    with world.database.write() as connection:
        forget(connection)
        connection.execute(sa.update(targets.TARGETS).values(seen=None, seen_since=None))
    tries = [world.see(one) for one in seen]
    certain = [one.seen for one in tries if one.seen is not SUSPECT]
    changes = [(str(first), str(then)) for first, then in pairwise(certain) if first is not then]
    assert flips(world)[before:] == changes
    with world.database.read() as connection:
        known = targets.registrations(connection)[TARGET]
    assert known.seen is (certain[-1] if certain else None)


def test_the_state_kept_is_the_last_certain_one(world: World) -> None:
    for seen in (UP, DOWN, SUSPECT):
        world.see(seen)
    with world.database.read() as connection:
        assert targets.registrations(connection)[TARGET].seen is DOWN


def test_beginning_again_knows_what_was_seen_before(world: World) -> None:
    for seen in (UP, DOWN):
        world.see(seen)
    assert world.recorder.begin(SHOP) == {TARGET: DOWN}
