"""Forecasts as they were made, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.monitor.store.samples import METRICS
from opskit.outside.database import METADATA, BigInt

FORECASTS = sa.Table(
    "monitor_forecasts",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("metric", sa.BigInteger, sa.ForeignKey("monitor_metrics.id"), nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    # When the threshold is to be reached; nothing where none is foreseen any more.
    sa.Column("expected_at", sa.BigInteger),
    sa.Column("made_seq", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("ix_monitor_forecasts_metric", "metric"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast that was made and has not been settled."""

    id: int
    metric: int
    threshold: float
    made_at: Instant
    expected_at: Instant
    made_seq: int


def insert(connection: sa.Connection, **values: object) -> int:
    """Write a forecast, or a threshold that was reached without one; return its number."""
    query = sa.insert(FORECASTS).values(**values).returning(FORECASTS.c.id)
    return int(connection.execute(query).scalar_one())


def still_open(connection: sa.Connection) -> dict[tuple[int, float], Kept]:
    """Return the forecasts that nobody has settled, by metric and threshold."""
    query = sa.select(FORECASTS).where(FORECASTS.c.outcome.is_(None)).order_by(FORECASTS.c.id)
    return {
        (row.metric, row.threshold): Kept(
            row.id, row.metric, row.threshold, row.made_at, row.expected_at, row.made_seq
        )
        for row in connection.execute(query)
    }


def settle(connection: sa.Connection, number: int, outcome: str, at: Instant) -> bool:
    """Write what became of a forecast; return whether it was open."""
    done = connection.execute(
        sa.update(FORECASTS)
        .where(FORECASTS.c.id == number, FORECASTS.c.outcome.is_(None))
        .values(outcome=outcome, settled_at=at)
    )
    return done.rowcount == 1


def settled_since(connection: sa.Connection, metric: int, threshold: float, at: Instant) -> bool:
    """Return whether what happened to a metric since an instant has been scored."""
    query = sa.select(FORECASTS.c.id).where(
        FORECASTS.c.metric == metric,
        FORECASTS.c.threshold == threshold,
        FORECASTS.c.outcome != "false",
        FORECASTS.c.settled_at >= at,
    )
    return connection.execute(query.limit(1)).first() is not None


def scores(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Return how many forecasts of each metric's name came out how."""
    query = (
        sa.select(METRICS.c.name, FORECASTS.c.outcome, sa.func.count())
        .join(METRICS, METRICS.c.id == FORECASTS.c.metric)
        .where(FORECASTS.c.outcome.is_not(None))
        .group_by(METRICS.c.name, FORECASTS.c.outcome)
    )
    return {(name, outcome): count for name, outcome, count in connection.execute(query)}
