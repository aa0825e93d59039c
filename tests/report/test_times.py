"""Moments for people: no more than the reader needs, and never the wrong hour."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.report.times import Times
from tests.report.render.book import AMSTERDAM, at


def times(start: str, end: str) -> Times:
    return Times(AMSTERDAM, Interval(at(start), at(end)))


MONTH = times("2026-12-01T00:00", "2027-01-01T00:00")
MINUTES = times("2026-11-21T22:02:10", "2026-11-21T22:03:40")
NIGHT = times("2026-11-21T22:00", "2026-11-22T02:00")


@pytest.mark.parametrize(
    ("within", "moment", "words"),
    [
        (MONTH, "2026-12-08T14:02:31", "Tue 8 Dec 14:02"),
        (MONTH, "2025-12-31T23:59", "Wed 31 Dec 2025 23:59"),
        (MONTH, "2027-01-01T00:00", "Fri 1 Jan 2027 00:00"),
        (MINUTES, "2026-11-21T22:02:41", "22:02:41"),
        (MINUTES, "2026-11-20T22:02:41", "Fri 20 Nov 22:02:41"),
        (NIGHT, "2026-11-22T00:30", "Sun 22 Nov 00:30:00"),
        (NIGHT, "2026-10-25T02:30", "Sun 25 Oct 02:30:00 CEST"),
    ],
)
def test_a_moment_leaves_out_what_the_whole_report_shares(
    within: Times, moment: str, words: str
) -> None:
    assert within.short(at(moment)) == words


def test_the_second_pass_of_a_repeated_hour_is_told_from_the_first() -> None:
    first = at("2026-10-25T02:30")
    second = Instant(first + 3_600_000_000)

    assert [MONTH.short(first), MONTH.short(second)] == [
        "Sun 25 Oct 02:30 CEST",
        "Sun 25 Oct 02:30 CET",
    ]


def test_a_moment_can_stand_alone() -> None:
    assert MONTH.full(at("2026-12-08T14:02:31")) == "Tue 8 Dec 2026 14:02"
    assert MINUTES.full(at("2026-11-21T22:02:10")) == "Sat 21 Nov 2026 22:02:10"
    assert MONTH.exact(at("2026-12-08T14:02:31")) == "2026-12-08 14:02:31+01:00"


def test_utc_needs_no_zone() -> None:
    utc = ZoneInfo("UTC")
    assert Times(utc, MONTH.period).short(at("2026-10-25T02:30", utc)) == "Sun 25 Oct 02:30"
