"""Announced work: it covers its time, ends by itself, and is told of when it lasts too long."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.maintenance import Announcements, planned
from opskit.monitor.model import Seen
from opskit.monitor.uptime import uptimes
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside
from tests.monitor.test_flips import owed
from tests.monitor.test_policy import UTC
from tests.monitor.world import SHOP, World, tcp


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def work(world: World, database: Database, clock: FrozenClock) -> Announcements:
    """Return who announces work, in a world where the shop is up."""
    world.see(Seen.UP)
    return Announcements(database, Ledger(clock, "ops"), Outbox(database, clock), ("webhook",))


def announce(work: Announcements, world: World, length: int, *, until_healthy: bool = False) -> int:
    now = world.clock.now()
    window = Interval(now, Instant(now + length))
    (number,) = work.open(["shop"], window, "new disks", until_healthy=until_healthy)
    return number


def states(world: World) -> list[str]:
    """Return what is still open or ahead."""
    now = world.clock.now()
    with world.database.read() as connection:
        found = planned(connection, SHOP, now, Instant(now + 24 * HOUR), UTC)
    return [one.state for one in found]


def down(world: World, since: int) -> int:
    with world.database.read() as connection:
        window = Interval(Instant(since), world.clock.now())
        (found,) = uptimes(connection, SHOP, window, UTC)
    return found.availability.totals.down


def test_it_covers_its_time_and_no_more(work: Announcements, world: World) -> None:
    start = world.clock.now()
    announce(work, world, 10 * MINUTE)
    for _ in range(15):
        world.see(Seen.DOWN)
    work.settle()
    assert down(world, start) == 15 * MINUTE - 10 * MINUTE


def test_it_may_be_ended_before_its_time(work: Announcements, world: World) -> None:
    start = world.clock.now()
    number = announce(work, world, 10 * MINUTE)
    for _ in range(4):
        world.see(Seen.DOWN)
    work.close([number])
    for _ in range(4):
        world.see(Seen.DOWN)
    assert down(world, start) == 4 * MINUTE
    assert states(world) == []
    with pytest.raises(ConfigError, match="no maintenance"):
        work.close([number])


def test_what_is_not_open_ends_nothing(work: Announcements, world: World) -> None:
    number = announce(work, world, HOUR)
    with pytest.raises(ConfigError, match="no maintenance 99"):
        work.close([number, 99])
    assert states(world) == ["open"]


def test_work_that_lasts_too_long_is_told_of_once(work: Announcements, world: World) -> None:
    end = world.clock.now() + 5 * MINUTE
    announce(work, world, 5 * MINUTE)
    for _ in range(7):
        world.see(Seen.DOWN)
        work.settle()
    assert len(world.entries("maintenance.overrun")) == 1
    ((_, body),) = owed(world)
    assert (body["type"], body["service"]) == ("maintenance.overrun", "shop")
    (closed,) = world.entries("maintenance.closed")
    assert json.loads(closed.data)["at"] == end
    assert states(world) == []


MADE = Catalogue.model_validate_json(
    json.dumps(
        {
            "services": {
                "site": {"owner": "web", "made_of": ["shop"]},
                "shop": {"owner": "web", "probes": [tcp()]},
            }
        }
    ),
    strict=True,
)


@pytest.mark.parametrize("last", [Seen.DOWN, Seen.UP])
def test_work_on_a_service_made_of_others_lasts_as_they_do(
    work: Announcements, world: World, last: Seen
) -> None:
    made = replace(work, catalogue=lambda: MADE)
    now = world.clock.now()
    made.open(["site"], Interval(now, Instant(now + 5 * MINUTE)), "new disks")
    for seen in (Seen.DOWN, Seen.DOWN, Seen.DOWN, last, last, last, last):
        world.see(seen)
        made.settle()
    told = [entry.subject for entry in world.entries("maintenance.overrun")]
    assert told == (["site"] if last is Seen.DOWN else [])


def test_work_that_ends_well_is_not_told_of(work: Announcements, world: World) -> None:
    announce(work, world, 5 * MINUTE)
    for seen in (Seen.DOWN, Seen.DOWN, Seen.UP, Seen.UP, Seen.UP, Seen.UP):
        world.see(seen)
        work.settle()
    assert world.entries("maintenance.overrun") == []
    assert owed(world) == []
    (entry,) = world.entries("maintenance.closed")
    assert json.loads(entry.data)["why"] == "its time has passed"


def test_it_ends_once_the_service_is_well_again(work: Announcements, world: World) -> None:
    announce(work, world, HOUR, until_healthy=True)
    left = []
    for seen in (Seen.UP, Seen.UP, Seen.DOWN, Seen.DOWN, Seen.UP, Seen.UP):
        world.see(seen)
        work.settle()
        left.append(states(world))
    # Up at first means that nobody has begun; up once may be a moment between two reboots.
    assert left == [["open"]] * 5 + [[]]
    (entry,) = world.entries("maintenance.closed")
    assert json.loads(entry.data)["why"] == "the service is well again"


def test_work_that_lies_ahead_covers_nothing_yet(work: Announcements, world: World) -> None:
    now = world.clock.now()
    work.open(["shop"], Interval(Instant(now + HOUR), Instant(now + 2 * HOUR)), "upgrade")
    assert states(world) == ["ahead"]
    world.see(Seen.DOWN)
    world.see(Seen.DOWN)
    assert down(world, now) == MINUTE


def test_who_announced_what_is_in_the_ledger(work: Announcements, world: World) -> None:
    announce(work, world, HOUR)
    (entry,) = world.entries("maintenance.opened")
    assert (entry.actor, entry.subject) == ("ops", "shop")
    assert json.loads(entry.data)["reason"] == "new disks"


def test_what_is_down_in_announced_work_is_shown_as_that(inside: Inside, ops: Path) -> None:
    services = {"shop": {"owner": "web", "probes": [tcp()]}}
    (ops / "services.yaml").write_text(json.dumps({"services": services}))
    assert inside("monitor", "probe").code == ExitCode.FINDINGS
    assert inside("monitor", "status").code == ExitCode.FINDINGS
    inside("monitor", "maintenance", "open", "shop", "--for", "1h", "--reason", "new disks")
    shown = inside("monitor", "status")
    assert shown.code == ExitCode.OK
    (row,) = [line for line in shown.out.splitlines() if line.startswith("shop/tcp")]
    assert "maintenance" in row
    assert "new disks; down: connection refused" in row
