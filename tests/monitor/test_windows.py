"""Service hours, maintenance that comes again, and objectives' windows, at both clock changes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, HOUR, Instant, from_datetime, iso
from opskit.core.interval import Interval
from opskit.monitor import windows
from opskit.monitor.catalogue import Catalogue, Objective
from opskit.monitor.windows import out_of_hours, recurring, window_of
from tests.monitor.world import tcp

BERLIN = ZoneInfo("Europe/Berlin")


def at(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, zone: ZoneInfo = BERLIN
) -> Instant:
    return from_datetime(datetime(year, month, day, hour, minute, tzinfo=zone))


def catalogue(maintenance: list[dict[str, Any]], **more: Any) -> Catalogue:
    service = {"owner": "web", "probes": [tcp()], **more}
    whole = {"services": {"shop": service, "mail": service}, "maintenance": maintenance}
    return Catalogue.model_validate_json(json.dumps(whole), strict=True)


@pytest.mark.parametrize(
    ("day", "hours"),
    [((2026, 3, 28), 3), ((2026, 3, 29), 2), ((2026, 10, 24), 3), ((2026, 10, 25), 4)],
)
def test_hours_from_one_to_four_are_as_long_as_the_clocks_make_them(
    day: tuple[int, int, int], hours: int
) -> None:
    shop = catalogue([], hours=[{"from": "01:00", "to": "04:00"}]).services["shop"]
    start = at(*day)
    whole = Interval(start, at(day[0], day[1], day[2] + 1))
    out = sum(one.length for one in out_of_hours(shop, whole, BERLIN))
    assert whole.length - out == hours * HOUR


def test_hours_of_some_days_leave_the_others_out() -> None:
    office = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}]
    shop = catalogue([], hours=office).services["shop"]
    week = Interval(at(2026, 11, 16), at(2026, 11, 23))
    assert sum(one.length for one in out_of_hours(shop, week, BERLIN)) == 7 * DAY - 50 * HOUR


def test_without_hours_it_is_always_in_service() -> None:
    shop = catalogue([]).services["shop"]
    assert out_of_hours(shop, Interval(at(2026, 1, 1), at(2027, 1, 1)), BERLIN) == ()


SUNDAY = {"schedule": "0 2 * * sun", "length": "2h", "reason": "backup", "services": ["shop"]}


def occurrences(planned: dict[str, Any], window: Interval, service: str = "shop") -> list[str]:
    found = recurring(catalogue([planned]), service, window, BERLIN)
    return [f"{iso(one.start, BERLIN)} {one.length // HOUR}" for one in found]


@pytest.mark.parametrize(
    ("month", "expected"),
    [
        (10, ["2026-10-04T02:00:00+02:00 2", "2026-10-11T02:00:00+02:00 2",
              "2026-10-18T02:00:00+02:00 2", "2026-10-25T02:00:00+02:00 2"]),
        (3, ["2026-03-01T02:00:00+01:00 2", "2026-03-08T02:00:00+01:00 2",
             "2026-03-15T02:00:00+01:00 2", "2026-03-22T02:00:00+01:00 2",
             "2026-03-29T03:00:00+02:00 2"]),
    ],
    ids=["autumn", "spring"],
)  # fmt: skip
def test_maintenance_comes_again_once_each_week(month: int, expected: list[str]) -> None:
    window = Interval(at(2026, month, 1), at(2026, month + 1, 1))
    assert occurrences(SUNDAY, window) == expected


def test_maintenance_that_began_before_the_window_reaches_into_it() -> None:
    window = Interval(at(2026, 11, 22, 3), at(2026, 11, 22, 12))
    assert occurrences(SUNDAY, window) == ["2026-11-22T03:00:00+01:00 1"]


def test_maintenance_is_for_the_services_it_names() -> None:
    window = Interval(at(2026, 11, 16), at(2026, 11, 23))
    assert occurrences(SUNDAY, window, "mail") == []
    assert len(occurrences({**SUNDAY, "services": []}, window, "mail")) == 1


@pytest.mark.parametrize(
    ("over", "start", "end"),
    [
        ("month", (2026, 10, 1), (2026, 11, 1)),
        ("quarter", (2026, 10, 1), (2027, 1, 1)),
        ("year", (2026, 1, 1), (2027, 1, 1)),
    ],
)
def test_an_objective_s_calendar_is_cut_where_its_zone_cuts_it(
    over: str, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    promise = Objective.model_validate({"availability": "99%", "over": over})
    # Half an hour after midnight in Berlin it is still September in London.
    now = at(2026, 10, 1, 0, 30)
    assert window_of(promise, now, BERLIN) == Interval(at(*start), at(*end))
    if over == "month":
        london = ZoneInfo("Europe/London")
        own = Objective.model_validate({"availability": "99%", "timezone": "Europe/London"})
        begin = at(2026, 9, 1, zone=london)
        assert window_of(own, now, BERLIN) == Interval(begin, at(2026, 10, 1, zone=london))


def test_a_rolling_window_ends_now() -> None:
    promise = Objective.model_validate({"availability": "99%", "over": "28d"})
    now = at(2026, 11, 22)
    assert window_of(promise, now, BERLIN) == Interval(Instant(now - 28 * DAY), now)


def test_what_two_share_is_a_part_once() -> None:
    probe = {"kind": "tcp", "address": "127.0.0.1:1"}
    made = {"shop": ["web", "api"], "web": ["db"], "api": ["db"]}
    services: dict[str, Any] = {"db": {"owner": "web", "probes": [probe]}}
    services |= {name: {"owner": "web", "made_of": needs} for name, needs in made.items()}
    whole = Catalogue.model_validate_json(json.dumps({"services": services}), strict=True)
    found = windows.parts(whole, "shop", "web")
    assert sorted(found) == ["api", "db", "shop", "web"]
    assert windows.parts(whole, "db") == ("db",)
