"""How many runs there were, and the newest of each mode."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.transcript import Mode
from opskit.fleet.model import RunState
from opskit.fleet.store.runs import RUNS


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest run of a mode."""

    mode: Mode
    state: RunState
    started_at: Instant
    finished_at: Instant | None


def runs_by_state(connection: sa.Connection) -> dict[tuple[Mode, RunState], int]:
    """Return how many runs of each mode are in each state."""
    query = sa.select(RUNS.c.mode, RUNS.c.state, sa.func.count()).group_by(
        RUNS.c.mode, RUNS.c.state
    )
    return {(Mode(mode), RunState(state)): n for mode, state, n in connection.execute(query)}


def newest(connection: sa.Connection) -> tuple[Newest, ...]:
    """Return the newest run of each mode that ever ran."""
    columns = (RUNS.c.mode, RUNS.c.state, RUNS.c.started_at, RUNS.c.finished_at)
    found = []
    for mode in Mode:
        query = sa.select(*columns).where(RUNS.c.mode == mode)
        row = connection.execute(query.order_by(RUNS.c.started_at.desc()).limit(1)).first()
        if row is not None:
            found.append(Newest(mode, RunState(row.state), row.started_at, row.finished_at))
    return tuple(found)
