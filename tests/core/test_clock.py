"""Durations as people write and read them, and civil days where clocks change."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Duration,
    FrozenClock,
    Instant,
    SystemClock,
    format_duration,
    from_datetime,
    iso,
    midnight,
    parse_duration,
    parse_instant,
    to_datetime,
)

UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1_000}
ZONES = tuple(
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "America/St_Johns",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
    )
)
APIA = ZoneInfo("Pacific/Apia")
DAYS = st.dates(date(1970, 1, 2), date(2037, 12, 31))
FIRST, LAST = (
    (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for moment in (datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC))
)
INSTANTS = st.integers(FIRST, LAST).map(Instant)


# Durations


@given(st.integers(0, 10**9), st.sampled_from(sorted(UNITS)))
def test_a_number_with_a_unit_is_read(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == number * UNITS[unit]


@given(st.dictionaries(st.sampled_from(list(UNITS)), st.integers(0, 999), min_size=1))
def test_several_parts_add_up(parts: dict[str, int]) -> None:
    text = "".join(f"{parts[unit]}{unit}" for unit in UNITS if unit in parts)
    assert parse_duration(text) == sum(parts[unit] * UNITS[unit] for unit in parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "30",
        "s",
        "ms",
        "30 s",
        " 30s",
        "30s ",
        "30s\n",
        "30S",
        "1H",
        "1M",
        "1y",
        "1µs",
        "1us",
        "1.5h",
        "1,5h",
        "-3s",
        "+3s",
        "1e3s",
        "0x1s",
        "1_000s",
        "1m30",
        "m30s",
        "1h-30m",
        "1h 30m",
        "1h,30m",
        "PT30S",
        "30s;reboot",
        "\u0663s",
        "\uff13s",
        "30\u017f",
        "9" * 5_000 + "s",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_duration(text)


def refusal(read: Callable[[], int]) -> str | None:
    try:
        read()
    except ValueError as error:
        return str(error)
    return None


@given(st.text(max_size=20) | st.text("0123456789hms", max_size=6))
def test_any_text_is_a_duration_or_is_refused_in_one_line(text: str) -> None:
    said = refusal(lambda: parse_duration(text))
    if re.fullmatch(r"([0-9]+(ms|s|m|h|d|w))+", text):
        assert said is None
        assert parse_duration(text) >= 0
    else:
        assert said
        assert "\n" not in said


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0, "0 s"),
        (250_000, "0.25 s"),
        (1_500_000, "1.50 s"),
        (SECOND, "1 s"),
        (59 * SECOND, "59 s"),
        (59_700_000, "1 min"),
        (MINUTE, "1 min"),
        (4 * MINUTE + 12 * SECOND, "4 min 12 s"),
        (HOUR, "1 h"),
        (3 * HOUR + 5 * MINUTE, "3 h 5 min"),
        (3 * HOUR + 5 * MINUTE + 59 * SECOND, "3 h 5 min"),
        (HOUR + 5 * SECOND, "1 h"),
        (DAY - 1, "1 d"),
        (DAY, "1 d"),
        (30 * DAY + 4 * HOUR, "30 d 4 h"),
        (-4 * MINUTE, "-4 min"),
    ],
)
def test_a_duration_is_shown_to_people(duration: int, shown: str) -> None:
    assert format_duration(duration) == shown


SHOWN = {"d": DAY, "h": HOUR, "min": MINUTE, "s": SECOND}


@given(st.integers(-400 * DAY, 400 * DAY))
def test_what_is_shown_is_the_duration_to_within_its_last_unit(duration: int) -> None:
    text = format_duration(duration)
    parts = re.findall(r"([\d.]+) (d|h|min|s)", text)
    assert 1 <= len(parts) <= 2
    read = sum(float(number) * SHOWN[unit] for number, unit in parts)
    last = SECOND / 100 if "." in parts[-1][0] else SHOWN[parts[-1][1]]
    assert abs(read - abs(duration)) <= last
    assert text.startswith("-") is (duration < 0)


@pytest.mark.parametrize(
    ("unit", "word", "most"), [("s", "s", 59), ("m", "min", 59), ("h", "h", 23), ("d", "d", 9_999)]
)
@given(data=st.data())
def test_what_was_written_in_one_unit_is_shown_in_it(
    unit: str, word: str, most: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, most))
    assert format_duration(parse_duration(f"{number}{unit}")) == f"{number} {word}"


# Civil days


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("UTC", "2026-10-01", "2026-10-01T00:00:00Z"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"),
        ("Asia/Kathmandu", "2026-10-01", "2026-09-30T18:15:00Z"),
        # The clock went from 23:59:59 to 01:00:00: the day began at one.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
        ("Asia/Beirut", "2021-03-28", "2021-03-27T22:00:00Z"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z"),
        ("America/Havana", "2024-03-10", "2024-03-10T05:00:00Z"),
        # The clock went back to 23:00 of the day before: midnight came once, an hour late.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),
        ("Africa/Cairo", "2024-11-01", "2024-10-31T22:00:00Z"),
        # The clock went back from one to midnight: the first of the two counts.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"),
        # One minute into the day the clock went back into the day before.
        ("America/St_Johns", "2006-10-29", "2006-10-29T02:30:00Z"),
        # There was no such day: it begins, and ends, where the next one does.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
    ],
)
def test_the_first_instant_of_a_day(zone: str, day: str, first: str) -> None:
    assert iso(midnight(date.fromisoformat(day), ZoneInfo(zone))) == first


@given(DAYS, st.sampled_from(ZONES))
def test_a_day_begins_with_its_first_instant_and_not_before(day: date, zone: ZoneInfo) -> None:
    start = midnight(day, zone)
    assert to_datetime(start, zone).date() == day
    assert to_datetime(start - 1, zone).date() == day - timedelta(days=1)


@given(DAYS, st.sampled_from((*ZONES, APIA)))
def test_days_follow_each_other_and_last_about_a_day(day: date, zone: ZoneInfo) -> None:
    length = midnight(day + timedelta(days=1), zone) - midnight(day, zone)
    skipped = zone is APIA and day == date(2011, 12, 30)
    assert (0 if skipped else 23 * HOUR) <= length <= 25 * HOUR


@pytest.mark.parametrize(
    ("zone", "first", "after", "length"),
    [
        ("UTC", date(2024, 2, 1), date(2024, 3, 1), 29 * DAY),
        ("UTC", date(2026, 2, 1), date(2026, 3, 1), 28 * DAY),
        ("Europe/Berlin", date(2026, 1, 1), date(2026, 2, 1), 31 * DAY),
        ("Europe/Berlin", date(2026, 3, 1), date(2026, 4, 1), 31 * DAY - HOUR),
        ("Europe/Berlin", date(2026, 10, 1), date(2026, 11, 1), 31 * DAY + HOUR),
        ("America/Sao_Paulo", date(2018, 11, 1), date(2018, 12, 1), 30 * DAY - HOUR),
        ("Australia/Lord_Howe", date(2026, 4, 1), date(2026, 5, 1), 30 * DAY + HOUR // 2),
        ("Pacific/Apia", date(2011, 12, 1), date(2012, 1, 1), 30 * DAY),
    ],
)
def test_a_month_is_as_long_as_its_clocks_make_it(
    zone: str, first: date, after: date, length: int
) -> None:
    assert midnight(after, ZoneInfo(zone)) - midnight(first, ZoneInfo(zone)) == length


# Instants


@given(INSTANTS, st.sampled_from((*ZONES, None)))
def test_an_instant_survives_the_way_through_a_datetime(
    instant: Instant, zone: ZoneInfo | None
) -> None:
    assert from_datetime(to_datetime(instant, zone)) == instant


@given(INSTANTS, st.sampled_from((*ZONES, None)))
def test_an_instant_as_text_is_the_same_second(instant: Instant, zone: ZoneInfo | None) -> None:
    assert parse_instant(iso(instant, zone), ZoneInfo("Asia/Tokyo")) == instant - instant % SECOND


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("2026-11-21", "UTC", "2026-11-21T00:00:00Z"),
        ("2026-11-21", "Europe/Berlin", "2026-11-20T23:00:00Z"),
        ("2026-11-21T09:15:02", "Europe/Berlin", "2026-11-21T08:15:02Z"),
        ("2026-11-21 09:15", "Europe/Berlin", "2026-11-21T08:15:00Z"),
        ("2026-11-21T09:15:02Z", "Europe/Berlin", "2026-11-21T09:15:02Z"),
        ("2026-11-21T09:15:02+05:45", "Europe/Berlin", "2026-11-21T03:30:02Z"),
        # Skipped: read as if the clock had not been changed. Twice: the first.
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ],
)
def test_a_moment_is_read(text: str, zone: str, wanted: str) -> None:
    assert iso(parse_instant(text, ZoneInfo(zone))) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "yesterday",
        "2024-13-45",
        "2026-02-29",
        "2026-11-21T25:00",
        "21.11.2026",
        "1",
        "\0",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date; write 2026-11-21"):
        parse_instant(text, ZoneInfo("UTC"))


@given(st.text(max_size=30) | st.text("0123456789-T:Z+.W", max_size=20))
def test_any_text_is_a_moment_or_is_refused_as_none(text: str) -> None:
    said = refusal(lambda: parse_instant(text, ZoneInfo("Europe/Berlin")))
    assert said is None or "is not a date; write" in said


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_moments(text: str) -> None:
    assert parse_instant(text, ZoneInfo("UTC")) == from_datetime(datetime.fromisoformat(text))


# Clocks


def test_the_system_clock_tells_the_machines_time() -> None:
    before = time.time_ns() // 1_000
    now = SystemClock().now()
    assert before <= now <= time.time_ns() // 1_000


def test_the_monotonic_reading_does_not_go_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = FrozenClock(Instant(5))
    assert (clock.now(), clock.monotonic()) == (5, 0)
    assert (clock.now(), clock.monotonic()) == (5, 0)
    clock.advance(3 * SECOND)
    assert (clock.now(), clock.monotonic()) == (Instant(5 + 3 * SECOND), Duration(3 * SECOND))
