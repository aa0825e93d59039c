"""Noise: with nothing changed, hardly a month is called better or worse."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from statistics import median

import pytest

from opskit.report.statistics.process import Change, Scale, compare, limits

MONTHS, TRIES = 12, 2_000


def test_eleven_months_are_too_few() -> None:
    assert compare([5.0] * 11, 9.0, Scale.PLAIN) is Change.TOO_FEW


def test_the_limits_are_the_mean_and_its_moving_ranges() -> None:
    found = limits([10.0, 12.0] * 6, Scale.PLAIN)
    assert found is not None
    assert (found.low, found.middle, found.high) == pytest.approx((5.68, 11.0, 16.32))


def test_a_month_outside_the_limits_is_told() -> None:
    history = [10.0, 12.0] * 6
    assert compare(history, 17.0, Scale.PLAIN) is Change.HIGHER
    assert compare(history, 5.0, Scale.PLAIN) is Change.LOWER
    assert compare(history, 16.0, Scale.PLAIN) is Change.WITHIN


def test_a_time_of_nothing_has_no_logarithm_and_is_compared_by_roots() -> None:
    found = limits([0.0, 16.0] * 6, Scale.LOGARITHMIC)
    assert found is not None
    assert (found.low, found.middle, found.high) == pytest.approx((0.0, 4.0, 400.0))


def test_no_month_is_news_that_is_not_beyond_all_before_it() -> None:
    history = [1.0] * 11 + [30.0]
    assert compare(history, 30.0, Scale.PLAIN) is Change.WITHIN
    assert compare(history, 31.0, Scale.PLAIN) is Change.HIGHER


def test_a_first_time_lost_in_a_year_is_no_news_yet() -> None:
    assert compare([0.0] * 12, 5.0, Scale.LOGARITHMIC) is Change.WITHIN
    assert compare([0.0] * 12, 5.0, Scale.PLAIN) is Change.HIGHER


def _skewed(stream: Random) -> float:
    return math.exp(stream.gauss(3.4, 1.2))


def _median_of_five(stream: Random) -> float:
    return median(_skewed(stream) for _ in range(5))


def _count(stream: Random) -> float:
    return sum(stream.random() < 0.03 for _ in range(100))


@pytest.mark.parametrize(
    ("month", "scale"),
    [
        (lambda stream: stream.gauss(10, 1), Scale.PLAIN),
        (_skewed, Scale.LOGARITHMIC),
        (_median_of_five, Scale.LOGARITHMIC),
        (_count, Scale.PLAIN),
    ],
)
def test_with_nothing_changed_few_months_are_called_different(
    month: Callable[[Random], float], scale: Scale
) -> None:
    stream = Random(3)
    told = [
        compare([month(stream) for _ in range(MONTHS)], month(stream), scale) for _ in range(TRIES)
    ]
    assert told.count(Change.LOWER) <= 0.05 * TRIES
    assert told.count(Change.HIGHER) <= 0.05 * TRIES
