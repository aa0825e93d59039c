"""Wall-clock rules in zones whose clocks are put forward and back."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.calendar import Hours, instant_of, merged, month, outside, quarter, spans
from opskit.core.clock import DAY, HOUR, MINUTE, Instant, from_datetime, iso, to_datetime
from opskit.core.interval import Interval

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
# Its clocks are put forward at midnight, and by half an hour.
SANTIAGO, LORD_HOWE = ZoneInfo("America/Santiago"), ZoneInfo("Australia/Lord_Howe")
ZONES = [ZoneInfo("UTC"), BERLIN, NEW_YORK, SANTIAGO, LORD_HOWE, ZoneInfo("Asia/Kathmandu")]
EVERY_DAY = frozenset(range(7))


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        (date(2026, 3, 29), time(1, 59), "2026-03-29T00:59:00Z"),
        (date(2026, 3, 29), time(2, 30), "2026-03-29T01:30:00Z"),  # skipped: 03:30 in summer
        (date(2026, 3, 29), time(3, 0), "2026-03-29T01:00:00Z"),
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00Z"),  # comes twice: the first
        (date(2026, 10, 25), time(3, 0), "2026-10-25T02:00:00Z"),
    ],
)
def test_a_wall_time_is_an_instant(day: date, at: time, expected: str) -> None:
    assert iso(instant_of(day, at, BERLIN)) == expected


@pytest.mark.parametrize(
    ("year", "number", "hours"),
    [(2026, 2, 28 * 24), (2028, 2, 29 * 24), (2026, 3, 31 * 24 - 1), (2026, 10, 31 * 24 + 1)],
)
def test_a_month_is_as_long_as_its_calendar_says(year: int, number: int, hours: int) -> None:
    assert month(year, number, BERLIN).length == hours * HOUR


def test_months_and_quarters_leave_nothing_out_and_count_nothing_twice() -> None:
    for zone in ZONES:
        months = [month(2026, number, zone) for number in range(1, 13)]
        assert [one.end for one in months[:-1]] == [one.start for one in months[1:]]
        for index in range(4):
            three = months[3 * index : 3 * index + 3]
            assert quarter(2026, index + 1, zone) == Interval(three[0].start, three[-1].end)
        assert months[-1].end == month(2027, 1, zone).start


@pytest.mark.parametrize(
    ("start", "end", "day", "minutes"),
    [
        (time(9), time(17), date(2026, 6, 1), 480),
        (time(22), time(6), date(2026, 6, 1), 480),
        (time(0), time(0), date(2026, 6, 1), 1_440),
        (time(0), time(0), date(2026, 3, 29), 1_380),
        (time(0), time(0), date(2026, 10, 25), 1_500),
        (time(22), time(6), date(2026, 3, 28), 420),
        (time(1, 30), time(2, 30), date(2026, 3, 29), 60),
        (time(2, 0), time(3, 0), date(2026, 3, 29), None),
        (time(2, 0), time(3, 0), date(2026, 10, 25), 120),
    ],
)
def test_hours_of_a_day_last(start: time, end: time, day: date, minutes: int | None) -> None:
    span = Hours(EVERY_DAY, start, end).on(day, BERLIN)
    assert (span and span.length) == (minutes and minutes * MINUTE)


def test_hours_hold_on_their_days_alone() -> None:
    office = Hours(frozenset(range(5)), time(9), time(17))
    week = Interval(
        instant_of(date(2026, 11, 16), time(0), BERLIN),
        instant_of(date(2026, 11, 23), time(0), BERLIN),
    )
    assert [to_datetime(one.start, BERLIN).weekday() for one in spans([office], week, BERLIN)] == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip


MINUTES = st.integers(0, 1_439).map(lambda minute: time(minute // 60, minute % 60))
HOURS = st.builds(Hours, st.frozensets(st.integers(0, 6)), MINUTES, MINUTES)
YEAR = from_datetime(datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
WINDOWS = st.builds(
    lambda start, length: Interval(Instant(YEAR + start), Instant(YEAR + start + length)),
    st.integers(0, 365 * DAY),
    st.integers(0, 10 * DAY),
)


@given(st.lists(HOURS, max_size=3), WINDOWS, st.sampled_from(ZONES))
def test_a_window_is_its_hours_and_the_rest(
    hours: list[Hours], window: Interval, zone: ZoneInfo
) -> None:
    inside = spans(hours, window, zone)
    pieces = sorted([*inside, *outside(inside, window)], key=lambda one: one.start)
    assert [one.end for one in pieces[:-1]] == [one.start for one in pieces[1:]]
    assert sum(one.length for one in pieces) == window.length


@given(HOURS, WINDOWS, st.sampled_from(ZONES))
def test_hours_hold_where_the_clock_on_the_wall_says_so(
    hours: Hours, window: Interval, zone: ZoneInfo
) -> None:
    """Away from changes of the clock a look at the wall tells the same."""
    inside = spans([hours], window, zone)
    middle = Instant((window.start + window.end) // 2)
    wall = to_datetime(middle, zone)
    steady = {(wall + timedelta(hours=away)).utcoffset() for away in range(-49, 50)}
    if len(steady) > 1 or middle == window.end:
        return
    now, today, yesterday = wall.time(), wall.weekday(), (wall.weekday() - 1) % 7
    same_day = hours.end > hours.start
    began_today = today in hours.days and now >= hours.start and (not same_day or now < hours.end)
    began_before = yesterday in hours.days and not same_day and now < hours.end
    assert any(one.start <= middle < one.end for one in inside) == (began_today or began_before)


def test_what_overlaps_or_touches_is_one() -> None:
    window = Interval(Instant(0), Instant(100))
    parts = [(50, 60), (-5, 10), (10, 20), (15, 18), (99, 200), (300, 400), (30, 30)]
    found = merged([Interval(Instant(a), Instant(b)) for a, b in parts], window)
    assert [(one.start, one.end) for one in found] == [(0, 20), (50, 60), (99, 100)]
