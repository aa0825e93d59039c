"""Alerts, pending and fired, as the table has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan

import sqlalchemy as sa

from opskit.alerts.firing import Firing
from opskit.alerts.store.tables import FIRINGS
from opskit.core.clock import Instant
from opskit.core.interval import Interval


def add(connection: sa.Connection, new: Sequence[Firing]) -> tuple[Firing, ...]:
    """Write new ones, and return them with their numbers."""
    if not new:
        return ()
    numbered = sa.insert(FIRINGS).returning(FIRINGS.c.id, sort_by_parameter_order=True)
    made = connection.execute(numbered, [{**_values(one), "open": 1} for one in new])
    return tuple(replace(one, id=number) for one, (number,) in zip(new, made, strict=True))


def change(connection: sa.Connection, changed: Sequence[Firing]) -> None:
    """Write what became of some."""
    if not changed:
        return
    own = sa.update(FIRINGS).where(FIRINGS.c.id == sa.bindparam("own"))
    connection.execute(own, [{"own": one.id, **_values(one)} for one in changed])


def forget(connection: sa.Connection, never_fired: Iterable[int]) -> None:
    """Remove those that were pending only: nobody was told, and nothing is said of them."""
    gone = [{"own": one} for one in never_fired]
    if gone:
        own = FIRINGS.c.id == sa.bindparam("own")
        connection.execute(sa.delete(FIRINGS).where(own, FIRINGS.c.starts_at.is_(None)), gone)


def close(connection: sa.Connection, settled: Iterable[int], now: Instant) -> None:
    """Remember that everybody who has to know that these are over knows.

    One of which somebody said in the meantime that it goes on stays open.
    """
    done = [{"own": one} for one in settled]
    if done:
        over = FIRINGS.c.ends_at <= now
        own = sa.update(FIRINGS).where(FIRINGS.c.id == sa.bindparam("own"), over)
        connection.execute(own.values(open=0), done)


def opened(connection: sa.Connection) -> tuple[Firing, ...]:
    """Return those that are pending, that fire, or of whose end somebody has yet to hear."""
    found = sa.select(FIRINGS).where(FIRINGS.c.open == 1).order_by(FIRINGS.c.id)
    return tuple(firing(row) for row in connection.execute(found))


def newest(connection: sa.Connection) -> int:
    """Return the highest number of those that are open; 0 where none is."""
    found = sa.select(sa.func.max(FIRINGS.c.id)).where(FIRINGS.c.open == 1)
    return int(connection.execute(found).scalar() or 0)


def over(connection: sa.Connection, now: Instant) -> frozenset[str]:
    """Return the fingerprints of those that are over, and not settled."""
    found = sa.select(FIRINGS.c.fingerprint).where(FIRINGS.c.open == 1, FIRINGS.c.ends_at <= now)
    return frozenset(connection.execute(found).scalars())


def named(connection: sa.Connection, name: str) -> tuple[Firing, ...]:
    """Return those of an alert, by its name or the beginning of its fingerprint, oldest first."""
    # As `_values` writes labels.
    labeled = f'"alertname": {json.dumps(name)}'
    is_name = FIRINGS.c.labels.contains(labeled, autoescape=True)
    begins = FIRINGS.c.fingerprint.startswith(name.lower(), autoescape=True)
    found = sa.select(FIRINGS).where(sa.or_(is_name, begins)).order_by(FIRINGS.c.id)
    return tuple(firing(row) for row in connection.execute(found))


def within(connection: sa.Connection, period: Interval) -> tuple[Firing, ...]:
    """Return those that fired at some time within a period, oldest first."""
    fired = (
        FIRINGS.c.starts_at < period.end,
        sa.or_(FIRINGS.c.ends_at.is_(None), FIRINGS.c.ends_at > period.start),
    )
    found = sa.select(FIRINGS).where(*fired).order_by(FIRINGS.c.starts_at, FIRINGS.c.id)
    return tuple(firing(row) for row in connection.execute(found))


def begun_within(connection: sa.Connection, period: Interval) -> tuple[Firing, ...]:
    """Return those that began to fire within a period, oldest first."""
    begun = (FIRINGS.c.starts_at >= period.start, FIRINGS.c.starts_at < period.end)
    found = sa.select(FIRINGS).where(*begun).order_by(FIRINGS.c.starts_at, FIRINGS.c.id)
    return tuple(firing(row) for row in connection.execute(found))


def first_at(connection: sa.Connection) -> Instant | None:
    """Return when the first one fired; None where none ever did."""
    found = connection.execute(sa.select(sa.func.min(FIRINGS.c.starts_at))).scalar()
    return None if found is None else Instant(int(found))


def _values(one: Firing) -> Mapping[str, object]:
    return {
        "fingerprint": one.fingerprint,
        "source": one.source,
        "rule": one.rule,
        "labels": json.dumps(dict(one.labels), sort_keys=True),
        "annotations": json.dumps(dict(one.annotations), sort_keys=True),
        # A database keeps no NaN.
        "value": None if one.value is None or isnan(one.value) else one.value,
        "since": one.since,
        "starts_at": one.starts_at,
        "missing_at": one.missing_at,
        "ends_at": one.ends_at,
        "refs": json.dumps(list(one.refs)),
    }


def firing(row: sa.Row[tuple[object, ...]]) -> Firing:
    """Return what a row of the table says."""
    return Firing(
        id=row.id,
        fingerprint=row.fingerprint,
        source=row.source,
        rule=row.rule,
        labels=json.loads(row.labels),
        annotations=json.loads(row.annotations),
        value=row.value,
        since=row.since,
        starts_at=row.starts_at,
        missing_at=row.missing_at,
        ends_at=row.ends_at,
        refs=tuple(json.loads(row.refs)),
    )
