"""Error budgets: what may be lost, what was, how fast it goes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import DAY, HOUR, MINUTE, Instant
from opskit.core.interval import Interval, State, Stretch, Timeline
from opskit.monitor.budget import BURN_WINDOWS, budget, burn_rates, unspent
from opskit.monitor.catalogue import Objective

UTC = ZoneInfo("UTC")
MONTH = Interval(Instant(0), Instant(30 * DAY))


def objective(**settings: Any) -> Objective:
    return Objective.model_validate({"availability": "99.9%", **settings})


def line(*parts: tuple[int, State]) -> Timeline:
    """Return a timeline from (length, state), from the epoch on."""
    found, at = [], 0
    for length, state in parts:
        found.append(Stretch(Instant(at), Instant(at + length), state))
        at += length
    return tuple(found)


def test_a_month_at_three_nines_may_lose_43_minutes() -> None:
    so_far = line((10 * DAY, State.UP), (10 * MINUTE, State.DOWN))
    now = so_far[-1].end
    found = budget(objective(), MONTH, so_far, unspent(MONTH, now, ()), UTC)
    assert found.allowed == 30 * DAY // 1_000
    assert (found.spent, found.left) == (10 * MINUTE, 30 * DAY // 1_000 - 10 * MINUTE)
    assert found.left_ratio == Fraction(found.left, found.allowed)


def test_what_is_out_of_service_may_not_be_lost() -> None:
    out = Stretch(Instant(20 * DAY), Instant(30 * DAY), State.EXCLUDED)
    so_far = line((9 * DAY, State.UP), (DAY, State.MAINTENANCE))
    found = budget(objective(), MONTH, so_far, unspent(MONTH, Instant(10 * DAY), [out]), UTC)
    assert found.allowed == 19 * DAY // 1_000


def test_it_is_exhausted_when_it_goes_on_like_this() -> None:
    so_far = line((10 * DAY - 30 * MINUTE, State.UP), (30 * MINUTE, State.DOWN))
    found = budget(objective(), MONTH, so_far, unspent(MONTH, Instant(10 * DAY), ()), UTC)
    # 30 of 43.2 minutes in ten days: the rest lasts another 4.4 days.
    assert found.exhausted_at is not None
    assert 14 * DAY < found.exhausted_at < 15 * DAY
    spent = budget(objective(), MONTH, line((HOUR, State.DOWN)), (), UTC)
    assert spent.exhausted_at == Instant(HOUR)
    assert spent.left < 0


def test_it_lasts_to_the_end_where_little_is_lost() -> None:
    so_far = line((10 * DAY - MINUTE, State.UP), (MINUTE, State.DOWN))
    found = budget(objective(), MONTH, so_far, unspent(MONTH, Instant(10 * DAY), ()), UTC)
    assert found.exhausted_at is None


def test_degraded_time_costs_what_the_policy_says() -> None:
    found = budget(objective(), MONTH, line((HOUR, State.DEGRADED)), (), UTC)
    assert found.spent == HOUR // 2


def test_hours_that_weigh_more_cost_more_and_allow_more() -> None:
    office = [{"from": "08:00", "to": "18:00", "weight": 5}]
    day = line((9 * HOUR, State.UP), (MINUTE, State.DOWN), (15 * HOUR - MINUTE, State.UP))
    found = budget(objective(weighted=office), Interval(Instant(0), Instant(DAY)), day, (), UTC)
    assert found.spent == 5 * MINUTE
    assert found.allowed == (14 + 10 * 5) * HOUR // 1_000


@pytest.mark.parametrize(("minutes", "window", "rate"), [
    (1, "1h", Fraction(1_000, 60)), (1, "1d", Fraction(1_000, 1_440)), (5, "5m", Fraction(1_000)),
])  # fmt: skip
def test_a_burn_rate_is_the_share_lost_over_the_share_that_may_be(
    minutes: int, window: str, rate: Fraction
) -> None:
    so_far = line((5 * DAY, State.UP), (minutes * MINUTE, State.DOWN))
    assert burn_rates(Fraction(999, 1_000), so_far)[window] == rate


@given(st.integers(1, 99_999_999))
def test_losing_just_what_may_be_lost_burns_at_one(down: int) -> None:
    # 100 s, which all windows hold.
    so_far = line((10**8 - down, State.UP), (down, State.DOWN))
    promise = 1 - Fraction(down, 10**8)
    assert set(burn_rates(promise, so_far).values()) == {Fraction(1)}


def test_of_what_nobody_saw_there_is_no_rate() -> None:
    assert set(burn_rates(Fraction(1, 2), line((DAY, State.UNKNOWN))).values()) == {None}
    assert burn_rates(Fraction(1, 2), ()) == dict.fromkeys(BURN_WINDOWS)
    assert burn_rates(Fraction(1), line((DAY, State.DOWN))) == dict.fromkeys(BURN_WINDOWS)
