"""Periods as they are asked for on a command line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.cli.options import period
from opskit.core.calendar import month
from opskit.core.clock import FrozenClock, parse_instant

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "year", "number"),
    [
        ("2026-11-01T00:00:00", 2026, 10),
        ("2026-10-31T23:59:59", 2026, 9),
        ("2026-01-15T12:00:00", 2025, 12),
        ("2024-03-31T02:30:00", 2024, 2),
    ],
)
def test_the_last_month_is_the_one_that_is_over(now: str, year: int, number: int) -> None:
    app: Any = SimpleNamespace(
        config=SimpleNamespace(zone=BERLIN), clock=FrozenClock(parse_instant(now, BERLIN))
    )
    asked = period(app, month="last", since=None, until=None, last=None)
    assert asked == month(year, number, BERLIN)
