"""What the fleet shows: each verdict has a number, and nothing is shown that never was."""

from __future__ import annotations

from opskit.core.clock import DAY, HOUR, SECOND, Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.core.waivers import Waiver
from opskit.fleet.memory import Episode, HostSeen
from opskit.fleet.metrics import Standing, families, fleet
from opskit.fleet.model import Moved, RunState
from opskit.fleet.store.counts import Newest
from opskit.outside.database import Database

NOW = Instant(20_000 * DAY)
EMPTY = Standing(NOW, (), (), (), {}, ())


def shown(standing: Standing) -> dict[tuple[str, ...], float]:
    """Return each number by its family and the values of its labels."""
    return {
        (family.name, *(text for _, text in sample.labels)): sample.value
        for family in families(standing)
        for sample in family.samples
    }


def waiver(number: int, ends: int) -> Waiver:
    return Waiver(
        number, "web*", "s", "f", "r", "o", "g", NOW, 1, Instant(NOW + ends), 0, None, None
    )


def episode(number: int, severity: Severity, age: int) -> Episode:
    found = Instant(NOW - age)
    return Episode(
        number, "web1", "p", "t", "", "c", severity, None, found, 1, None, None, "", "", Moved.HOST
    )


def test_a_fleet_that_was_never_looked_at_shows_no_hosts_and_no_age() -> None:
    found = shown(EMPTY)
    assert found["opskit_fleet_runs_total", "check"] == 0
    assert found["opskit_fleet_drift_open", "high"] == 0
    assert not [name for name, *_ in found if "hosts" in name or "age" in name or "last" in name]


def test_each_verdict_has_a_number_of_hosts() -> None:
    hosts = [
        HostSeen(name, "base.yml", verdict, Instant(NOW - age), 1)
        for name, verdict, age in (
            ("a", Verdict.COMPLIANT, HOUR), ("b", Verdict.COMPLIANT, DAY),
            ("c", Verdict.NOT_EVALUATED, 1),
        )
    ]  # fmt: skip
    found = shown(Standing(NOW, hosts, (), (), {}, ()))
    assert found["opskit_fleet_hosts", "base.yml", "compliant"] == 2
    assert found["opskit_fleet_hosts", "base.yml", "not_evaluated"] == 1
    assert found["opskit_fleet_hosts", "base.yml", "unreachable"] == 0
    oldest = found["opskit_fleet_oldest_check_timestamp_seconds", "base.yml"]
    assert oldest == (NOW - DAY) / SECOND


def test_the_oldest_deviation_and_how_many_weigh_how_much() -> None:
    drifts = [episode(1, Severity.HIGH, HOUR), episode(2, Severity.LOW, 3 * HOUR)]
    found = shown(Standing(NOW, (), drifts, (), {}, ()))
    assert found["opskit_fleet_drift_oldest_age_seconds",] == 3 * 3600
    oldest = {
        key[1]: at for key, at in found.items() if key[0].endswith("oldest_timestamp_seconds")
    }
    assert oldest == {"high": (NOW - HOUR) / SECOND, "low": (NOW - 3 * HOUR) / SECOND}
    assert found["opskit_fleet_drift_open", "high"] == 1
    assert found["opskit_fleet_drift_open", "medium"] == 0


def test_runs_are_counted_and_the_newest_of_each_mode_is_told() -> None:
    newest = [Newest(Mode.CHECK, RunState.LOST, Instant(NOW - HOUR), None)]
    made = {(Mode.CHECK, RunState.FINISHED): 5, (Mode.CHECK, RunState.LOST): 1}
    found = shown(Standing(NOW, (), (), newest, made, ()))
    assert found["opskit_fleet_runs_total", "check"] == 6
    assert found["opskit_fleet_runs_failed_total", "check"] == 1
    assert found["opskit_fleet_last_run_timestamp_seconds", "check"] == (NOW - HOUR) / SECOND
    assert found["opskit_fleet_last_run_state", "check", "lost"] == 1
    assert found["opskit_fleet_last_run_state", "check", "finished"] == 0
    assert ("opskit_fleet_last_run_timestamp_seconds", "apply") not in found


def test_waivers_are_active_until_their_very_end() -> None:
    found = shown(Standing(NOW, (), (), (), {}, [waiver(1, 1), waiver(2, 0), waiver(3, -DAY)]))
    assert found["opskit_fleet_waivers", "active"] == 1
    assert found["opskit_fleet_waivers", "expired"] == 2
    assert found["opskit_fleet_waiver_expiry_timestamp_seconds", "W-3"] == (NOW - DAY) / SECOND


def test_an_empty_database_can_be_read(database: Database) -> None:
    assert {family.name for family in fleet(database, NOW)} == {f.name for f in families(EMPTY)}
