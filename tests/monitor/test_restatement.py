"""What comes too late for a period that is over makes a new version; the old one can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant, from_datetime, iso
from opskit.core.interval import Interval
from opskit.monitor.model import Seen
from opskit.monitor.restatement import versions
from opskit.outside.database import Database, sqlite_url
from tests.cli.inside import Inside
from tests.monitor.world import TARGET, World, observation, tcp

NOON = from_datetime(datetime(2026, 3, 10, 12, tzinfo=UTC))
WINDOW = Interval(NOON, Instant(NOON + HOUR))


@pytest.fixture
def told_late(ops: Path) -> World:
    """Return a world in which an hour was up; three minutes of it are missing until it is over."""
    state = ops / ".opskit"
    state.mkdir(0o700)
    services = {"shop": {"owner": "web", "probes": [tcp()]}}
    (ops / "services.yaml").write_text(json.dumps({"services": services}))
    clock = FrozenClock(NOON)
    made = World.made(Database.open(sqlite_url(state / "opskit.db")), clock)
    missing = range(20, 23)
    for minute in range(60):
        if minute not in missing:
            made.recorder.record([observation(NOON + minute * MINUTE, Seen.UP)])
    clock.advance(HOUR)
    made.seal()
    clock.advance(HOUR)
    late = [observation(NOON + minute * MINUTE, Seen.DOWN, "told late") for minute in missing]
    made.recorder.record(late)
    made.seal()
    return made


def test_what_came_late_is_a_version_of_its_own(told_late: World) -> None:
    first, second = told_late.entries("observations.sealed")
    with told_late.database.read() as connection:
        (found,) = versions(connection, WINDOW, {TARGET})
        assert versions(connection, WINDOW, {"mail/tcp"}) == ()
        after = Interval(WINDOW.end, Instant(WINDOW.end + HOUR))
        assert versions(connection, after, {TARGET}) == ()
    assert (found.number, found.seq, found.at) == (2, second.seq, second.at)
    assert found.late == ((TARGET, 3),)
    assert first.seq < found.seq


def test_what_was_said_before_can_be_read_again(told_late: World, inside: Inside) -> None:
    first, second = told_late.entries("observations.sealed")
    asked = ("monitor", "uptime", "--from", iso(WINDOW.start), "--to", iso(WINDOW.end))
    now = inside(*asked, "--json")
    before = inside(*asked, "--json", "--as-of", str(first.seq))
    said, was_said = json.loads(now.out), json.loads(before.out)
    assert said["services"][0]["time"]["down"] == 3 * MINUTE
    assert was_said["services"][0]["time"]["down"] == 0
    assert said["restated"] == was_said["restated"]
    assert said["restated"][0]["late"] == {TARGET: 3}
    told = inside(*asked).err
    assert f"version 2 since {iso(second.at)}, ledger {second.seq}: came late: {TARGET} 3" in told
    assert "--as-of" in told
    assert "this is version 1" in inside(*asked, "--as-of", str(first.seq)).err


def test_an_entry_that_is_not_there_is_refused(told_late: World, inside: Inside) -> None:
    last = told_late.entries()[-1].seq
    done = inside("monitor", "explain", "shop", "--last", "1h", "--as-of", str(last + 1))
    assert done.code == 2
    assert f"the ledger ends with entry {last}" in done.err
