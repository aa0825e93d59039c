"""Reading the parts of the metrics page: what fails leaves the rest, what takes long is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from opskit.collectors import Gatherer, Part
from opskit.core.clock import MINUTE, NOTHING, SECOND, Duration, FrozenClock, Instant
from opskit.core.errors import OutsideError
from opskit.core.metrics import Family, gauge, one
from opskit.monitor.pulse import Pulse

Shown = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def shown(gatherer: Gatherer, pulse: Pulse | None = None) -> Shown:
    """Return every number of the page."""
    return {
        (family.name, sample.labels): sample.value
        for family in gatherer.families(pulse)
        for sample in family.samples
    }


def part(slice_: str, name: str = "all", *, keep: int = 0) -> Part:
    return Part(
        slice_, name, lambda: [gauge(f"opskit_{slice_}_{name}", "A.", one(1))], Duration(keep)
    )


def failing(error: Exception) -> Callable[[], Iterator[Family]]:
    def read() -> Iterator[Family]:
        yield gauge("opskit_half", "A.", one(1))
        raise error

    return read


@pytest.mark.parametrize("error", [OutsideError("the disk is gone"), TypeError("a mistake")])
def test_a_part_that_cannot_be_read_leaves_the_others(clock: FrozenClock, error: Exception) -> None:
    broken = Part("fleet", "runs", failing(error))
    gatherer = Gatherer((part("monitor"), broken, part("fleet", "rest")), clock, 100)
    found = shown(gatherer)
    assert found["opskit_monitor_up", ()] == 1
    assert found["opskit_fleet_up", ()] == 0
    assert ("opskit_half", ()) not in found
    assert found["opskit_fleet_rest", ()] == 1
    assert ("opskit_fleet_last_success_timestamp_seconds", ()) not in found
    assert gatherer.faults[0].startswith("fleet/runs: ")
    assert str(error) in gatherer.faults[0]


def test_what_takes_long_is_kept_and_its_age_is_shown(clock: FrozenClock) -> None:
    asked: list[Instant] = []

    def read() -> list[Family]:
        asked.append(clock.now())
        return []

    gatherer = Gatherer((Part("monitor", "all", read, Duration(MINUTE)),), clock, 100)
    began = clock.now()
    shown(gatherer)
    clock.advance(59 * SECOND)
    found = shown(gatherer)
    assert found["opskit_monitor_last_success_timestamp_seconds", ()] == began / SECOND
    clock.advance(SECOND)
    shown(gatherer)
    assert asked == [began, began + MINUTE]


def test_what_failed_is_read_again_at_once(clock: FrozenClock) -> None:
    errors: list[Exception] = [OutsideError("locked", retryable=True)]

    def read() -> list[Family]:
        if errors:
            raise errors.pop()
        return []

    gatherer = Gatherer((Part("monitor", "all", read, Duration(MINUTE)),), clock, 100)
    assert shown(gatherer)["opskit_monitor_up", ()] == 0
    assert shown(gatherer)["opskit_monitor_up", ()] == 1
    assert gatherer.faults == ()


def test_the_last_success_stays_after_a_failure(clock: FrozenClock) -> None:
    errors: list[Exception] = []

    def read() -> list[Family]:
        if errors:
            raise errors.pop()
        return []

    gatherer = Gatherer((Part("fleet", "all", read),), clock, 100)
    began = clock.now()
    shown(gatherer)
    clock.advance(MINUTE)
    errors.append(OutsideError("locked"))
    found = shown(gatherer)
    assert found["opskit_fleet_up", ()] == 0
    assert found["opskit_fleet_last_success_timestamp_seconds", ()] == began / SECOND


def test_looks_are_shown_only_where_somebody_looks(clock: FrozenClock) -> None:
    gatherer = Gatherer((), clock, 100)
    assert not [name for name, _ in shown(gatherer) if "look" in name or "writer" in name]
    pulse = Pulse(
        started_at=Instant(5 * SECOND), looks=10, late=1, lateness=Duration(SECOND // 2),
        in_flight=3, waiting=7, forgotten=2, fault="locked",
    )  # fmt: skip
    found = {name: value for (name, _), value in shown(gatherer, pulse).items()}
    assert found["opskit_start_timestamp_seconds"] == 5
    assert found["opskit_looks_total"] == 10
    assert found["opskit_looks_late_total"] == 1
    assert found["opskit_look_start_lateness_seconds_total"] == 0.5
    assert found["opskit_looks_in_flight"] == 3
    assert found["opskit_writer_backlog"] == 7
    assert found["opskit_writer_forgotten_total"] == 2
    assert found["opskit_writer_up"] == 0


def test_a_family_has_the_limit_of_the_settings(clock: FrozenClock) -> None:
    many = gauge("opskit_many", "M.", ((1.0, (("n", str(n)),)) for n in range(9)))
    gatherer = Gatherer((Part("fleet", "all", lambda: [many], NOTHING),), clock, 5)
    found = shown(gatherer)
    assert found["opskit_series_dropped", (("family", "opskit_many"),)] == 4
