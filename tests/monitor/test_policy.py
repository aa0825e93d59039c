"""One time, accounted for in several ways; what makes the difference is named."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import HOUR, MINUTE, SECOND, FrozenClock, Instant
from opskit.core.errors import ExitCode
from opskit.core.interval import Interval, State
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.maintenance import Announcements
from opskit.monitor.model import Seen
from opskit.monitor.policy import BUILT_IN, NAIVE, OPSKIT, STRICT, Policy
from opskit.monitor.uptime import Past, ServiceUptime, compared
from opskit.outside.database import Database
from opskit.outside.documents import parse
from opskit.outside.models import validate
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside
from tests.monitor.world import World, observation, tcp

UTC = ZoneInfo("UTC")


def catalogue(**more: Any) -> Catalogue:
    """Return a catalogue of one service that is in service from noon to eight."""
    service = {"owner": "web", "objective": {"availability": "99%"}, "probes": [tcp()], **more}
    return Catalogue.model_validate_json(json.dumps({"services": {"shop": service}}), strict=True)


SHOP = catalogue(hours=[{"from": "12:00", "to": "20:00"}])


@pytest.fixture
def afternoon(database: Database, clock: FrozenClock) -> World:
    """Return eleven hours from noon: a blip, work at 14 with an outage, an outage, a gap."""
    world = World.made(database, clock)
    noon = clock.now()
    work = Announcements(database, Ledger(clock, "test"), Outbox(database, clock))
    work.open(["shop"], Interval(Instant(noon + 2 * HOUR), Instant(noon + 3 * HOUR)), "new disks")
    seen = []
    for minute in range(11 * 60):
        at = noon + minute * MINUTE
        if 400 <= minute < 430:
            continue  # nobody looked
        state = Seen.UP
        if 130 <= minute < 150 or 300 <= minute < 306 or 600 <= minute < 610:
            state = Seen.DOWN
        if 320 <= minute < 330:
            state = Seen.DEGRADED
        if minute == 60:
            seen += [observation(at, Seen.SUSPECT, "timed out")]
            seen += [observation(at + 2 * SECOND, Seen.UP)]
            continue
        seen.append(observation(at, state))
    world.recorder.record(seen)
    clock.advance(11 * HOUR)
    return world


def past(world: World, shop: Catalogue = SHOP) -> Past:
    now = world.clock.now()
    with world.database.read() as connection:
        return Past.read(connection, shop, Interval(Instant(now - 11 * HOUR), now), UTC)


def by(world: World, policy: Policy) -> ServiceUptime:
    return past(world).uptime("shop", policy)


def test_hours_maintenance_and_blips_are_not_held_against_a_service(afternoon: World) -> None:
    time = by(afternoon, OPSKIT).availability.totals
    gap = 31 * MINUTE - 5 * MINUTE // 2  # the last look before it held for 2.5 intervals
    assert time.excluded == 3 * HOUR
    assert time.maintenance == HOUR
    assert (time.down, time.degraded, time.unknown) == (6 * MINUTE, 10 * MINUTE, gap)
    assert len(by(afternoon, OPSKIT).blips) == 1


def test_a_naive_monitor_counts_everything_it_saw(afternoon: World) -> None:
    time = by(afternoon, NAIVE).availability.totals
    assert (time.excluded, time.maintenance) == (0, 0)
    assert time.down == (20 + 6 + 10) * MINUTE + 2 * SECOND
    value = by(afternoon, NAIVE).availability.value
    assert value == Fraction(time.up + time.degraded, time.known)


def test_strictly_what_nobody_saw_was_down(afternoon: World) -> None:
    found = by(afternoon, STRICT).availability
    assert found.sufficient
    assert found.value == found.low


def test_outages_too_short_to_count_are_left_out_whole(afternoon: World) -> None:
    some = OPSKIT.model_copy(update={"shorter_than": 7 * MINUTE})
    assert by(afternoon, some).availability.totals.down == 0
    more = OPSKIT.model_copy(update={"shorter_than": 6 * MINUTE})
    assert by(afternoon, more).availability.totals.down == 6 * MINUTE


def test_each_rule_that_differs_is_named_with_what_it_does(afternoon: World) -> None:
    found = {one.rule: one for one in compared(past(afternoon), "shop", OPSKIT, STRICT)}
    assert set(found) == {"maintenance", "hours", "unknown"}
    changes = {rule: one.change for rule, one in found.items()}
    assert all(change is not None and change < 0 for change in changes.values())
    counted = OPSKIT.with_rule("maintenance", STRICT)
    base, other = (by(afternoon, one).availability.value for one in (OPSKIT, counted))
    assert base is not None
    assert other is not None
    assert changes["maintenance"] == other - base


def test_a_policy_compared_with_itself_differs_in_nothing(afternoon: World) -> None:
    assert compared(past(afternoon), "shop", OPSKIT, OPSKIT) == ()


def test_down_inside_maintenance_stays_to_be_seen(afternoon: World) -> None:
    beneath = [one for one in by(afternoon, OPSKIT).timeline if one.beneath is State.DOWN]
    assert [one.state for one in beneath] == [State.MAINTENANCE, State.EXCLUDED]
    assert [one.length for one in beneath] == [20 * MINUTE, 10 * MINUTE]


def test_a_policy_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("name: contract A\nversion: '3'\nmaintenance: counted\ndegraded: 80%\n")
    found = validate(parse(path, name="contract.yaml"), Policy)
    assert found is not None
    assert found.differences(OPSKIT) == ("degraded", "maintenance")
    assert found.accounting.degraded == Fraction(8, 10)


def test_a_mistake_in_a_policy_is_found_where_it_stands(ops: Path, inside: Inside) -> None:
    (ops / "contract.yaml").write_text("name: contract A\nmaintenance: ignored\n")
    done = inside("monitor", "uptime", "--policy", "contract.yaml")
    assert done.code == ExitCode.USAGE
    assert "contract.yaml:2:1" in done.err


def test_a_policy_that_is_none_is_told_with_those_there_are(ops: Path, inside: Inside) -> None:
    done = inside("monitor", "uptime", "--policy", "nice")
    assert done.code == ExitCode.USAGE
    assert all(name in done.err for name in BUILT_IN)


@pytest.mark.parametrize(
    ("interval", "promise", "proves"),
    [
        ("60s", "99.9%", True),
        ("60s", "99.95%", True),
        ("60s", "99.99%", False),
        ("15s", "99.99%", True),
        ("15s", "99.999%", False),
        ("1s", "99.999%", True),
    ],
)
def test_looks_too_far_apart_never_prove_a_promise(
    database: Database, clock: FrozenClock, interval: str, promise: str, proves: bool
) -> None:
    probe = tcp(interval=interval, timeout="500ms", confirm_after="100ms")
    shop = catalogue(probes=[probe], objective={"availability": promise})
    world = World.made(database, clock)
    world.recorder.begin(shop)
    length = shop.targets()[0].probe.interval
    now = clock.now()
    world.recorder.record([
        observation(now + number * length, Seen.UP, interval=length) for number in range(1_000)
    ])  # fmt: skip
    with database.read() as connection:
        window = Interval(now, Instant(now + 1_000 * length))
        found = Past.read(connection, shop, window, UTC).uptime("shop")
    assert found.met is (True if proves else None)
    assert bool(found.blind) is not proves


def test_what_looks_too_far_apart_saw_still_shows_a_miss(
    database: Database, clock: FrozenClock
) -> None:
    shop = catalogue(objective={"availability": "99.99%"})
    world = World.made(database, clock)
    world.recorder.begin(shop)
    start = clock.now()
    for seen in [Seen.UP, *[Seen.DOWN] * 30, Seen.UP]:
        world.see(seen)
    with database.read() as connection:
        window = Interval(start, clock.now())
        assert Past.read(connection, shop, window, UTC).uptime("shop").met is False
