"""What other locations saw is kept apart from what was seen here, and listed in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.core.clock import MINUTE, Instant
from opskit.core.interval import Interval
from opskit.monitor.model import Observation, Seen
from opskit.monitor.store import spells
from opskit.monitor.store.locations import sightings
from tests.monitor.world import TARGET, World, observation


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def from_there(at: int, seen: Seen, location: str) -> Observation:
    return replace(observation(at, seen, "" if seen is Seen.UP else "refused"), location=location)


def test_they_are_listed_by_time_and_bounded_by_the_window(world: World) -> None:
    start = world.clock.now()
    seen = [
        (1, Seen.UP, "web2"),
        (1, Seen.DOWN, "db1"),
        (5, Seen.DOWN, "web2"),
        (9, Seen.UNKNOWN, "web2"),
    ]
    with world.database.write() as connection:
        ours = [observation(start + 1 * MINUTE, Seen.DOWN, "refused")]
        theirs = [from_there(start + at * MINUTE, what, where) for at, what, where in seen]
        spells.insert(connection, [*ours, *theirs], 0)
    whole = Interval(start, Instant(start + 60 * MINUTE))
    with world.database.read() as connection:
        every = sightings(connection, whole, [TARGET])
        some = sightings(connection, Interval(Instant(start + 2 * MINUTE), whole.end), [TARGET])
        none = sightings(connection, whole, ["mail/tcp"])
    assert [(one.location, one.spell.seen) for one in every] == [
        ("db1", Seen.DOWN),
        ("web2", Seen.UP),
        ("web2", Seen.DOWN),
        ("web2", Seen.UNKNOWN),
    ]
    assert every[0].spell.reason == "refused"
    assert some == every[2:]
    assert none == ()
