"""Time saved is rarely told where nothing changed: simulated."""

from __future__ import annotations

from random import Random

from opskit.report.statistics.compound import Losses
from opskit.report.statistics.ranges import spread

TRIES = 300
# Three incidents a month; 30 minutes each in the middle.
A_DAY, MIDDLE, SIGMA = 0.1, 3.4, 1.2


def seen(stream: Random, days: int) -> Losses:
    """Return what is seen in so many days where nothing ever changes."""
    count = sum(stream.random() < A_DAY / 24 for _ in range(24 * days))
    return Losses([stream.lognormvariate(MIDDLE, SIGMA) for _ in range(count)], count, days)


def test_time_saved_is_rarely_told_where_nothing_changed() -> None:
    stream, better, worse = Random(2), 0, 0
    for _ in range(TRIES):
        before, now = seen(stream, 90), seen(stream, 30)
        if min(before.events, now.events) < 3:
            continue  # it is not told: see F4
        draws = zip(before.draws(stream, 200), now.draws(stream, 200), strict=True)
        found = spread(a - b for a, b in draws)
        better, worse = better + (found.low > 0), worse + (found.high < 0)
    assert better / TRIES <= 0.05
    assert worse / TRIES <= 0.05
