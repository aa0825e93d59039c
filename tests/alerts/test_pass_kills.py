"""kill -9 within a pass: the next process tells what this one has not, and nothing twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, FrozenClock
from opskit.outside.database import Database
from tests.alerts.watch import Shop
from tests.records import killing

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
