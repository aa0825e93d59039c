"""kill -9 or a full disk within a pass: the next one tells what this has not, nothing twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, FrozenClock
from opskit.core.errors import OutsideError
from opskit.outside.database import Database, sqlite_url
from tests.alerts.watch import Shop
from tests.records import killing
from tests.rig.plugin import require

BEGIN, END = "firing: web is down", "resolved: web is down"


@pytest.mark.parametrize("looks", range(1, 9))
def test_whoever_dies_in_a_pass_loses_nothing(
    tmp_path: Path, database: Database, clock: FrozenClock, looks: int
) -> None:
    shop = Shop(tmp_path / "ops", database, clock)

    def one_day(count: int) -> None:
        for number in range(count):
            shop.down["web"] = float(number < 4)
            clock.advance(30 * SECOND)
            shop.look()

    one_day(looks - 1)
    told = list(shop.channels["pager"].got)
    shop.database.close()

    def dies() -> None:
        shop.down["web"] = float(looks - 1 < 4)
        clock.advance(30 * SECOND)
        with killing.told(shop.database, lambda _moment: killing.died()):
            shop.watcher.look(shop.engine, shop.page)

    _, status = os.waitpid(killing.forked(dies), 0)
    assert os.WIFSIGNALED(status)
    shop.restart()
    assert shop.channels["pager"].got == told
    for value in (1.0, 0.0):
        shop.down["web"] = value
        shop.passes("4m")
    assert shop.said[0] == BEGIN
    assert shop.said[-1] == END
    assert shop.said.count(BEGIN) == shop.said.count(END)
    assert shop.kinds().count("alert.fired") == shop.kinds().count("alert.resolved")
    keys = [one.key for one in shop.channels["pager"].got]
    assert len(keys) == len(set(keys))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system in memory that has room for little more than the tables."""
    place = tmp_path / "small"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    require(done.stderr.strip() or None if done.returncode else None)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("looks", [2, 6])
def test_a_full_disk_loses_nothing(
    tmp_path: Path, small: Path, clock: FrozenClock, looks: int
) -> None:
    shop = Shop(tmp_path / "ops", Database.open(sqlite_url(small / "opskit.db")), clock)

    def one_more(number: int) -> None:
        shop.down = {f"web{one}": float(number < 5) for one in range(9)} | {
            "web": float(number < 5)
        }
        clock.advance(30 * SECOND)
        shop.look()

    for number in range(looks):
        one_more(number)
    fill(small / "ballast")
    for _ in range(3):
        with pytest.raises(OutsideError, match="no space"):
            one_more(looks)
        shop.restart()
    (small / "ballast").unlink()
    for number in range(looks, 12):
        one_more(number)
    shop.database.close()
    begun, over = shop.kinds().count("alert.fired"), shop.kinds().count("alert.resolved")
    assert begun == over == 10
    keys = [one.key for one in shop.channels["pager"].got]
    assert len(keys) == len(set(keys))
    assert shop.said[-1].startswith("resolved:")
    assert shop.responses().open() == ()


def fill(path: Path) -> None:
    """Write until nothing more goes."""
    with path.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(b"\0" * 512):
            pass
