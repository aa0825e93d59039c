"""What became of each check's foretelling, and how far each rollout came."""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa

from opskit.fleet.memory import Rollout
from opskit.fleet.model import Fidelity
from opskit.outside.database import METADATA

FIDELITY = sa.Table(
    "fleet_fidelity",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("task", sa.Text, primary_key=True),
    *(
        sa.Column(name, sa.Integer, nullable=False)
        for name in ("hit", "false_alarm", "blind", "liar", "unsettled")
    ),
)
ROLLOUTS = sa.Table(
    "fleet_rollouts",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Text, nullable=False),
    sa.Column("failed", sa.Text, nullable=False),
)


def keep_fidelity(connection: sa.Connection, run_id: str, found: Iterable[Fidelity]) -> None:
    """Write how a run's changes compare with what the check before it foretold."""
    rows = [
        {
            "run_id": run_id,
            "path": one.path,
            "task": one.task,
            "hit": one.hit,
            "false_alarm": one.false_alarm,
            "blind": one.blind,
            "liar": one.liar,
            "unsettled": one.unsettled,
        }
        for one in found
    ]
    if rows:
        connection.execute(sa.insert(FIDELITY), rows)


def fidelity(connection: sa.Connection) -> tuple[Fidelity, ...]:
    """Return for each task what all runs so far showed of it."""
    counts = [sa.func.sum(FIDELITY.c[name]) for name in Fidelity.COUNTED]
    rows = connection.execute(
        sa.select(FIDELITY.c.path, FIDELITY.c.task, *counts)
        .group_by(FIDELITY.c.path, FIDELITY.c.task)
        .order_by(FIDELITY.c.path, FIDELITY.c.task)
    )
    return tuple(Fidelity(row[0], row[1], *(int(count) for count in row[2:])) for row in rows)


def save(connection: sa.Connection, rollout: Rollout) -> None:
    """Write how far a rollout has come, a new one as well."""
    values = _values(rollout)
    known = connection.execute(
        sa.update(ROLLOUTS).where(ROLLOUTS.c.id == rollout.id).values(**values)
    )
    if not known.rowcount:
        connection.execute(sa.insert(ROLLOUTS).values(id=rollout.id, **values))


def _values(rollout: Rollout) -> dict[str, object]:
    return {
        "plan": rollout.plan,
        "state": rollout.state,
        "started_at": rollout.started_at,
        "done": json.dumps(sorted(rollout.done)),
        "failed": json.dumps(sorted(rollout.failed)),
    }


def newest(connection: sa.Connection, plan: str = "") -> Rollout | None:
    """Return the last rollout, of a plan where one is named."""
    query = sa.select(ROLLOUTS).order_by(ROLLOUTS.c.started_at.desc()).limit(1)
    if plan:
        query = query.where(ROLLOUTS.c.plan == plan)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    done, failed = (frozenset(json.loads(text)) for text in (row.done, row.failed))
    return Rollout(row.id, row.plan, row.state, row.started_at, done, failed)
