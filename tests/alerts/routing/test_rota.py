"""Who is on call: turns, hours, layers, overrides, and the days on which clocks change."""

from __future__ import annotations

from datetime import datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.alerts.routing.rota import Layer, Rota, Shift
from opskit.core.calendar import Hours
from opskit.core.clock import DAY, HOUR, Duration, Instant, parse_instant, to_datetime
from opskit.core.interval import Interval

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Duration(7 * DAY)
MONDAY = datetime.fromisoformat("2026-01-05T09:00")


def at(text: str) -> Instant:
    return parse_instant(text, BERLIN)


def between(start: str, end: str) -> Interval:
    return Interval(at(start), at(end))


def weekly(*people: str, hours: tuple[Hours, ...] = (), length: Duration = WEEK) -> Layer:
    return Layer(people, MONDAY, length, hours)


def rota(*layers: Layer) -> Rota:
    return Rota("primary", BERLIN, layers)


def told(shifts: tuple[Shift, ...]) -> list[str]:
    def when(one: Instant) -> str:
        return to_datetime(one, BERLIN).strftime("%m-%d %H:%M")

    return [
        f"{when(one.interval.start)} to {when(one.interval.end)} {one.person}" for one in shifts
    ]


def test_people_take_turns_and_hand_over_by_the_clock_on_the_wall() -> None:
    # Clocks go forward on 29 March: the hand-over stays at nine.
    shifts = rota(weekly("ada", "ben")).shifts(between("2026-03-23T00:00", "2026-04-07T00:00"))
    assert told(shifts) == [
        "03-23 00:00 to 03-23 09:00 ada",
        "03-23 09:00 to 03-30 09:00 ben",
        "03-30 09:00 to 04-06 09:00 ada",
        "04-06 09:00 to 04-07 00:00 ben",
    ]


def test_before_the_first_turn_nobody_is_on_call() -> None:
    assert rota(weekly("ada")).on_call(at("2026-01-05T08:59")) is None
    assert rota(weekly("ada")).on_call(at("2026-01-05T09:00")) is not None


def test_a_later_layer_takes_the_place_of_an_earlier_one_in_its_hours() -> None:
    office = Hours(frozenset(range(5)), time(9), time(17))
    both = rota(weekly("ada"), weekly("ben", hours=(office,)))
    shifts = both.shifts(between("2026-11-20T00:00", "2026-11-24T00:00"))
    assert told(shifts) == [
        "11-20 00:00 to 11-20 09:00 ada",
        "11-20 09:00 to 11-20 17:00 ben",
        "11-20 17:00 to 11-23 09:00 ada",
        "11-23 09:00 to 11-23 17:00 ben",
        "11-23 17:00 to 11-24 00:00 ada",
    ]


def test_an_override_takes_the_place_of_everybody() -> None:
    taken = Shift(between("2026-11-24T12:00", "2026-11-24T18:00"), "cem")
    shifts = rota(weekly("ada")).shifts(between("2026-11-24T00:00", "2026-11-25T00:00"), (taken,))
    assert told(shifts) == [
        "11-24 00:00 to 11-24 12:00 ada",
        "11-24 12:00 to 11-24 18:00 cem",
        "11-24 18:00 to 11-25 00:00 ada",
    ]


def test_who_is_next_is_another() -> None:
    found = rota(weekly("ada", "ada", "ben")).next(at("2026-01-06T00:00"))
    assert found is not None
    assert (found.person, found.interval.start) == ("ben", at("2026-01-19T09:00"))
    assert rota(weekly("ada")).next(at("2026-01-06T00:00")) is None


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_turns_of_hours_leave_no_gap_where_clocks_change(day: str) -> None:
    whole = between(f"{day}T00:00", f"{day}T23:59")
    shifts = rota(weekly("ada", "ben", "cem", length=HOUR)).shifts(whole)
    assert shifts[0].interval.start == whole.start
    assert shifts[-1].interval.end == whole.end
    assert all(one.interval.end == other.interval.start for one, other in pairwise(shifts))


@given(
    people=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6),
    days=st.integers(1, 20),
    start=st.integers(0, 400),
    length=st.integers(1, 60),
)
def test_of_one_layer_somebody_is_always_on_call_and_the_turns_are_fair(
    people: list[str], days: int, start: int, length: int
) -> None:
    first = at("2026-01-06T00:00") + start * DAY
    window = Interval(Instant(first), Instant(first + length * DAY))
    shifts = rota(weekly(*people, length=Duration(days * DAY))).shifts(window)
    assert shifts[0].interval.start == window.start
    assert sum(one.interval.end - one.interval.start for one in shifts) == length * DAY
    for one in shifts:
        found = rota(weekly(*people, length=Duration(days * DAY))).on_call(one.interval.start)
        assert found is not None
        assert found.person == one.person
