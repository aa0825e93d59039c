"""The ribbon's geometry: whatever happened is seen, and the rest is to scale."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as some

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Instant
from opskit.core.interval import Interval, Totals
from opskit.report.model import Cell
from opskit.report.render.ribbon import HEIGHT, cell_length, ribbon
from opskit.report.times import Times
from tests.report.render.book import at

START = at("2026-10-01T00:00")
TIMES = Times(ZoneInfo("Europe/Amsterdam"), Interval(START, Instant(START + 31 * DAY)))


def cell(length: int = DAY, **spent: int) -> Cell:
    rest = length - sum(spent.values())
    return Cell(START, Instant(START + length), "Thu 01 Oct", Totals(**{"up": rest, **spent}))


@given(some.tuples(*[some.integers(0, 24 * 60)] * 5))
def test_bands_fill_the_cell_and_each_can_be_seen(minutes: tuple[int, ...]) -> None:
    names = ("down", "degraded", "unknown", "maintenance", "excluded")
    spent = {name: count * MINUTE // 5 for name, count in zip(names, minutes, strict=True)}
    bands = ribbon([cell(**spent)], TIMES).blocks[0].bands

    assert sum(float(band.height) for band in bands) == pytest.approx(HEIGHT, abs=0.1)
    assert [band.state for band in bands if band.state != "up"] == [
        name for name in names if spent[name]
    ]
    assert all(float(band.height) >= 5 for band in bands if band.state != "up")


def test_bands_stand_on_each_other() -> None:
    bands = ribbon([cell(down=HOUR, unknown=6 * HOUR)], TIMES).blocks[0].bands
    edges = [HEIGHT, *(float(band.top) for band in bands)]

    assert [below - float(band.height) for below, band in zip(edges, bands, strict=False)] == (
        pytest.approx(edges[1:], abs=0.02)
    )


@pytest.mark.parametrize(
    ("down", "length", "cells", "number"),
    [
        (0, DAY, 31, ""),
        (20 * SECOND, DAY, 31, "<1"),
        (90 * SECOND, DAY, 31, "2"),
        (37 * MINUTE, DAY, 31, "37"),
        (999 * MINUTE, DAY, 31, "999"),
        (1_000 * MINUTE, DAY, 31, "16h"),
        (DAY, DAY, 31, "24h"),
        (999 * MINUTE, DAY, 62, ""),
        (30 * SECOND, MINUTE, 31, ""),
    ],
)
def test_a_bad_cell_prints_its_minutes_where_they_fit(
    down: int, length: int, cells: int, number: str
) -> None:
    blocks = ribbon([cell(length, down=down)] * cells, TIMES).blocks

    assert blocks[0].number == number


@pytest.mark.parametrize(("cells", "room"), [(7, 0), (31, 1), (50, 2)])
def test_a_number_hides_where_it_has_no_room(cells: int, room: int) -> None:
    assert ribbon([cell(down=37 * MINUTE)] * cells, TIMES).blocks[0].room == room


def test_a_cell_says_its_times_in_the_zone_of_the_report() -> None:
    block = ribbon([cell(down=37 * MINUTE, unknown=HOUR)], TIMES).blocks[0]

    assert block.title == (
        "2026-10-01 00:00:00+02:00 to 2026-10-02 00:00:00+02:00: "
        "down 37 min, not observed 1 h, up 22 h 23 min"
    )


def test_the_ribbon_says_itself_in_a_sentence() -> None:
    drawn = ribbon([cell(), cell(down=HOUR), cell(excluded=DAY, up=0)], TIMES)

    assert drawn.label == "3 cells of 1 day each: down in 1, not monitored in 1, up in 2"


@pytest.mark.parametrize("count", [1, 5, 24, 31, 62])
def test_labels_are_few_and_start_with_the_first_cell(count: int) -> None:
    ticks = ribbon([cell()] * count, TIMES).ticks

    assert ticks[0].x == "0.000%"
    assert 1 <= len(ticks) <= 5


def test_an_empty_period_draws_nothing() -> None:
    assert ribbon([], TIMES).blocks == ()


def test_a_day_of_25_hours_is_a_day() -> None:
    assert cell_length([cell(), cell(25 * HOUR)]) == "1 day"
    assert cell_length([cell(2 * SECOND)]) == "2 s"
