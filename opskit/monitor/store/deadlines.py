"""Ends of certificates and domains that probes saw: moved in time, or passed while in service.

Samples are kept for weeks; what a renewal came to is written to the ledger once it is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import SECOND, Instant
from opskit.core.interval import Interval
from opskit.monitor.store.samples import METRICS, Metric
from opskit.monitor.store.targets import TARGETS
from opskit.records.ledger import LEDGER, Ledger

MOVED, PASSED = "deadline.moved", "deadline.passed"


@dataclass(frozen=True, slots=True)
class Deadline:
    """An end that was seen to move, or to pass: `seen_at` is when that was seen first."""

    subject: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    ends_at: Instant
    seen_at: Instant
    moved: bool
    seq: int


def told(
    connection: sa.Connection,
    ledger: Ledger,
    metric: Metric,
    points: Sequence[tuple[Instant, float]],
) -> None:
    """Write what these samples (when, end in seconds since 1970) show and nobody has written yet.

    An end that is put earlier is another certificate, and no renewal.
    """
    shown = [
        (MOVED, old, at) for (_, old), (at, new) in pairwise(points) if new > old
    ] + [(PASSED, end, at) for at, end in points[-1:] if end * SECOND <= at]  # fmt: skip
    if not shown:
        return
    known = {(kind, data["ended_at"]) for kind, data in _about(connection, metric)}
    for kind, end, at in shown:
        ended_at = round(end * SECOND)
        if (kind, ended_at) not in known:
            data = {"metric": metric.name, "labels": dict(metric.labels), "ended_at": ended_at}
            ledger.append(connection, kind, metric.target, {**data, "seen_at": at})


def _about(connection: sa.Connection, metric: Metric) -> Iterator[tuple[str, dict[str, Any]]]:
    query = sa.select(LEDGER.c.kind, LEDGER.c.data).where(
        LEDGER.c.subject == metric.target, LEDGER.c.kind.in_((MOVED, PASSED))
    )
    for row in connection.execute(query):
        data = json.loads(row.data)
        if (data["metric"], data["labels"]) == (metric.name, dict(metric.labels)):
            yield row.kind, data


def within(connection: sa.Connection, window: Interval) -> tuple[Deadline, ...]:
    """Return what was written of deadlines in a window, oldest first."""
    query = sa.select(LEDGER.c.seq, LEDGER.c.kind, LEDGER.c.subject, LEDGER.c.data).where(
        LEDGER.c.at >= window.start,
        LEDGER.c.at < window.end,
        LEDGER.c.kind.in_((MOVED, PASSED)),
    )
    return tuple(
        _deadline(row, json.loads(row.data))
        for row in connection.execute(query.order_by(LEDGER.c.seq))
    )


def _deadline(row: Any, data: dict[str, Any]) -> Deadline:  # noqa: ANN401  # a row of LEDGER
    return Deadline(
        row.subject, data["metric"], tuple(sorted(data["labels"].items())),
        Instant(data["ended_at"]), Instant(data["seen_at"]), row.kind == MOVED, row.seq,
    )  # fmt: skip


def any_watched(connection: sa.Connection, names: Sequence[str], before: Instant) -> bool:
    """Return whether a number of these names was kept of a target registered before an instant."""
    query = (
        sa.select(METRICS.c.id)
        .join(TARGETS, TARGETS.c.id == METRICS.c.target)
        .where(METRICS.c.name.in_(names), TARGETS.c.registered_at < before)
    )
    return connection.execute(query.limit(1)).first() is not None
