"""A month beside the months before it: told as news only if it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from opskit.core.calendar import month
from opskit.core.clock import DAY, MINUTE, Instant
from opskit.core.evidence import Evidence, ServiceEvidence
from opskit.core.interval import Interval, State, Stretch
from opskit.report.figures.catalogue import all_figures
from opskit.report.ground import Ground, Past
from opskit.report.model import Comparison
from opskit.report.statistics.process import Change

UTC = ZoneInfo("UTC")


def down(period: Interval, minutes: float) -> Evidence:
    """Return a service that was down for so many minutes at the start of a period."""
    edge = Instant(period.start + int(minutes * MINUTE))
    timeline = (
        Stretch(period.start, edge, State.DOWN, "timeout", (1,)),
        Stretch(edge, period.end, State.UP, "", ()),
    )
    return Evidence((ServiceEvidence("shop", "web", "internal", None, timeline, refs=(1,)),))


def comparison(before: list[float], now: float) -> Comparison | None:
    """Return what is said of downtime in December 2026, after so much in each month before."""
    months = [month(2026, 12 - back, UTC) for back in range(min(11, len(before)), 0, -1)]
    if len(before) == 12:
        months.insert(0, month(2025, 12, UTC))
    past = tuple(Past(one, down(one, much)) for one, much in zip(months, before, strict=True))
    period = month(2026, 12, UTC)
    found = {one.id: one for one in all_figures(Ground(period, down(period, now), past))}
    told = found["downtime.total"].comparison
    return None if told is None else replace(told, earlier=())


USUAL = [30.0, 45.0, 28.0, 60.0, 33.0, 41.0, 52.0, 29.0, 38.0, 44.0, 31.0, 47.0]


@pytest.mark.parametrize(
    ("minutes", "change", "words"),
    [
        (40, Change.WITHIN, "within the normal variation of the 12 months before"),
        (600, Change.HIGHER, "worse: higher than the 12 months before vary"),
        (1, Change.LOWER, "better: lower than the 12 months before vary"),
    ],
)
def test_a_month_is_news_only_outside_of_what_months_do(
    minutes: float, change: Change, words: str
) -> None:
    assert comparison(USUAL, minutes) == Comparison(change, 12, words)


def test_eleven_months_do_not_tell() -> None:
    told = Comparison(Change.TOO_FEW, 11, "11 months to compare with, 12 are needed")
    assert comparison(USUAL[1:], 40) == told


def test_without_earlier_months_nothing_is_compared() -> None:
    assert comparison([], 40) is None


def test_a_month_of_28_days_is_no_better_for_being_short() -> None:
    """As much a day in February as in the months before is the same."""
    months = [month(2025, number, UTC) for number in range(2, 13)] + [month(2026, 1, UTC)]
    past = tuple(Past(one, down(one, one.length / DAY)) for one in months)
    period = month(2026, 2, UTC)
    assert period.length == 28 * DAY
    found = {one.id: one for one in all_figures(Ground(period, down(period, 28), past))}
    told = found["downtime.total"].comparison
    assert told is not None
    assert told.change is Change.WITHIN
    assert date(2026, 2, 28) == Ground(period, Evidence()).last_day
