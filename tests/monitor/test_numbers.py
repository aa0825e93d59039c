"""Which numbers are kept of a look, how often, and for how long."""

from __future__ import annotations

import math

import pytest

from opskit.core.clock import DAY, MINUTE, Instant
from opskit.core.errors import OpskitError
from opskit.monitor.kinds import Fact
from opskit.monitor.numbers import KEPT, Numbers, kept
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database
from tests.monitor.world import TARGET, World

DISK = (("device", "sda1"), ("fstype", "ext4"), ("mountpoint", "/data"))
END = Fact("probe_ssl_earliest_cert_expiry", 2e9)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def names(kind: str, *facts: Fact) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return what is kept, without the target."""
    return {(m.name, m.labels): value for m, value in kept(kind, TARGET, facts).items()}


@pytest.mark.parametrize(("kind", "prefix"), [("host", "opskit_host_"), ("scrape", "node_")])
def test_of_a_disk_the_share_in_use_is_kept_whoever_tells_it(kind: str, prefix: str) -> None:
    found = names(
        kind,
        Fact(f"{prefix}filesystem_avail_bytes", 25.0, DISK),
        Fact(f"{prefix}filesystem_size_bytes", 100.0, DISK),
        Fact(f"{prefix}filesystem_files_free", 10.0, DISK),
        Fact(f"{prefix}filesystem_files", 100.0, DISK),
        Fact(f"{prefix}memory_MemAvailable_bytes", 1.0),
        Fact(f"{prefix}memory_MemTotal_bytes", 4.0),
    )
    mount = (("mountpoint", "/data"),)
    assert found == {
        ("disk_used_ratio", mount): 0.75,
        ("inode_used_ratio", mount): 0.9,
        ("memory_used_ratio", ()): 0.75,
    }


def test_a_disk_that_is_none_and_one_without_a_size_are_left_out() -> None:
    memory = (("device", "tmpfs"), ("fstype", "tmpfs"), ("mountpoint", "/run"))
    empty = Fact("node_filesystem_size_bytes", 0.0, DISK)
    facts = [Fact("node_filesystem_avail_bytes", 1.0, memory)]
    facts += [Fact("node_filesystem_size_bytes", 2.0, memory)]
    assert names("scrape", *facts) == {}
    assert names("scrape", Fact("node_filesystem_avail_bytes", 0.0, DISK), empty) == {}
    assert names("scrape", Fact("node_filesystem_avail_bytes", 5.0, DISK)) == {}


def test_of_a_scrape_everything_that_was_asked_for_is_kept_and_of_others_what_is_known() -> None:
    quota = Fact("quota_used_bytes", 7.0, (("user", "a"),))
    assert names("scrape", quota) == {("quota_used_bytes", (("user", "a"),)): 7.0}
    assert names("http", quota, END) == {("certificate_expiry_timestamp_seconds", ()): 2e9}


def test_what_is_no_number_is_not_kept_and_a_flood_is_cut() -> None:
    assert names("scrape", Fact("a", math.nan), Fact("b", math.inf)) == {}
    flood = [Fact("a", 1.0, (("n", str(n)),)) for n in range(5_000)]
    assert len(kept("scrape", TARGET, flood)) == 200


def stored(database: Database) -> list[tuple[Instant, float]]:
    """Return every sample of the certificate."""
    metric = Metric(TARGET, "certificate_expiry_timestamp_seconds", ())
    with database.read() as connection:
        number = samples.metrics(connection, [TARGET]).get(metric)
        rows = connection.exec_driver_sql("SELECT metric, at, value FROM monitor_samples").all()
    return sorted((Instant(at), value) for which, at, value in rows if which == number)


def test_there_is_one_sample_in_five_minutes_also_after_a_restart(world: World) -> None:
    slot = Instant(world.clock.now() // (5 * MINUTE) * 5 * MINUTE)
    for _ in range(2):
        numbers = Numbers(world.database)
        for minute in range(10):
            now = Instant(slot + minute * MINUTE)
            numbers.take(TARGET, "http", now, [END._replace(value=float(minute))])
            numbers.flush(now)
    assert stored(world.database) == [(slot, 0.0), (slot + 5 * MINUTE, 5.0)]


def test_a_look_that_came_upon_nothing_leaves_its_five_minutes_to_the_next(world: World) -> None:
    now, numbers = world.clock.now(), Numbers(world.database)
    numbers.take(TARGET, "http", now, ())
    numbers.take(TARGET, "http", now, [Fact("probe_http_status_code", 200)])
    numbers.take(TARGET, "http", now, [END])
    assert numbers.flush(now) == 1
    assert numbers.flush(now) == 0


def test_what_cannot_be_written_now_is_written_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, numbers = world.clock.now(), Numbers(world.database)
    numbers.take(TARGET, "http", now, [END])

    def locked(*_: object) -> None:
        raise OpskitError("locked", retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr(samples, "insert", locked)
        with pytest.raises(OpskitError):
            numbers.flush(now)
    assert numbers.flush(now) == 1
    assert len(stored(world.database)) == 1


def test_after_forty_days_a_number_is_forgotten_once_a_day(world: World) -> None:
    numbers, began = Numbers(world.database), world.clock.now()
    for day in range(45):
        now = Instant(began + day * DAY)
        numbers.take(TARGET, "http", now, [END._replace(value=float(day))])
        numbers.flush(now)
    kept_since = min(at for at, _ in stored(world.database))
    assert now - KEPT <= kept_since < now - KEPT + DAY


def test_an_instant_that_stays_what_it_is_takes_one_row_until_it_changes(world: World) -> None:
    numbers, began = Numbers(world.database), world.clock.now()
    slots = [Instant((began // (5 * MINUTE) + n) * 5 * MINUTE) for n in range(5)]
    for slot, value in zip(slots, (1.0, 1.0, 1.0, 2.0, 2.0), strict=True):
        numbers.take(TARGET, "http", slot, [END._replace(value=value)])
        numbers.flush(slot)
    assert stored(world.database) == [(slots[2], 1.0), (slots[4], 2.0)]
