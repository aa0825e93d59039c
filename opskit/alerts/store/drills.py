"""Drills, as the table has them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import sqlalchemy as sa

from opskit.alerts.drill import Drill
from opskit.alerts.store.tables import DRILLS
from opskit.core.clock import Instant


def begin(connection: sa.Connection, begun_at: Instant, deadline_at: Instant, code: str) -> int:
    """Write a drill that begins, and return its number; `code` is its hash."""
    made = connection.execute(
        sa.insert(DRILLS).values(
            begun_at=begun_at, deadline_at=deadline_at, code_hash=code, reason="", routes="{}",
            refs="[]",
        )
    )  # fmt: skip
    return int(made.inserted_primary_key[0])  # type: ignore[index]  # there is one


def note(
    connection: sa.Connection, drill: int, seq: int, values: Mapping[str, object] | None = None
) -> None:
    """Write what became of a drill, and the ledger entry that says so."""
    own = DRILLS.c.id == drill
    refs = json.loads(connection.execute(sa.select(DRILLS.c.refs).where(own)).scalar_one())
    told = {**(values or {}), "refs": json.dumps([*refs, seq])}
    connection.execute(sa.update(DRILLS).where(own).values(told))


def every(connection: sa.Connection) -> tuple[Drill, ...]:
    """Return every drill, oldest first."""
    rows = connection.execute(sa.select(DRILLS).order_by(DRILLS.c.begun_at, DRILLS.c.id))
    return tuple(_drill(row) for row in rows)


def _drill(row: sa.Row[tuple[object, ...]]) -> Drill:
    return Drill(
        id=row.id,
        begun_at=row.begun_at,
        deadline_at=row.deadline_at,
        code_hash=row.code_hash,
        seen=None if row.seen is None else bool(row.seen),
        reason=row.reason,
        routes=json.loads(row.routes),
        confirmed_at=row.confirmed_at,
        missed_at=row.missed_at,
        refs=tuple(json.loads(row.refs)),
    )
