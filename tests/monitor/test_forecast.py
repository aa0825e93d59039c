"""Forecasts: a nightly backup is no trend, a fill is told hours ahead; too little is said so."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings, strategies as st

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from opskit.monitor.forecast import Forecast, Goal, Outlook, forecast
from opskit.monitor.scoring import Outcome, crossed, judged

START = Instant(20_000 * DAY)
MONTH = Duration(30 * DAY)
DISK = Goal(0.95, MONTH)
Line = list[tuple[Instant, float]]


def line(days: float, level: float, per_day: float, step: int = 5 * MINUTE) -> Line:
    """Return a straight line."""
    return [
        (Instant(START + at), level + per_day * at / DAY)
        for at in range(0, int(days * DAY) + 1, step)
    ]


def told(points: Line, goal: Goal = DISK) -> Forecast:
    """Return the forecast made when the last sample came."""
    return forecast(points, goal, max(at for at, _ in points))


class Disk:
    """Thirty days of a disk by the minute: logs, a nightly backup, then a fill of 12 hours."""

    DAYS, FILL, BACKUP = 30, 12 * 60, 0.30

    def __init__(self, seed: int, *, late: float = 0, level: float = 0.40, hour: int = 12) -> None:
        chance = random.Random(seed)
        self.begins = [120 + chance.uniform(-late, late) for _ in range(self.DAYS + 2)]
        self.filling = self.DAYS * 1440 + hour * 60
        self.points = [
            (Instant(START + minute * MINUTE), self._at(minute, level) + chance.gauss(0, 0.001))
            for minute in range(self.filling + self.FILL)
        ]

    def _at(self, minute: int, level: float) -> float:
        day, of_day = divmod(minute, 1440)
        grown = level + 0.002 * minute / 1440
        fill = max(0, minute - self.filling) / self.FILL * (1 - grown)
        return grown + fill + self.BACKUP * self._backup(of_day - self.begins[day])

    @staticmethod
    def _backup(since: float) -> float:
        """Return how much of the backup is there: three hours to write, one to be taken away."""
        return max(0.0, min(since / 180, 1 - (since - 180) / 60))

    def forecasts(self, first: int, last: int) -> Iterator[tuple[int, Forecast]]:
        """Yield (minute, forecast) as made every quarter of an hour."""
        for minute in range(first, last, 15):
            known = self.points[max(0, minute - 8 * 1440) : minute : 5]
            yield minute, forecast(known, DISK, self.points[minute][0])

    def full(self) -> Instant:
        """Return when the fill reached the threshold."""
        late = self.points[self.filling :]
        return next(at for at, value in late if value >= DISK.threshold)


# A fill that begins as the backup goes away is hidden by it for a while.
@pytest.mark.parametrize(("seed", "late", "hour", "ahead"), [(1, 0, 12, 8), (2, 20, 6, 5)])
def test_thirty_nights_of_backups_raise_no_alarm_and_a_real_fill_is_told_hours_ahead(
    seed: int, late: float, hour: int, ahead: int
) -> None:
    disk = Disk(seed, late=late, hour=hour)
    quiet = [one for _, one in disk.forecasts(60, disk.filling)]
    assert {one.outlook for one in quiet} == {Outlook.MISSING, Outlook.STABLE}
    first, found = next(
        (minute, one)
        for minute, one in disk.forecasts(disk.filling, disk.filling + disk.FILL)
        if one.outlook is Outlook.REACHES
    )
    assert disk.full() - disk.points[first][0] >= ahead * HOUR
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest <= disk.full() <= found.latest


def test_a_single_window_would_have_cried_every_night() -> None:
    # What the guard is for: the plain line through the last hour alone.
    disk = Disk(1, level=0.55)
    nights = {
        minute // 1440
        for minute, one in disk.forecasts(2 * 1440, disk.filling)
        if dict(one.windows).get("1h", math.inf) < 4 * 3600
    }
    assert len(nights) >= 25


@settings(max_examples=40)
@given(days=st.floats(5, 8), level=st.floats(0.05, 0.6), left=st.floats(0.1, 25))
@example(days=8, level=0.2, left=0.5)
@example(days=8, level=0.2, left=1)
def test_a_straight_fill_is_found_to_the_hour(days: float, level: float, left: float) -> None:
    per_day = (0.95 - level) / (days + left)
    found = told(line(days, level, per_day))
    assert found.outlook is Outlook.REACHES
    assert found.at is not None
    assert abs(found.at - (START + (days + left) * DAY)) < HOUR


@settings(max_examples=30)
@given(level=st.floats(-1e9, 0.94), days=st.floats(1.2, 9))
def test_what_is_constant_never_reaches_anything(level: float, days: float) -> None:
    assert told(line(days, level, 0)).outlook is Outlook.STABLE


def test_what_only_wavers_never_reaches_anything() -> None:
    chance = random.Random(7)
    points = [(at, level + chance.gauss(0, 0.01)) for at, level in line(9, 0.8, 0)]
    for end in range(400, len(points), 50):
        assert told(points[:end]).outlook is Outlook.STABLE


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_order_of_samples_and_samples_told_twice_say_nothing(seed: int) -> None:
    points = line(6, 0.2, 0.1)
    mixed = points + points[:50]
    random.Random(seed).shuffle(mixed)
    assert told(mixed) == told(points)


def test_what_a_wrong_clock_put_into_the_future_is_left_out() -> None:
    points = line(6, 0.2, 0.01)
    ahead = [(Instant(at + 30 * DAY), 0.9) for at, _ in points[:100]]
    assert forecast(points + ahead, DISK, points[-1][0]) == told(points)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        told([*line(3, 0.2, 0), (Instant(START + 3 * DAY + MINUTE), bad)])


def test_gaps_take_nothing_from_a_trend_over_days() -> None:
    points = [one for one in line(8, 0.2, 0.05) if (one[0] - START) % DAY < 16 * HOUR]
    found = told(points)
    assert found.at is not None
    assert abs(found.at - (START + 15 * DAY)) < 2 * HOUR


def test_a_disk_that_was_put_right_is_stable_and_a_fill_after_it_is_told() -> None:
    before = line(6, 0.80, 0.001)
    cleaned = [(at, value - 0.5 if at > START + 5 * DAY else value) for at, value in before]
    assert told(cleaned).outlook is Outlook.STABLE
    fill = [
        (Instant(START + 6 * DAY + at), 0.306 + 0.05 * at / HOUR)
        for at in range(5 * MINUTE, 4 * HOUR, 5 * MINUTE)
    ]
    assert told(cleaned + fill).outlook is Outlook.REACHES


def test_what_grew_once_is_no_trend() -> None:
    points = [(at, 0.2 if at < START + 6 * DAY else 0.6) for at, _ in line(8, 0, 0)]
    for end in range(len(points) - 2 * 288 + 1, len(points), 12):
        assert told(points[:end]).outlook is Outlook.STABLE


def test_how_much_is_missing_is_said() -> None:
    assert forecast((), DISK, START) == Forecast(Outlook.MISSING, missing=Duration(27 * HOUR))
    found = told(line(1, 0.2, 0.5))
    assert (found.outlook, found.missing) == (Outlook.MISSING, 3 * HOUR)
    # For today it is enough, for further ahead not yet.
    found = told(line(2, 0.2, 0.01))
    assert (found.outlook, found.missing) == (Outlook.STABLE, 2 * DAY)


def test_what_stopped_coming_says_nothing_of_now() -> None:
    points = line(6, 0.2, 0.1)
    assert forecast(points, DISK, Instant(points[-1][0] + 31 * MINUTE)).outlook is Outlook.MISSING
    late = [one for one in points if not 0 < points[-1][0] - one[0] < 5 * HOUR]
    found = told([(at, 0.5) for at, _ in late])
    assert found.outlook is Outlook.MISSING
    assert 0 < found.missing <= 3 * HOUR


def test_beyond_the_threshold_it_is_reached_now() -> None:
    points = line(3, 0.96, 0)
    found = told(points)
    assert (found.outlook, found.at) == (Outlook.REACHED, points[-1][0])


def test_a_number_that_falls_is_foreseen_like_one_that_rises() -> None:
    goal = Goal(10.0, MONTH, rising=False)
    points = line(6, 100, -10)
    found = told(points, goal)
    assert found.at is not None
    assert abs(found.at - (START + 9 * DAY)) < HOUR


def test_what_lies_further_ahead_than_is_asked_for_is_stable() -> None:
    points = line(6, 0.2, 0.05)
    assert told(points, Goal(0.95, Duration(5 * DAY))).outlook is Outlook.STABLE


@pytest.mark.parametrize(
    ("days", "outlook"), [(40, Outlook.STABLE), (20, Outlook.REACHES), (-1, Outlook.REACHED)]
)
def test_a_deadline_comes_by_itself(days: int, outlook: Outlook) -> None:
    end = (START + days * DAY) / SECOND
    found = forecast([(START, end)], Goal(0.0, MONTH, deadline=True), START)
    assert found.outlook is outlook
    assert found.at == (None if days > 30 else START + days * DAY)


def at(hours: float) -> Instant:
    return Instant(START + int(hours * HOUR))


@pytest.mark.parametrize(
    ("reached", "now", "outcome"),
    [
        (8, 9, Outcome.RIGHT),
        (0.5, 1, Outcome.LATE),
        (None, 19, None),
        (None, 20, Outcome.FALSE),
        (15, 30, Outcome.RIGHT),
    ],
)
def test_a_forecast_is_scored_by_what_came(
    reached: float | None, now: float, outcome: Outcome | None
) -> None:
    points = [(at(-1), 0.99), (at(0.1), 0.5)] + ([] if reached is None else [(at(reached), 0.96)])
    found = judged(at(0), at(10), points, DISK, at(now))
    assert (None if found is None else found[0]) is outcome


def test_a_forecast_of_minutes_has_an_hour_to_come_true() -> None:
    assert judged(at(0), at(0.1), [], DISK, at(1)) is None
    assert judged(at(0), at(0.1), [], DISK, at(1.1)) == (Outcome.FALSE, at(1.1))


def test_a_threshold_counts_as_crossed_after_an_hour_below_it() -> None:
    quiet = [(at(hour / 4), 0.5) for hour in range(8)]
    assert crossed([*quiet, (at(2), 0.96), (at(2.1), 0.97)], DISK) == at(2)
    assert crossed([*quiet, (at(2), 0.96), (at(2.1), 0.5)], DISK) is None
    flapping = [*quiet, (at(2), 0.96), (at(2.1), 0.5), (at(2.2), 0.96)]
    assert crossed(flapping, DISK) is None
    assert crossed([(at(0), 0.96), (at(2), 0.97)], DISK) is None
    assert crossed([(at(0), 0.5), (at(0.5), 0.97)], DISK) is None
    assert crossed([], DISK) is None
