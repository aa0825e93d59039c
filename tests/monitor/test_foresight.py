"""Forecasts as evidence: kept when made, scored by what came, and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.clock import DAY, MINUTE, Instant, SystemClock
from opskit.core.errors import ExitCode
from opskit.monitor import figures
from opskit.monitor.forecast import Outlook
from opskit.monitor.foresight import DEFAULTS, Foreseen, Foresight
from opskit.monitor.scoring import Outcome
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger, entries
from tests.cli.inside import Inside
from tests.monitor.world import TARGET, World

DATA = Metric(TARGET, "disk_used_ratio", (("mountpoint", "/data"),))
END = Metric(TARGET, "certificate_expiry_timestamp_seconds", ())


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Disk:
    """A disk that is written to, and what is foreseen of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.level = 0.30
        self.foresight = Foresight(world.database, Ledger(world.clock, "test"), DEFAULTS)

    def write(self, hours: float, per_hour: float) -> None:
        """Let some hours pass in which it fills up, or is cleaned."""
        for _ in range(int(hours * 12)):
            self.world.clock.advance(5 * MINUTE)
            self.level += per_hour / 12
            with self.world.database.write() as connection:
                samples.insert(connection, self.world.clock.now(), {DATA: self.level})

    def keep(self) -> Foreseen:
        """Make a forecast and keep it."""
        (found,) = self.foresight.keep([TARGET], self.world.clock.now())
        return found

    def outcomes(self) -> dict[str, int]:
        """Return how forecasts came out, those that did."""
        return {
            str(outcome): number
            for score in self.foresight.scores()
            for outcome, number in score.outcomes.items()
            if number
        }


@pytest.fixture
def disk(world: World) -> Disk:
    """Return a disk that was quiet for two days."""
    disk = Disk(world)
    disk.write(48, 0.0001)
    return disk


def told(world: World, kind: str) -> list[dict[str, object]]:
    """Return what the ledger says of a kind."""
    return [json.loads(entry.data) for entry in world.entries(kind)]


def test_a_forecast_is_kept_once_and_was_right(disk: Disk, world: World) -> None:
    assert disk.keep().forecast.outlook is Outlook.STABLE
    disk.write(4, 0.05)
    found = disk.keep()
    assert found.forecast.outlook is Outlook.REACHES
    disk.write(1, 0.05)
    disk.keep()
    (made,) = told(world, "forecast.made")
    assert (made["metric"], made["labels"]) == ("disk_used_ratio", {"mountpoint": "/data"})
    assert made["expected_at"] == found.forecast.at
    disk.write(9, 0.05)
    disk.keep()
    disk.write(1, 0)
    disk.keep()
    (settled,) = told(world, "forecast.settled")
    assert settled["outcome"] == "right"
    assert settled["made"] == world.entries("forecast.made")[0].seq
    assert disk.outcomes() == {"right": 1}


def test_a_forecast_that_did_not_come_true_was_false(disk: Disk) -> None:
    disk.write(4, 0.05)
    disk.keep()
    disk.write(12, 0)
    disk.keep()
    assert disk.outcomes() == {}
    disk.write(24, 0)
    disk.keep()
    assert disk.outcomes() == {"false": 1}


def test_a_forecast_minutes_ahead_was_late(disk: Disk) -> None:
    disk.write(4, 0.16)
    assert disk.keep().forecast.outlook is Outlook.REACHES
    disk.write(0.5, 0.1)
    disk.keep()
    assert disk.outcomes() == {"late": 1}


def test_what_nobody_foresaw_was_missed_once(disk: Disk, world: World) -> None:
    disk.write(0.5, 2)
    disk.keep()
    disk.write(0.5, 0)
    disk.keep()
    assert disk.outcomes() == {"missed": 1}
    (settled,) = told(world, "forecast.settled")
    assert settled["outcome"] == "missed"
    disk.write(0.5, -2)
    disk.write(2, 0)
    disk.write(0.5, 2)
    disk.keep()
    assert disk.outcomes() == {"missed": 2}


def test_a_deadline_is_told_and_not_scored(world: World) -> None:
    now = world.clock.now()
    with world.database.write() as connection:
        samples.insert(connection, now, {END: (now + 10 * DAY) / 1_000_000})
    foresight = Foresight(world.database, Ledger(world.clock, "test"), DEFAULTS)
    (found,) = foresight.keep([TARGET], now)
    assert (found.forecast.outlook, found.forecast.at) == (Outlook.REACHES, now + 10 * DAY)
    assert told(world, "forecast.made") == []


