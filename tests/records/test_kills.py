"""kill -9 at every named point of a delivery: nothing is lost, and a repeat says that it may be."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, MINUTE, FrozenClock
from opskit.core.notice import Notice, as_body
from opskit.outside.database import Database
from opskit.records.outbox import Outbox
from tests.records import killing

KEYS = [f"m{number}" for number in range(5)]
# A delivery commits when it claims and when it settles; it is killed at each, and around sending.
POINTS = [
    ("before a commit", 1), ("before it is sent", 1), ("after it is sent", 1),
    ("before a commit", 2), ("before a commit", 3), ("before it is sent", 3),
    ("after it is sent", 3), ("before a commit", 6), ("after it is sent", 5),
    ("before a commit", 10),
]  # fmt: skip


def at(moment: str, time: int) -> Callable[[str], None]:
    """Return what dies when a moment has come for the n-th time."""
    seen = Counter[str]()

    def between(now: str) -> None:
        seen[now] += 1
        if (now, seen[now]) == (moment, time):
            killing.died()

    return between


@pytest.mark.parametrize(("moment", "time"), [("after it is sent", 3), ("before a commit", 2)])
def test_whoever_dies_with_several_on_their_way_repeats_those_and_says_so(
    database: Database, url: str, clock: FrozenClock, tmp_path: Path, moment: str, time: int
) -> None:
    with database.write() as connection:
        for key in KEYS:
            Outbox(database, clock).owe(connection, key, "mail", as_body(Notice(key)))
    database.close()
    path, work = tmp_path / "arrived", partial(killing.deliver, url, clock, together=3)
    child = killing.forked(lambda: work(path, at(moment, time)))
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    clock.advance(3 * MINUTE)
    work(path)
    found = killing.arrived(path)
    repeats = [one for place, one in enumerate(found) if one.key in {e.key for e in found[:place]}]
    assert {one.key for one in found} == {f"{key}-mail" for key in KEYS}
    assert len(repeats) <= 3
    assert all(one.may_repeat for one in repeats)


@pytest.mark.parametrize(("moment", "time"), POINTS)
def test_whoever_dies_loses_nothing_and_repeats_what_nobody_knew_of(
    database: Database, url: str, clock: FrozenClock, tmp_path: Path, moment: str, time: int
) -> None:
    with database.write() as connection:
        for key in KEYS:
            Outbox(database, clock).owe(connection, key, "mail", as_body(Notice(key)), "one group")
    database.close()
    path = tmp_path / "arrived"
    child = killing.forked(lambda: killing.deliver(url, clock, path, at(moment, time)))
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    known = len(killing.arrived(path))
    clock.advance(2 * MINUTE)
    killing.deliver(url, clock, path)
    clock.advance(HOUR)
    killing.deliver(url, clock, path)

    found = killing.arrived(path)
    repeats = [one for place, one in enumerate(found) if one.key in {e.key for e in found[:place]}]
    assert list(dict.fromkeys(one.key for one in found)) == [f"{key}-mail" for key in KEYS]
    assert len(repeats) <= 1
    assert all(one.may_repeat for one in repeats)
    assert known <= len(found)
