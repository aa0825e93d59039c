"""Who is down because of whom; what is said of a service itself is never changed by that."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pydantic
import pytest
import sqlalchemy as sa

from opskit.core.clock import FrozenClock
from opskit.core.interval import Interval, State
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.dependence import causes, needs
from opskit.monitor.model import Seen
from opskit.monitor.record import Recorder
from opskit.monitor.store import targets
from opskit.monitor.uptime import uptimes
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.monitor.test_flips import owed
from tests.monitor.test_policy import UTC
from tests.monitor.world import World, observation, tcp


def catalogue(**services: dict[str, Any]) -> Catalogue:
    """Return a catalogue; each service has a probe unless it is made of others."""
    whole = {
        name: {"owner": "web", **({} if "made_of" in more else {"probes": [tcp()]}), **more}
        for name, more in services.items()
    }
    return Catalogue.model_validate_json(json.dumps({"services": whole}), strict=True)


PLATFORM = catalogue(
    network={},
    database={"depends_on": ["network"]},
    cache1={}, cache2={}, cache3={},
    shop={"depends_on": ["database", {"any_of": ["cache1", "cache2", "cache3"], "needed": 2}]},
    platform={"made_of": ["shop", {"any_of": ["cache1", "cache2"]}]},
)  # fmt: skip


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ((), ()),
        (("shop",), ()),
        (("database",), ("database",)),
        (("database", "network"), ("network",)),
        (("network",), ()),  # the database is well without it
        (("cache1",), ()),
        (("cache1", "cache3"), ("cache1", "cache3")),
        (("cache1", "cache2", "database"), ("database", "cache1", "cache2")),
    ],
)
def test_the_cause_is_at_the_bottom(down: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert causes(PLATFORM, "shop", down) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("network", set()),
        ("database", {"network"}),
        ("platform", {"shop", "database", "network", "cache1", "cache2", "cache3"}),
    ],
)
def test_what_is_needed_is_found_all_the_way_down(name: str, expected: set[str]) -> None:
    assert needs(PLATFORM, name) == expected


@pytest.mark.parametrize(
    ("services", "says"),
    [
        ({"shop": {"depends_on": ["databse"]}, "database": {}}, "did you mean 'database'"),
        ({"shop": {"depends_on": ["shop"]}}, "shop -> shop"),
        ({"a": {"depends_on": ["b"]}, "b": {"made_of": ["c"]}, "c": {"depends_on": ["a"]}},
         "a -> b -> c -> a"),
        ({"a": {"depends_on": [{"any_of": ["b", "c"], "needed": 3}]}, "b": {}, "c": {}},
         "3 of 2 can never be"),
    ],
)  # fmt: skip
def test_what_cannot_be_needed_is_refused(services: dict[str, Any], says: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=says):
        catalogue(**services)


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    """Return a world in which the platform is watched, and messages are owed."""
    outbox = Outbox(database, clock)
    recorder = Recorder(database, Ledger(clock, "test"), outbox, ("webhook",), PLATFORM)
    recorder.begin(PLATFORM)
    return World(database, clock, recorder)


def see(world: World, **seen: Seen) -> None:
    world.clock.advance(60_000_000)
    now = world.clock.now()
    world.recorder.record(
        [observation(now, state, target=f"{name}/tcp") for name, state in seen.items()]
    )


def test_who_is_down_because_of_another_is_written_and_not_told(world: World) -> None:
    every = ("network", "database", "cache1", "cache2", "cache3", "shop")
    see(world, **dict.fromkeys(every, Seen.UP))
    see(world, network=Seen.DOWN)
    see(world, database=Seen.DOWN, shop=Seen.DOWN)
    flips = [json.loads(one.data).get("because_of") for one in world.entries("target.flipped")]
    assert flips == [None, ["network"], ["network"]]
    assert [body["target"] for _, body in owed(world)] == ["network/tcp"]


def test_that_it_is_over_is_always_told(world: World) -> None:
    see(world, database=Seen.UP, shop=Seen.UP)
    see(world, database=Seen.DOWN)
    see(world, shop=Seen.DOWN)
    see(world, shop=Seen.UP)
    assert [(body["target"], body["to"]) for _, body in owed(world)] == [
        ("database/tcp", "down"), ("shop/tcp", "up"),
    ]  # fmt: skip


def test_what_is_made_of_others_is_judged_at_each_instant(world: World) -> None:
    """Two caches down in turns cost the platform nothing; both at once cost their overlap."""
    start = world.clock.now()
    every = ("network", "database", "cache1", "cache2", "cache3", "shop")
    up = dict.fromkeys(every, Seen.UP)
    plan = [{}, {"cache1"}, {"cache1"}, {"cache1", "cache2"}, {"cache2"}, {"cache2"}, set()]
    for down in plan:
        see(world, **{name: Seen.DOWN if name in down else state for name, state in up.items()})
    with world.database.read() as connection:
        window = Interval(start, world.clock.now())
        found = {one.service: one for one in uptimes(connection, PLATFORM, window, UTC)}
    minute = 60_000_000
    assert found["cache1"].availability.totals.down == 3 * minute
    assert found["cache2"].availability.totals.down == 3 * minute
    assert found["platform"].availability.totals.down == minute
    assert [one.state for one in found["platform"].timeline][-1] is State.UP


def test_who_is_to_blame_is_looked_for_among_what_is_needed_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may go down at once: reading every target for each of them takes minutes."""
    read: list[set[str]] = []
    states = targets.states

    def counted(connection: sa.Connection, only: Collection[str] | None = None) -> Any:
        assert only is not None
        read.append(set(only))
        return states(connection, only)

    monkeypatch.setattr(targets, "states", counted)
    see(world, network=Seen.UP, database=Seen.UP)
    see(world, network=Seen.DOWN)
    see(world, database=Seen.DOWN)
    # Those that were seen, and for the last also what it needs.
    both, network, database = {"network/tcp", "database/tcp"}, {"network/tcp"}, {"database/tcp"}
    assert read == [both, network, database, network]
