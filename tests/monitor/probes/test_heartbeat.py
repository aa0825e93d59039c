"""Heartbeats: what the web side heard is asked for by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.core.clock import DAY, HOUR, FrozenClock, Instant
from opskit.monitor.model import Seen
from tests.monitor.probes.looking import Diary, around, at, look

NOW = Instant(1_790_000_000_000_000)
BACKUP: dict[str, Any] = {"kind": "heartbeat", "beat": "backup", "every": "1d"}


def beats(word: str, ago: int, ended: str = "", ended_ago: int = 0) -> Diary:
    """Return that the backup called in so long ago, and ended so long ago."""
    end = (Instant(NOW - (ended_ago or ago)), ended or word)
    return Diary(
        {"backup": (Instant(NOW - ago), word)}, {"backup": end} if end[1] != "start" else {}
    )


@pytest.mark.parametrize(
    ("diary", "settings", "seen"),
    [
        (Diary(), {}, Seen.UNKNOWN),
        (Diary({"other": (NOW, "ok")}, {"other": (NOW, "ok")}), {}, Seen.UNKNOWN),
        (beats("ok", HOUR), {}, Seen.UP),
        (beats("ok", DAY + HOUR), {}, Seen.UP),
        (beats("ok", DAY + HOUR + 1), {}, Seen.DOWN),
        (beats("ok", DAY + HOUR + 1), {"grace": "2h"}, Seen.UP),
        (beats("fail", 0), {}, Seen.DOWN),
        (beats("start", 2 * HOUR, "ok", DAY), {}, Seen.DOWN),
        (beats("start", 2 * HOUR, "ok", DAY), {"max_runtime": "3h"}, Seen.UP),
        (beats("start", HOUR), {}, Seen.UNKNOWN),
        # The clock was set back since: it called in just now, not in the future.
        (beats("ok", -9 * DAY), {}, Seen.UP),
    ],
)
def test_it_is_judged_by_its_own_calls(
    tmp_path: Path, diary: Diary, settings: dict[str, Any], seen: Seen
) -> None:
    near = around(tmp_path, diary, FrozenClock(NOW))
    assert look({**BACKUP, **settings}, near).seen is seen


def test_a_schedule_is_kept_in_its_zone(tmp_path: Path) -> None:
    near = around(tmp_path, beats("ok", 0), FrozenClock(NOW))
    weekly = {
        "kind": "heartbeat",
        "beat": "backup",
        "schedule": "0 3 * * 1",
        "timezone": "Asia/Tokyo",
    }
    facts = {one.name: one.value for one in look(weekly, near).facts}
    due = facts["opskit_probe_heartbeat_due_timestamp_seconds"]
    assert due % 86_400 == 18 * 3_600  # 03:00 in Tokyo
    assert facts["opskit_probe_heartbeat_last_timestamp_seconds"] == NOW / 1_000_000


def test_where_nothing_takes_calls_nobody_knows(tmp_path: Path) -> None:
    sight = look(BACKUP, at(around(tmp_path), beats=None))
    assert sight.seen is Seen.UNKNOWN
    assert "opskit serve" in sight.reason
