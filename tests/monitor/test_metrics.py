"""What the monitor shows: exact over windows, and nothing where nothing is known."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Instant
from opskit.core.interval import Interval
from opskit.core.metrics import Family
from opskit.monitor import figures
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.maintenance import Announcements
from opskit.monitor.metrics import Watched
from opskit.monitor.model import Seen
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.records.outbox import Outbox
from tests.monitor.world import SHOP, TARGET, World, tcp

UTC = ZoneInfo("UTC")


def promised(**objective: Any) -> Catalogue:
    """Return a catalogue whose one service promises something."""
    shop = {"owner": "web", "probes": [tcp()], "objective": objective}
    return Catalogue.model_validate_json(json.dumps({"services": {"shop": shop}}), strict=True)


def values(families: Any, **labels: str) -> dict[str, float]:
    """Return the number of each family whose sample has these labels."""
    found: list[Family] = list(families)
    return {
        family.name: sample.value
        for family in found
        for sample in family.samples
        if labels.items() <= dict(sample.labels).items()
    }


def now(world: World, catalogue: Catalogue = SHOP, **labels: str) -> dict[str, float]:
    return values(Watched(world.database, catalogue, UTC).now(world.clock.now()), **labels)


def over(world: World, catalogue: Catalogue, **labels: str) -> dict[str, float]:
    return values(Watched(world.database, catalogue, UTC).periods(world.clock.now()), **labels)


def minutes(world: World, up: int, down: int = 0) -> None:
    """Let minutes pass in which the shop was up, then such in which it was down."""
    for _ in range(up):
        world.see(Seen.UP)
    for number in range(down):
        world.see(Seen.DOWN if number else Seen.SUSPECT)


def test_before_anything_was_seen_the_state_is_unknown_and_no_look_has_a_time(world: World) -> None:
    found = now(world, state="unknown")
    assert found["opskit_target_state"] == 1
    assert "opskit_target_last_look_timestamp_seconds" not in now(world)
    assert "opskit_monitor_last_look_timestamp_seconds" not in now(world)


def test_one_state_is_one_and_the_others_are_zero(world: World) -> None:
    minutes(world, 5, 3)
    assert now(world, state="down")["opskit_service_state"] == 1
    assert now(world, state="up")["opskit_service_state"] == 0
    assert now(world, state="down")["opskit_target_state"] == 1
    at = now(world)["opskit_target_last_look_timestamp_seconds"]
    assert at == world.clock.now() / SECOND


def test_what_nobody_looks_at_any_more_is_unknown(world: World) -> None:
    minutes(world, 5)
    world.clock.advance(10 * MINUTE)
    assert now(world, state="unknown")["opskit_service_state"] == 1
    assert now(world, state="unknown")["opskit_target_state"] == 1


def test_suspect_looks_and_changes_only_grow(world: World) -> None:
    minutes(world, 3)
    world.see(Seen.SUSPECT)
    minutes(world, 3, 3)
    minutes(world, 2)
    found = now(world)
    assert found["opskit_target_suspect_looks_total"] == 2
    assert found["opskit_target_flips_total"] == 2


def test_work_that_is_announced_is_shown_until_it_is_over(world: World) -> None:
    outbox = Outbox(world.database, world.clock)
    announced = Announcements(world.database, world.recorder.ledger, outbox)
    start = world.clock.now()
    announced.open(["shop"], Interval(start, Instant(start + HOUR)), "new disks")
    minutes(world, 2)
    assert now(world)["opskit_maintenance_open"] == 1
    assert now(world, state="maintenance")["opskit_service_state"] == 1
    world.clock.advance(HOUR)
    assert now(world)["opskit_maintenance_open"] == 0
    assert now(world)["opskit_maintenance_overrun"] == 1


def test_availability_budget_and_burn_rate_are_exact(world: World) -> None:
    # Six hours: the last six minutes of them down, so a sixtieth was lost.
    minutes(world, 355, 6)
    shop = promised(availability="99%", over="28d")
    found = over(world, shop, window="28d")
    lost = found["opskit_service_error_budget_left_seconds"]
    assert found["opskit_service_objective_ratio"] == 0.99
    assert found["opskit_service_coverage_ratio"] == 1
    assert found["opskit_service_availability_ratio"] == pytest.approx(355 / 360)
    assert found["opskit_service_availability_lower_ratio"] == pytest.approx(355 / 360)
    # Nothing was watched before: it is not in the budget either.
    assert lost == pytest.approx(0.01 * 360 * 60 - 5 * 60)
    assert found["opskit_service_error_budget_left_ratio"] < 0
    assert over(world, shop, window="5m")["opskit_service_burn_rate"] == pytest.approx(100)
    assert over(world, shop, window="6h")["opskit_service_burn_rate"] == pytest.approx(
        100 * 5 / 360
    )
    assert over(world, shop, window="1h")["opskit_service_down_seconds"] == 5 * 60


def test_what_was_not_seen_makes_the_bounds_apart_and_no_burn_rate(world: World) -> None:
    minutes(world, 60)
    world.clock.advance(HOUR)
    shop = promised(availability="99%", over="28d")
    found = over(world, shop, window="28d")
    assert found["opskit_service_availability_ratio"] == 1
    assert found["opskit_service_availability_lower_ratio"] < 0.6
    assert found["opskit_service_availability_upper_ratio"] == 1
    assert 0.5 < found["opskit_service_coverage_ratio"] < 0.6
    assert "opskit_service_burn_rate" not in over(world, shop, window="5m")
    assert "opskit_service_down_seconds" not in over(world, shop, window="5m")


def test_a_budget_that_lasts_has_no_end(world: World) -> None:
    minutes(world, 60)
    name = "opskit_service_error_budget_exhausted_timestamp_seconds"
    assert name not in over(world, promised(availability="99%"))


def test_a_service_without_a_promise_shows_its_month_and_no_budget(world: World) -> None:
    minutes(world, 60)
    found = over(world, SHOP)
    assert over(world, SHOP, window="month")["opskit_service_availability_ratio"] == 1
    assert not [name for name in found if "budget" in name or "burn" in name]


@pytest.mark.parametrize(("over_", "label"), [("36h", "36h"), ("30d", "30d"), ("90m", "90m")])
def test_a_window_is_called_as_it_was_written(world: World, over_: str, label: str) -> None:
    minutes(world, 5)
    found = over(world, promised(availability="99%", over=over_), window=label)
    assert "opskit_service_availability_ratio" in found


def test_a_number_is_shown_as_long_as_a_look_holds(world: World) -> None:
    at = Instant(world.clock.now() // (5 * MINUTE) * 5 * MINUTE)
    disk = Metric(TARGET, "disk_used_ratio", (("instance", "x"), ("mountpoint", "/data")))
    end = Metric(TARGET, "certificate_expiry_timestamp_seconds", ())
    bought = Metric(TARGET, "license_expiry_timestamp_seconds", (("license", "db"),))
    with world.database.write() as connection:
        samples.insert(connection, at, {disk: 0.5, end: 2e9, bought: 3e9})
    found = list(figures.kept(world.database, SHOP, at))
    assert values(found, mountpoint="/data")["opskit_disk_used_ratio"] == 0.5
    assert values(found, target=TARGET)["opskit_certificate_expiry_timestamp_seconds"] == 2e9
    assert values(found, license="db")["opskit_license_expiry_timestamp_seconds"] == 3e9
    assert not [s for family in found for s in family.samples if "instance" in dict(s.labels)]
    assert values(figures.kept(world.database, SHOP, Instant(at + 17 * MINUTE)))
    assert not values(figures.kept(world.database, SHOP, Instant(at + 18 * MINUTE)))
    assert not values(figures.kept(world.database, SHOP, Instant(at + DAY)))
