"""What a fleet check learnt of a host is what a host probe goes by."""

from __future__ import annotations

from typing import Any

from opskit.core.clock import HOUR, FrozenClock, Instant
from opskit.facts import FleetFacts, as_ansible_facts
from opskit.fleet.posture import Posture
from opskit.fleet.store.exposures import POSTURE
from opskit.monitor.kinds import Around
from opskit.monitor.model import Seen
from opskit.monitor.probes import host
from opskit.outside.database import Database
from tests.monitor.world import catalogue

GIB = 1024**3
DISK = {
    "mount": "/", "device": "/dev/vda1", "fstype": "ext4", "size_total": 100 * GIB,
    "size_available": 4 * GIB, "inode_total": 1_000_000, "inode_available": 900_000,
}  # fmt: skip
SYSTEM = {
    "mounts": [DISK], "memory_total": 8 * GIB, "memory_available": 2 * GIB,
    "load": [0.5, 0.4, 0.3], "cpus": 2, "uptime_seconds": 86_400.0,
}  # fmt: skip


def plant(database: Database, at: int, **parts: Any) -> None:
    """Write what a check read of web1."""
    import json

    with database.write() as connection:
        connection.execute(
            POSTURE.insert().values(
                host="web1", run_id="R-1", at=at, facts=json.dumps(parts), owner="", ports=""
            )
        )


def look(
    database: Database, clock: FrozenClock, tmp_path: Any, **settings: Any
) -> tuple[Seen, str]:
    probe = catalogue(shop={"kind": "host", "host": "web1", **settings}).targets()[0].probe
    near = Around(tmp_path, clock, {}, None, FleetFacts(database))
    sight = host.KIND.look(probe, near)
    return sight.seen, sight.reason


def test_a_disk_that_is_full_is_seen_by_the_last_check(
    database: Database, clock: FrozenClock, tmp_path: Any
) -> None:
    plant(database, clock.now() - HOUR, system=SYSTEM)
    assert look(database, clock, tmp_path, fail_disk_used="95%")[0] is Seen.DOWN
    assert look(database, clock, tmp_path, fail_disk_used="97%")[0] is Seen.UP
    assert look(database, clock, tmp_path, warn_memory_used="70%")[0] is Seen.DEGRADED


def test_what_was_read_too_long_ago_is_not_known(
    database: Database, clock: FrozenClock, tmp_path: Any
) -> None:
    plant(database, clock.now() - 37 * HOUR, system=SYSTEM)
    assert look(database, clock, tmp_path)[0] is Seen.UNKNOWN


def test_a_host_that_was_never_checked_is_not_known(
    database: Database, clock: FrozenClock, tmp_path: Any
) -> None:
    assert FleetFacts(database).of("web1") is None
    assert look(database, clock, tmp_path)[0] is Seen.UNKNOWN


def test_what_was_not_told_is_not_there() -> None:
    told = {"system": {"unknown": "/proc/meminfo does not tell"}, "certificates": {"items": []}}
    facts = as_ansible_facts(Posture("web1", Instant(0), told))
    assert facts == {"opskit_posture": told}
