"""Exact intervals: scipy's digits, and the coverage they promise, whatever the truth is."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from math import comb, inf

import pytest
from hypothesis import example, given, strategies as st
from scipy import stats

from opskit.report.statistics.intervals import Range, middle, rate, rate_ratio, share

LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(st.data(), st.integers(1, 1_000_000), LEVELS)
def test_a_share_has_the_interval_of_clopper_and_pearson(
    data: st.DataObject, count: int, level: float
) -> None:
    hits = data.draw(st.integers(0, count))
    ours = share(hits, count, level)
    peer = stats.binomtest(hits, count).proportion_ci(level, method="exact")
    assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high), abs=1e-9)


@given(st.integers(0, 100_000), st.floats(0.1, 1e6), LEVELS)
@example(0, 1.0, 0.9)
def test_a_rate_has_the_interval_of_garwood(events: int, exposure: float, level: float) -> None:
    ours, tail = rate(events, exposure, level), (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 / exposure if events else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * events + 2) / 2 / exposure
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize(
    ("count", "ranks"), [(3, None), (4, None), (5, (1, 5)), (8, (2, 7)), (12, (3, 10))]
)
def test_a_median_lies_between_two_of_the_values(count: int, ranks: tuple[int, int] | None) -> None:
    found = middle([10 * rank for rank in range(count, 0, -1)])
    assert found == (None if ranks is None else Range(10 * ranks[0], 10 * ranks[1]))


@given(st.integers(1, 400), LEVELS)
def test_the_interval_of_a_median_is_the_narrowest_that_covers_enough(
    count: int, level: float
) -> None:
    def outside(rank: float) -> float:
        return float(Fraction(2 * sum(comb(count, below) for below in range(int(rank))), 2**count))

    found = middle(list(range(1, count + 1)), level)
    rank = found.low if found else 0
    assert outside(rank) <= 1 - level + 1e-12
    if rank < (count + 1) // 2:
        assert outside(rank + 1) > 1 - level - 1e-12


def test_the_interval_of_a_median_covers_the_median_of_a_skewed_time() -> None:
    stream, held, tries = random.Random(5), 0, 2_000
    for _ in range(tries):
        found = middle([stream.lognormvariate(0, 1.2) for _ in range(12)])
        held += found is not None and found.holds(1.0)
    assert 0.90 <= held / tries <= 0.99


@given(st.integers(0, 60), st.integers(0, 60), st.floats(1, 400), st.floats(1, 400))
def test_a_ratio_of_rates_turns_around_with_its_periods(
    k0: int, k1: int, e0: float, e1: float
) -> None:
    ours, turned = rate_ratio((k0, e0), (k1, e1)), rate_ratio((k1, e1), (k0, e0))
    assert ours.low <= ours.high
    if k0 and k1:
        assert ours.low == pytest.approx(1 / turned.high)
        assert ours.holds((k1 / e1) / (k0 / e0))


def test_without_an_event_a_ratio_of_rates_can_be_anything() -> None:
    assert rate_ratio((0, 90), (0, 30)) == Range(0.0, inf)


def test_with_nothing_changed_a_ratio_of_rates_rarely_leaves_1_out() -> None:
    stream, less, tries = random.Random(7), 0, 2_000
    for _ in range(tries):
        before, now = (_events(stream, days) for days in (90, 30))
        less += _upper(before, now) < 1
    assert less / tries <= 0.05


@cache
def _upper(before: int, now: int) -> float:
    return rate_ratio((before, 90), (now, 30)).high


def _events(stream: random.Random, days: int) -> int:
    """Return how many incidents come in so many days, at one in ten days."""
    return sum(stream.random() < 0.001 for _ in range(100 * days))
