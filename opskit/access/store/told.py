"""What the ledger says was told before: findings that are open, and when something was first so."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def first_at(
    connection: sa.Connection, kind: str, subject: str, since: Instant | None = None
) -> Instant | None:
    """Return when something was told for the first time, at or after `since`."""
    query = sa.select(sa.func.min(LEDGER.c.at)).where(
        LEDGER.c.kind == kind, LEDGER.c.subject == subject, LEDGER.c.at >= (since or 0)
    )
    at: int | None = connection.execute(query).scalar()
    return None if at is None else Instant(at)


def last_at(connection: sa.Connection, kind: str, subject: str) -> Instant | None:
    """Return when something was told for the last time."""
    query = sa.select(sa.func.max(LEDGER.c.at)).where(
        LEDGER.c.kind == kind, LEDGER.c.subject == subject
    )
    at: int | None = connection.execute(query).scalar()
    return None if at is None else Instant(at)
