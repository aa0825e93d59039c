"""What the ledger says was told before: findings that are open, and when something was first so."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.records.ledger import LEDGER


def open_findings(connection: sa.Connection, place: str) -> Mapping[str, dict[str, Any]]:
    """Return what was found at a place and not seen gone since, by fingerprint."""
    kinds = ("finding.opened", "finding.resolved")
    query = (
        sa.select(LEDGER.c.kind, LEDGER.c.data)
        .where(LEDGER.c.subject == place, LEDGER.c.kind.in_(kinds))
        .order_by(LEDGER.c.seq)
    )
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(query):
        data: dict[str, Any] = json.loads(row.data)
        if row.kind == "finding.opened":
            found[data["fingerprint"]] = data
        else:
            found.pop(data["fingerprint"], None)
    return found


_GOING, _COMING = "person.offboarding", "person.onboarding"


def offboarded(connection: sa.Connection, names: Collection[str]) -> frozenset[str]:
    """Return who of these was offboarded and not onboarded since, whatever the files say."""
    query = sa.select(LEDGER.c.subject, LEDGER.c.kind).where(
        LEDGER.c.subject.in_(list(names)), LEDGER.c.kind.in_((_GOING, _COMING))
    )
    last = {row.subject: row.kind for row in connection.execute(query.order_by(LEDGER.c.seq))}
    return frozenset(name for name, kind in last.items() if kind == _GOING)


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the ledger: when, and with what data."""

    at: Instant
    data: dict[str, Any]


def first(
    connection: sa.Connection, kind: str, subject: str, since: Instant | None = None
) -> Told | None:
    """Return what was told for the first time, at or after `since`."""
    return _one(connection, kind, subject, since or Instant(0), LEDGER.c.seq)


def last(connection: sa.Connection, kind: str, subject: str) -> Told | None:
    """Return what was told for the last time."""
    return _one(connection, kind, subject, Instant(0), LEDGER.c.seq.desc())


def _one(
    connection: sa.Connection,
    kind: str,
    subject: str,
    since: Instant,
    order: sa.ColumnElement[Any],
) -> Told | None:
    query = sa.select(LEDGER.c.at, LEDGER.c.data).where(
        LEDGER.c.kind == kind, LEDGER.c.subject == subject, LEDGER.c.at >= since
    )
    row = connection.execute(query.order_by(order).limit(1)).first()
    return None if row is None else Told(Instant(row.at), json.loads(row.data))
