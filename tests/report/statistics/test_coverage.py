"""Intervals hold the truth as often as they say, and noise is rarely called news: simulated."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest

from opskit.report.statistics.compound import Losses
from opskit.report.statistics.intervals import rate, share
from opskit.report.statistics.ranges import spread

TRIES = 600
# Three incidents a month; 30 minutes each in the middle, and a mean of about an hour.
A_DAY, MIDDLE, SIGMA = 0.1, 3.4, 1.2


def seen(stream: Random, days: int) -> Losses:
    """Return what is seen in so many days where nothing ever changes."""
    count = sum(stream.random() < A_DAY / 24 for _ in range(24 * days))
    return Losses([stream.lognormvariate(MIDDLE, SIGMA) for _ in range(count)], count, days)


@pytest.mark.parametrize("days", [90, 360])
def test_the_time_lost_lies_in_nine_of_ten_intervals(days: int) -> None:
    stream, held = Random(1), 0
    truth = A_DAY * math.exp(MIDDLE + SIGMA**2 / 2)
    for _ in range(TRIES):
        found = spread(seen(stream, days).draws(stream, 400))
        held += found.low <= truth <= found.high
    assert 0.87 <= held / TRIES <= 0.93


def test_time_saved_is_rarely_told_where_nothing_changed() -> None:
    stream, better, worse = Random(2), 0, 0
    for _ in range(TRIES):
        before, now = seen(stream, 90), seen(stream, 30)
        if min(before.events, now.events) < 3:
            continue  # it is not told: see F4
        draws = zip(before.draws(stream, 400), now.draws(stream, 400), strict=True)
        found = spread(a - b for a, b in draws)
        better, worse = better + (found.low > 0), worse + (found.high < 0)
    assert better / TRIES <= 0.05
    assert worse / TRIES <= 0.05


@pytest.mark.parametrize(
    "missed",
    [
        lambda stream: not share(sum(stream.random() < 0.2 for _ in range(30)), 30).holds(0.2),
        lambda stream: not rate(sum(stream.random() < 0.004 for _ in range(1000)), 1).holds(4),
    ],
    ids=["share", "rate"],
)
def test_exact_intervals_miss_at_most_one_in_ten(missed: Callable[[Random], bool]) -> None:
    stream = Random(3)
    assert sum(missed(stream) for _ in range(TRIES)) / TRIES <= 0.1
