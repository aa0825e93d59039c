"""A ribbon's cells tile the period: none is missing, none overlaps, none is a day too many."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Instant, from_datetime, to_datetime
from opskit.core.interval import Interval, State, Stretch, totals
from opskit.report.model import Cell
from opskit.report.ribbon import ribbon
from tests.report.evidence import at

# Clocks that change by an hour, by half an hour, at midnight itself, and one that skipped a day.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
    "America/Havana", "Asia/Beirut", "Africa/Casablanca", "Pacific/Apia",
)  # fmt: skip
EARLIEST, LATEST = (from_datetime(datetime(year, 1, 1, tzinfo=UTC)) for year in (2011, 2030))


@st.composite
def periods(draw: st.DrawFn) -> Interval:
    """Draw a period of a second to ten weeks."""
    start = draw(st.integers(EARLIEST, LATEST))
    length = draw(st.one_of(st.integers(SECOND, 2 * DAY), st.integers(2 * DAY, 70 * DAY)))
    return Interval(Instant(start), Instant(start + length))


def cells(period: Interval, zone: str) -> tuple[Cell, ...]:
    """Return the cells of a period in which a service was down in the middle third."""
    third = period.length // 3
    first, second = Instant(period.start + third), Instant(period.end - third)
    timeline = (
        Stretch(period.start, first, State.UP),
        Stretch(first, second, State.DOWN),
        Stretch(second, period.end, State.UP),
    )
    return ribbon(timeline, period, ZoneInfo(zone))


# Samoa had no 30 December 2011.
SAMOA = Interval(at("2011-12-25"), at("2012-01-05"))


@given(periods(), st.sampled_from(ZONES))
@example(SAMOA, "Pacific/Apia")
def test_cells_tile_the_period(period: Interval, zone: str) -> None:
    found = cells(period, zone)
    edges = [period.start, *(cell.end for cell in found)]
    assert [cell.start for cell in found] == edges[:-1]
    assert edges[-1] == period.end
    assert all(cell.end > cell.start for cell in found)


@given(periods(), st.sampled_from(ZONES))
def test_the_time_in_a_cell_is_the_cell_s_length(period: Interval, zone: str) -> None:
    found = cells(period, zone)
    for cell in found:
        assert cell.time.up + cell.time.down == cell.end - cell.start
    whole = totals((Stretch(period.start, Instant(period.start + period.length // 3), State.DOWN),))
    middle = period.length - 2 * whole.down
    assert sum(cell.time.down for cell in found) == middle


@given(periods(), st.sampled_from(ZONES))
def test_a_cell_of_a_long_period_is_one_civil_day(period: Interval, zone: str) -> None:
    if period.length < 2 * DAY:
        return
    found = cells(period, zone)
    for cell in found:
        last = to_datetime(cell.end - 1, ZoneInfo(zone))
        assert to_datetime(cell.start, ZoneInfo(zone)).date() == last.date()
    days = [to_datetime(cell.start, ZoneInfo(zone)).date() for cell in found]
    assert len(days) == len(set(days))


@given(periods(), st.sampled_from(ZONES))
def test_there_are_never_more_cells_than_can_be_seen(period: Interval, zone: str) -> None:
    assert 1 <= len(cells(period, zone)) <= 72


@pytest.mark.parametrize(
    ("month", "following", "days", "odd", "length"),
    [
        ("2026-03-01", "2026-04-01", 31, 28, 23 * HOUR),
        ("2026-10-01", "2026-11-01", 31, 24, 25 * HOUR),
        ("2026-02-01", "2026-03-01", 28, 0, 24 * HOUR),
    ],
)
def test_a_month_has_its_days_and_the_clock_changes_on_one_of_them(
    month: str, following: str, days: int, odd: int, length: int
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    found = cells(Interval(at(month, zone), at(following, zone)), "Europe/Berlin")
    assert len(found) == days
    assert found[odd].end - found[odd].start == length


@pytest.mark.parametrize(
    ("length", "step"),
    [(30 * SECOND, SECOND), (5 * MINUTE, 5 * SECOND), (HOUR, MINUTE), (DAY, 30 * MINUTE)],
)
def test_a_short_period_is_cut_at_round_times(length: int, step: int) -> None:
    start = Instant(EARLIEST + 7 * HOUR + 1)
    found = cells(Interval(start, Instant(start + length)), "UTC")
    assert {cell.end % step for cell in found[:-1]} == {0}
    assert {cell.end - cell.start for cell in found[1:-1]} == {step}


def test_labels_say_the_day_or_the_time() -> None:
    week = cells(Interval(at("2026-10-05"), at("2026-10-12")), "UTC")
    assert [cell.label for cell in week][:2] == ["Mon 05 Oct", "Tue 06 Oct"]
    day = cells(Interval(at("2026-10-05T08:00"), at("2026-10-05T18:00")), "UTC")
    assert day[0].label == "08:00"
    minute = cells(Interval(at("2026-10-05T08:00"), at("2026-10-05T08:01")), "UTC")
    assert minute[1].label == "08:00:01"
