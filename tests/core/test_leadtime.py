"""Kaplan and Meier's estimator: textbook figures, and what must hold for any waits."""

from __future__ import annotations

import random
from fractions import Fraction
from statistics import median_low

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import Duration
from opskit.core.leadtime import Curve, Wait, curve

waits = st.lists(st.builds(Wait, st.integers(0, 20).map(Duration), st.booleans()), max_size=30)
lengths = st.lists(st.integers(0, 20), min_size=1, max_size=30)


def over(*found: int) -> list[Wait]:
    return [Wait(Duration(one), over=True) for one in found]


def still(*found: int) -> list[Wait]:
    return [Wait(Duration(one), over=False) for one in found]


def test_the_leukemia_trial_of_freireich_1963() -> None:
    # 6-MP group, weeks to relapse: the example in which the estimator is taught, S(t) by hand.
    ended = (6, 6, 6, 7, 10, 13, 16, 22, 23)
    censored = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    found = curve(over(*ended) + still(*censored))
    shares = {at: round(float(share), 4) for at, share in found.steps}
    assert shares == {
        6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482,
    }  # fmt: skip
    assert found.median == 23
    assert (found.count, found.still) == (21, 12)


def test_where_most_still_wait_nobody_can_say_the_median() -> None:
    assert curve(over(1) + still(2, 2, 2)).median is None
    assert curve(still(5)).median is None
    assert curve([]) == Curve((), 0, 0)
    assert curve([]).median is None


def test_who_still_waits_makes_the_median_longer() -> None:
    assert curve(over(1, 2, 3)).median == 2
    assert curve(over(1, 2, 3) + still(3, 3)).median == 3


@given(lengths)
def test_without_open_waits_it_is_the_plain_median(found: list[int]) -> None:
    assert curve(over(*found)).median == median_low(found)


@given(lengths)
def test_without_open_waits_it_is_the_share_that_lasted_longer(found: list[int]) -> None:
    estimate = curve(over(*found))
    for at in range(22):
        longer = sum(one > at for one in found)
        assert estimate.waiting(at) == Fraction(longer, len(found))


@given(waits)
def test_the_share_only_falls(found: list[Wait]) -> None:
    shares = [Fraction(1), *(share for _, share in curve(found).steps), Fraction(0)]
    assert shares == sorted(shares, reverse=True)


@given(waits, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(found: list[Wait], order: random.Random) -> None:
    shuffled = list(found)
    order.shuffle(shuffled)
    assert curve(shuffled) == curve(found)


@given(waits, st.integers(0, 20))
def test_one_more_that_still_waits_never_makes_it_look_quicker(
    found: list[Wait], length: int
) -> None:
    before, after = curve(found), curve([*found, *still(length)])
    assert all(after.waiting(at) >= before.waiting(at) for at in range(22))
    assert before.median is None or after.median is None or after.median >= before.median


@given(waits, st.integers(0, 20))
def test_an_open_wait_lowers_no_share(found: list[Wait], length: int) -> None:
    at = {when for when, _ in curve(found).steps}
    assert {when for when, _ in curve([*found, *still(length)]).steps} == at


@given(waits, st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)]))
def test_a_quantile_is_the_first_time_at_which_so_many_were_served(
    found: list[Wait], share: Fraction
) -> None:
    estimate = curve(found)
    reached = estimate.quantile(share)
    if reached is None:
        assert estimate.waiting(10**9) > 1 - share
    else:
        assert estimate.waiting(reached) <= 1 - share < estimate.waiting(reached - 1)


@pytest.mark.parametrize("count", [1_000])
def test_many_waits_are_no_work(count: int) -> None:
    found = [Wait(Duration(one % 977), over=one % 3 != 0) for one in range(count)]
    assert curve(found).count == count
