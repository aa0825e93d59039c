"""Forecasts of what is watched: made, kept as evidence, and held against what came of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import sqlalchemy as sa

from opskit.core.clock import DAY, SECOND, Duration, Instant, parse_duration
from opskit.core.interval import Interval
from opskit.core.text import shorten
from opskit.monitor import numbers
from opskit.monitor.forecast import SPAN, Forecast, Goal, Outlook, forecast
from opskit.monitor.scoring import Outcome, crossed, judged
from opskit.monitor.store import deadlines, forecasts, samples
from opskit.monitor.store.forecasts import Kept
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database
from opskit.records.ledger import Ledger

_MONTH = Duration(30 * DAY)
# Nine tenths of a disk may be its usual state; what matters is the last of it.
DEFAULTS: Mapping[str, Goal] = {
    numbers.DISK: Goal(0.95, _MONTH),
    numbers.INODES: Goal(0.95, _MONTH),
    numbers.MEMORY: Goal(0.97, DAY),
    numbers.CERTIFICATE: Goal(0.0, _MONTH, deadline=True),
    numbers.DOMAIN: Goal(0.0, _MONTH, deadline=True),
}
_OUTLOOKS = (Outlook.REACHED, Outlook.REACHES, Outlook.MISSING, Outlook.STABLE)


def goal(above: float | None, below: float | None, within: str) -> Goal:
    """Return the goal that settings say: a threshold reached from below, or from above."""
    rising = above is not None
    threshold = above if above is not None else below if below is not None else 0.0
    return Goal(threshold, parse_duration(within), rising)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A number, the threshold it is held against, and what is foreseen."""

    metric: Metric
    goal: Goal
    forecast: Forecast

    @property
    def item(self) -> str:
        """Return what of the target it is: `/data`, or all its labels."""
        labels = dict(self.metric.labels)
        telling = labels.get("mountpoint") or labels.get("path")
        return telling or ", ".join(f"{name}={text}" for name, text in self.metric.labels)

    @property
    def urgency(self) -> tuple[int, float, str, str, str]:
        """Return what puts the worst first."""
        at = inf if self.forecast.at is None else self.forecast.at
        rank = _OUTLOOKS.index(self.forecast.outlook)
        return (rank, at, self.metric.target, self.metric.name, self.item)


@dataclass(frozen=True, slots=True)
class Score:
    """How forecasts of a metric came out so far."""

    metric: str
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True)
class Foresight:
    """Makes forecasts from what is stored; `goals` are the thresholds by a metric's name."""

    database: Database
    ledger: Ledger
    goals: Mapping[str, Goal]

    def foreseen(self, targets: Collection[str], now: Instant) -> tuple[Foreseen, ...]:
        """Return what is foreseen of every number with a threshold, worst first."""
        with self.database.read() as connection:
            found = [one for one, _, _ in self._foreseen(connection, targets, now)]
        return tuple(sorted(found, key=lambda one: one.urgency))

    def scores(self) -> tuple[Score, ...]:
        """Return how well forecasts did, for each metric of which there were any."""
        with self.database.read() as connection:
            counted = forecasts.scores(connection)
        return tuple(
            Score(name, {one: counted.get((name, one), 0) for one in Outcome})
            for name in sorted({name for name, _ in counted})
        )

    def keep(self, targets: Collection[str], now: Instant) -> tuple[Foreseen, ...]:
        """Make forecasts, keep those that are new, and score those that came true or did not.

        A deadline is known exactly, and neither kept nor scored: what is written of one is that it
        was moved in time, or that it passed.
        """
        with self.database.read() as connection:
            found = list(self._foreseen(connection, targets, now))
        with self.database.write() as connection:
            pending = forecasts.still_open(connection)
            for one, number, points in found:
                if one.goal.deadline:
                    deadlines.told(connection, self.ledger, one.metric, points)
                else:
                    kept = pending.get((number, one.goal.threshold))
                    self._keep(connection, one, number, points, kept, now)
        return tuple(sorted((one for one, _, _ in found), key=lambda one: one.urgency))

    def _foreseen(
        self, connection: sa.Connection, targets: Collection[str], now: Instant
    ) -> Iterator[tuple[Foreseen, int, Sequence[tuple[Instant, float]]]]:
        window = Interval(Instant(max(0, now - SPAN)), Instant(now + 1))
        for metric, number in samples.metrics(connection, targets).items():
            goal = self.goals.get(metric.name)
            if goal is None:
                continue
            points = samples.within(connection, number, window)
            yield Foreseen(metric, goal, forecast(points, goal, now)), number, points

    def _keep(
        self,
        connection: sa.Connection,
        one: Foreseen,
        number: int,
        points: Sequence[tuple[Instant, float]],
        kept: Kept | None,
        now: Instant,
    ) -> None:
        if kept is not None:
            since = [point for point in points if point[0] > kept.made_at]
            verdict = judged(kept.made_at, kept.expected_at, since, one.goal, now)
            if verdict is not None:
                self._settle(connection, one, kept, *verdict)
        elif one.forecast.outlook is Outlook.REACHES and one.forecast.at is not None:
            self._make(connection, one, number, one.forecast.at, now)
        elif (at := crossed(points, one.goal)) is not None:
            threshold = one.goal.threshold
            if not forecasts.settled_since(connection, number, threshold, at):
                self._miss(connection, one, number, at)

    def _make(
        self, connection: sa.Connection, one: Foreseen, number: int, expected: Instant, now: Instant
    ) -> None:
        told = one.forecast
        data = {**_about(one), "expected_at": expected, "value": told.value}
        data |= {"earliest": told.earliest, "latest": told.latest}
        entry = self.ledger.append(connection, "forecast.made", one.metric.target, data)
        forecasts.insert(
            connection,
            metric=number,
            threshold=one.goal.threshold,
            made_at=now,
            expected_at=expected,
            made_seq=entry.seq,
        )

    def _settle(
        self, connection: sa.Connection, one: Foreseen, kept: Kept, outcome: Outcome, at: Instant
    ) -> None:
        data = {**_about(one), "outcome": outcome, "at": at, "made": kept.made_seq}
        if forecasts.settle(connection, kept.id, outcome, at):
            self.ledger.append(connection, "forecast.settled", one.metric.target, data)

    def _miss(self, connection: sa.Connection, one: Foreseen, number: int, at: Instant) -> None:
        data = {**_about(one), "outcome": Outcome.MISSED, "at": at}
        entry = self.ledger.append(connection, "forecast.settled", one.metric.target, data)
        forecasts.insert(
            connection,
            metric=number,
            threshold=one.goal.threshold,
            made_at=at,
            made_seq=entry.seq,
            outcome=Outcome.MISSED,
            settled_at=at,
        )


def _about(one: Foreseen) -> dict[str, object]:
    labels = {name: shorten(text, 200) for name, text in one.metric.labels}
    return {"metric": one.metric.name, "labels": labels, "threshold": one.goal.threshold}


def seconds_left(at: Instant | None, now: Instant) -> float | None:
    """Return the seconds until an instant, nothing where there is none; 0 once it is past."""
    return None if at is None else max(0, at - now) / SECOND
