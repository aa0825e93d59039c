"""Which messages about alerts were owed to whom, as the table has them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.alerts.routing.groups import Occasion
from opskit.alerts.store.tables import NOTICES
from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.core.notice import Weight

_CALLS = frozenset({Occasion.NEWS, Occasion.ESCALATION})
_LOUD = frozenset({Weight.CRITICAL, Weight.ERROR})


@dataclass(frozen=True, slots=True)
class Owed:
    """A message that was owed: `told` are NAME or NAME:ADDRESS; the rest are fingerprints."""

    key: str
    at: Instant
    group: str
    occasion: str
    severity: str
    told: tuple[str, ...]
    firing: tuple[str, ...]
    resolved: tuple[str, ...]
    refs: tuple[int, ...] = ()


def keep(connection: sa.Connection, one: Owed) -> None:
    """Write one."""
    lists = {
        name: json.dumps(list(getattr(one, name)))
        for name in ("told", "firing", "resolved", "refs")
    }
    values = {
        "key": one.key,
        "at": one.at,
        "group_key": one.group,
        "occasion": one.occasion,
        "severity": one.severity,
        **lists,
    }
    connection.execute(sa.insert(NOTICES).values(values))


def within(connection: sa.Connection, period: Interval) -> tuple[Owed, ...]:
    """Return those of a period, oldest first."""
    found = sa.select(NOTICES).where(NOTICES.c.at >= period.start, NOTICES.c.at < period.end)
    return tuple(_owed(row) for row in connection.execute(found.order_by(NOTICES.c.id)))


def calls(connection: sa.Connection, period: Interval) -> tuple[Owed, ...]:
    """Return those of a period that called a human, oldest first.

    A reminder calls nobody anew, and a digest waits until somebody reads it.
    """
    return tuple(
        one
        for one in within(connection, period)
        if one.occasion in _CALLS and one.severity in _LOUD and one.firing
    )


def about(connection: sa.Connection, fingerprint: str, since: Instant) -> tuple[Owed, ...]:
    """Return those about an alert since an instant, oldest first."""
    named = f'%"{fingerprint}"%'
    own = sa.or_(NOTICES.c.firing.like(named), NOTICES.c.resolved.like(named))
    found = sa.select(NOTICES).where(NOTICES.c.at >= since, own).order_by(NOTICES.c.id)
    return tuple(_owed(row) for row in connection.execute(found))


def _owed(row: sa.Row[tuple[object, ...]]) -> Owed:
    return Owed(
        key=row.key,
        at=row.at,
        group=row.group_key,
        occasion=row.occasion,
        severity=row.severity,
        told=tuple(json.loads(row.told)),
        firing=tuple(json.loads(row.firing)),
        resolved=tuple(json.loads(row.resolved)),
        refs=tuple(json.loads(row.refs)),
    )
