"""Hosts: what the facts of the last fleet check mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import DAY, HOUR, FrozenClock, Instant
from opskit.monitor.holdings import held
from opskit.monitor.kinds import Sight
from opskit.monitor.model import Seen
from tests.monitor.probes.looking import Diary, around, at, look
from tests.monitor.probes.wells import FACTS

NOW = Instant(1_790_000_000_000_000)
HOST: dict[str, Any] = {"kind": "host", "host": "web1"}


def judged(path: Path, settings: dict[str, Any], facts: Any = None, age: int = HOUR) -> Sight:
    diary = Diary(hosts={"web1": (Instant(NOW - age), FACTS if facts is None else facts)})
    return look({**HOST, **settings}, around(path, diary, FrozenClock(NOW)))


@pytest.mark.parametrize(
    ("settings", "seen", "reason"),
    [
        ({}, Seen.UP, ""),
        ({"warn_disk_used": "60%"}, Seen.UP, ""),
        ({"warn_disk_used": "59%"}, Seen.DEGRADED, "the file system / is used beyond 0.59"),
        ({"warn_disk_used": "9%", "fail_disk_used": "50%"}, Seen.DOWN, "used beyond 0.5"),
        ({"mounts": ["/run"], "fail_disk_used": "50%"}, Seen.DOWN, "the file system /run"),
        ({"mounts": ["/data"], "fail_disk_used": "50%"}, Seen.UNKNOWN, "file system /data"),
        ({"warn_memory_used": "39%"}, Seen.DEGRADED, "the memory is used beyond 0.39"),
        ({"warn_memory_used": "41%"}, Seen.UP, ""),
        ({"warn_load_per_cpu": 0.1}, Seen.DEGRADED, "the load by CPU is above 0.1"),
        ({"warn_load_per_cpu": 0.2}, Seen.UP, ""),
        ({"warn_uptime_below": "2d"}, Seen.DEGRADED, "it restarted less than 2 d before"),
        ({"warn_uptime_below": "1h"}, Seen.UP, ""),
        ({"min_days": 3_000}, Seen.DEGRADED, "the certificate /etc/tls/a.pem ends within"),
        ({"min_days": 30}, Seen.UP, ""),
        ({"max_age": "30m"}, Seen.UNKNOWN, "its facts are older than 30 min"),
    ],
)
def test_a_host_is_held_to_what_is_asked_of_it(
    tmp_path: Path, settings: dict[str, Any], seen: Seen, reason: str
) -> None:
    sight = judged(tmp_path, settings)
    assert sight.seen is seen
    assert reason in sight.reason
    assert bool(reason) is bool(sight.reason)


ASKED = {
    "warn_disk_used": "80%", "warn_memory_used": "80%", "warn_load_per_cpu": 1.0,
    "warn_uptime_below": "1m", "min_days": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", ["ansible_mounts", "ansible_loadavg", "ansible_uptime_seconds"])
@pytest.mark.parametrize("value", [None, [], "x", {"15m": "much"}, [{"mount": "/"}], -1])
def test_what_is_not_known_is_not_well(tmp_path: Path, name: str, value: object) -> None:
    sight = judged(tmp_path, ASKED, {**FACTS, name: value})
    assert sight.seen is Seen.UNKNOWN
    assert sight.reason.startswith("nothing is known of its")


def test_a_certificate_that_ended_is_down(tmp_path: Path) -> None:
    items = [{"path": "/a\x1b[31m", "not_after": "2020-01-01T00:00:00Z"}, {"path": "b"}, 7]
    facts = {**FACTS, "opskit_posture": {"certificates": {"items": items}}}
    sight = judged(tmp_path, ASKED, facts)
    assert (sight.seen, sight.reason) == (Seen.DOWN, r"the certificate /a\x1b[31m has ended")


def test_figures_have_the_meaning_of_node_exporter(tmp_path: Path) -> None:
    told = {one.name: one.value for one in judged(tmp_path, {}).facts}
    assert told == {
        "opskit_host_facts_timestamp_seconds": (NOW - HOUR) / 1_000_000,
        "opskit_host_filesystem_size_bytes": 1_000,
        "opskit_host_filesystem_avail_bytes": 400,
        "opskit_host_filesystem_files": 100,
        "opskit_host_filesystem_files_free": 90,
        "opskit_host_memory_MemTotal_bytes": 1_000 * 1_048_576,
        "opskit_host_memory_MemAvailable_bytes": 600 * 1_048_576,
        "opskit_host_load1": 0.5,
        "opskit_host_load5": 0.4,
        "opskit_host_load15": 0.3,
        "opskit_host_cpus": 2,
        "opskit_host_uptime_seconds": 86_400,
        "opskit_host_certificate_expiry_timestamp_seconds": 1_893_456_000,
    }


def test_a_host_that_nobody_looked_at_is_unknown(tmp_path: Path) -> None:
    near = around(tmp_path)
    assert look(HOST, near).reason == "no fleet check has gathered facts of it"
    assert look(HOST, at(near, facts=None)).seen is Seen.UNKNOWN


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*FACTS, "mount", "15m"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from([*FACTS]), JSON))
def test_facts_of_any_shape_are_read(facts: dict[str, Any]) -> None:
    known = held(facts, ())
    assert all(disk.size > 0 for disk in known.disks)
    assert known.memory_used is None or known.memory_used <= 1


def test_facts_from_the_future_are_as_fresh_as_can_be(tmp_path: Path) -> None:
    assert judged(tmp_path, ASKED, age=-DAY).seen is Seen.UP
