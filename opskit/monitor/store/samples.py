"""Numbers that looks came upon, kept for a while: what forecasts are made of."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.outside.database import METADATA, BigInt

METRICS = sa.Table(
    "monitor_metrics",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.UniqueConstraint("target", "name", "labels"),
)
SAMPLES = sa.Table(
    "monitor_samples",
    METADATA,
    sa.Column("metric", sa.BigInteger, sa.ForeignKey("monitor_metrics.id"), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Index("ix_monitor_samples_at", "at"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """A series of numbers: which target it is of, its name, its labels as pairs in order."""

    target: str
    name: str
    labels: tuple[tuple[str, str], ...]


def insert(
    connection: sa.Connection,
    at: Instant,
    values: Mapping[Metric, float],
    steady: Container[str] = (),
) -> None:
    """Write numbers of one instant; one that is there already stays as it is.

    Of `steady` metrics a value that is the same again takes the place of the one before.
    """
    known = metrics(connection, {metric.target for metric in values})
    rows = []
    for metric, value in values.items():
        number = known.get(metric) or _begin(connection, metric)
        rows.append({"metric": number, "at": at, "value": value})
    taken = sa.select(SAMPLES.c.metric).where(SAMPLES.c.at == at)
    there = {row.metric for row in connection.execute(taken)}
    fresh = [row for row in rows if row["metric"] not in there]
    if fresh:
        numbers = {known[metric] for metric in values if metric in known and metric.name in steady}
        again = [row for row in fresh if row["metric"] in numbers]
        if again:
            connection.execute(_BEFORE, [{f"the_{key}": row[key] for key in row} for row in again])
        connection.execute(sa.insert(SAMPLES), fresh)


_BEFORE = sa.delete(SAMPLES).where(
    SAMPLES.c.metric == sa.bindparam("the_metric"),
    SAMPLES.c.value == sa.bindparam("the_value"),
    SAMPLES.c.at < sa.bindparam("the_at"),
)


def metrics(connection: sa.Connection, targets: Iterable[str]) -> dict[Metric, int]:
    """Return the number of each metric of these targets."""
    query = sa.select(METRICS).where(METRICS.c.target.in_(sorted(targets)))
    return {
        Metric(row.target, row.name, tuple((k, v) for k, v in json.loads(row.labels))): row.id
        for row in connection.execute(query)
    }


def _begin(connection: sa.Connection, metric: Metric) -> int:
    query = sa.insert(METRICS).values(
        target=metric.target, name=metric.name, labels=json.dumps(metric.labels)
    )
    return int(connection.execute(query.returning(METRICS.c.id)).scalar_one())


def within(
    connection: sa.Connection, number: int, window: Interval
) -> tuple[tuple[Instant, float], ...]:
    """Return (at, value) of a metric in a window, in order."""
    rows = connection.execute(
        sa.select(SAMPLES.c.at, SAMPLES.c.value)
        .where(SAMPLES.c.metric == number, SAMPLES.c.at >= window.start, SAMPLES.c.at < window.end)
        .order_by(SAMPLES.c.at)
    )
    return tuple((Instant(at), value) for at, value in rows)


def forget(connection: sa.Connection, before: Instant) -> int:
    """Delete what is older than an instant; return how much that was."""
    return connection.execute(sa.delete(SAMPLES).where(SAMPLES.c.at < before)).rowcount


def newest(connection: sa.Connection, since: Instant) -> dict[Metric, tuple[Instant, float]]:
    """Return (at, value) of the newest sample of each metric that has one since an instant."""
    last = (
        sa.select(SAMPLES.c.metric, sa.func.max(SAMPLES.c.at).label("at"))
        .where(SAMPLES.c.at >= since)
        .group_by(SAMPLES.c.metric)
        .subquery()
    )
    here = sa.and_(SAMPLES.c.metric == last.c.metric, SAMPLES.c.at == last.c.at)
    query = (
        sa.select(METRICS, SAMPLES.c.at, SAMPLES.c.value)
        .join(last, last.c.metric == METRICS.c.id)
        .join(SAMPLES, here)
        .order_by(METRICS.c.target, METRICS.c.name, METRICS.c.labels)
    )
    return {
        Metric(row.target, row.name, tuple((k, v) for k, v in json.loads(row.labels))): (
            Instant(row.at),
            row.value,
        )
        for row in connection.execute(query)
    }