def test_the_worst_comes_first(world: World) -> None:
    now = world.clock.now()
    soon, later = (Metric(TARGET, END.name, (("path", one),)) for one in ("/b", "/a"))
    with world.database.write() as connection:
        ends = {soon: (now + DAY) / 1e6, later: (now + 9 * DAY) / 1e6, DATA: 0.99}
        samples.insert(connection, now, ends)
    foresight = Foresight(world.database, Ledger(world.clock, "test"), DEFAULTS)
    found = foresight.foreseen([TARGET], now)
    assert [one.item for one in found] == ["/data", "/b", "/a"]


def test_what_is_foreseen_is_shown_with_how_well_that_was_done(disk: Disk, world: World) -> None:
    disk.write(4, 0.05)
    disk.keep()
    now = world.clock.now()
    found = disk.foresight.foreseen([TARGET], now)
    shown = {
        (family.name, dict(sample.labels).get("window", "")): sample.value
        for family in figures.forecasts(found, disk.foresight.scores(), now)
        for sample in family.samples
        if dict(sample.labels).get("state", "reaches") == "reaches"
    }
    assert shown["opskit_forecast_state", ""] == 1
    left = shown["opskit_forecast_seconds_to_threshold", ""]
    assert shown["opskit_forecast_earliest_seconds_to_threshold", ""] < left < 24 * 3600
    assert shown["opskit_forecast_latest_seconds_to_threshold", ""] > left
    assert 0 < shown["opskit_forecast_window_seconds_to_threshold", "1h"] < 24 * 3600
    disk.write(20, 0.05)
    disk.keep()
    outcomes = {
        dict(sample.labels)["outcome"]: sample.value
        for family in figures.forecasts((), disk.foresight.scores(), now)
        for sample in family.samples
    }
    assert outcomes == {"right": 1, "late": 0, "false": 0, "missed": 0}
    assert set(outcomes) == {str(one) for one in Outcome}


SERVICES = """\
services:
  shop: {owner: web, probes: [{kind: tcp, address: "127.0.0.1:1", confirm_after: 100ms}]}
"""


def test_the_command_says_what_will_be_and_keeps_it_where_asked(inside: Inside, ops: Path) -> None:
    (ops / "services.yaml").write_text(SERVICES)
    (ops / "opskit.yaml").write_text(
        "standard: playbooks/standard.yml\n"
        "forecasts: [{metric: licences_free, below: 5, within: 60d}]\n"
    )
    inside("monitor", "probe")
    none = inside("monitor", "forecast")
    assert (none.code, none.out.count("\n")) == (ExitCode.UNDETERMINED, 1)
    database = Database.open(sqlite_url(ops / ".opskit" / "opskit.db"))
    clock = SystemClock()
    licences = Metric(TARGET, "licences_free", ())
    now = clock.now() // (5 * MINUTE) * 5 * MINUTE
    with database.write() as connection:
        for step in range(7 * 288):
            at = Instant(now - step * 5 * MINUTE)
            samples.insert(connection, at, {licences: 20 + step / 288})
        samples.insert(connection, Instant(now), {END: (now + 2 * DAY) / 1e6})
    done = inside("monitor", "forecast", "--keep", "--json")
    assert done.code == ExitCode.FINDINGS
    told_ = json.loads(done.out)["forecasts"]
    assert [one["metric"] for one in told_] == [END.name, "licences_free"]
    assert [round(one["seconds_left"] / 86_400) for one in told_] == [2, 15]
    with database.read() as connection:
        kept = [one.kind for one in entries(connection) if one.kind.startswith("forecast.")]
    assert kept == ["forecast.made"]
    database.close()
    table = inside("monitor", "forecast").out
    assert "licences_free" in table
    assert "reaches" in table


@pytest.mark.parametrize("bad", ["{metric: a}", "{metric: a, above: 1, below: 2}", "{above: 1}"])
def test_a_threshold_that_is_none_is_refused(inside: Inside, ops: Path, bad: str) -> None:
    (ops / "opskit.yaml").write_text(f"forecasts: [{bad}]\n")
    done = inside("monitor", "forecast")
    assert done.code == ExitCode.USAGE
    assert "forecasts" in done.err
