"""The fleet's tables: runs, what each said of its hosts, and open and closed deviations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.fleet.model import Drift, FirstSeen, Run, RunState
from opskit.outside.database import METADATA, BigInt
from opskit.records.ledger import LEDGER

RUNS = sa.Table(
    "fleet_runs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("standard", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("owner_node", sa.Text, nullable=False),
    sa.Column("owner_pid", sa.Integer, nullable=False),
    sa.Column("owner_started", sa.Float, nullable=False),
    sa.Column("started_seq", sa.BigInteger, nullable=False),
    sa.Column("finished_seq", sa.BigInteger),
    sa.Index("ix_fleet_runs_state", "state"),
    sa.Index("ix_fleet_runs_started", "started_at"),
)
HOSTS = sa.Table(
    "fleet_hosts",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("drift", sa.Integer, nullable=False),
    sa.Column("not_evaluated", sa.Integer, nullable=False),
    sa.Index("ix_fleet_hosts_host", "host", "verdict"),
)
EPISODES = sa.Table(
    "fleet_episodes",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("control", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("last_good_at", sa.BigInteger),
    sa.Column("detected_at", sa.BigInteger, nullable=False),
    sa.Column("detected_seq", sa.BigInteger, nullable=False),
    sa.Column("fixed_at", sa.BigInteger),
    sa.Column("fixed_seq", sa.BigInteger),
    sa.Index("ix_fleet_episodes_open", "host", "fixed_at"),
)
# In the canonical JSON of a run's first entry; inside a text the quotes would be escaped.
_NO_TAGS = '"tags":[]'


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run whose end was never written, and the process that owned it."""

    id: str
    actor: str
    owner_pid: int
    owner_started: float


@dataclass(frozen=True, slots=True)
class Episode:
    """A deviation from the check that found it to the one that saw it gone."""

    id: int
    host: str
    path: str
    task: str
    item: str
    control: str
    severity: Severity
    last_good_at: Instant | None
    detected_at: Instant
    detected_seq: int
    fixed_at: Instant | None
    fixed_seq: int | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return the same key as the drift that opened it."""
        return (self.host, self.path, self.task, self.item)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is stored, with its verdict counts."""

    id: str
    mode: str
    state: RunState
    standard: str
    actor: str
    started_at: Instant
    finished_at: Instant | None
    started_seq: int
    finished_seq: int | None
    verdicts: Mapping[Verdict, int]


def insert_run(connection: sa.Connection, **values: object) -> None:
    """Write a run that is about to start."""
    connection.execute(sa.insert(RUNS).values(state=RunState.RUNNING, **values))


def finish_run(connection: sa.Connection, run: Run, seq: int) -> None:
    """Write the end of a run and what it said of each host."""
    end_run(connection, run.id, run.state, run.finished_at, seq)
    rows = [
        {
            "run_id": run.id,
            "host": result.host,
            "verdict": result.verdict,
            "reason": result.reason,
            "drift": len(result.drift),
            "not_evaluated": len(result.not_evaluated),
        }
        for result in run.hosts
    ]
    if rows:
        connection.execute(sa.insert(HOSTS), rows)


def end_run(connection: sa.Connection, run_id: str, state: RunState, at: Instant, seq: int) -> None:
    """Write how a run ended."""
    connection.execute(
        sa.update(RUNS)
        .where(RUNS.c.id == run_id)
        .values(state=state, finished_at=at, finished_seq=seq)
    )


def unfinished(connection: sa.Connection, node: str) -> tuple[Unfinished, ...]:
    """Return the runs started on this machine that are, or seem, under way."""
    rows = connection.execute(
        sa.select(RUNS.c.id, RUNS.c.actor, RUNS.c.owner_pid, RUNS.c.owner_started).where(
            RUNS.c.state == RunState.RUNNING, RUNS.c.owner_node == node
        )
    )
    return tuple(Unfinished(*row) for row in rows)


def open_episodes(connection: sa.Connection, hosts: Iterable[str]) -> tuple[Episode, ...]:
    """Return the deviations of these hosts that no check has seen gone."""
    wanted = set(hosts)
    rows = connection.execute(sa.select(EPISODES).where(EPISODES.c.fixed_at.is_(None)))
    return tuple(_episode(row) for row in rows if row.host in wanted)


def episodes_between(connection: sa.Connection, start: int, end: int) -> tuple[Episode, ...]:
    """Return the deviations that were open at some time in [start, end)."""
    rows = connection.execute(
        sa.select(EPISODES)
        .where(
            EPISODES.c.detected_at < end,
            sa.or_(EPISODES.c.fixed_at.is_(None), EPISODES.c.fixed_at >= start),
        )
        .order_by(EPISODES.c.detected_at, EPISODES.c.id)
    )
    return tuple(_episode(row) for row in rows)


def _episode(row: sa.Row[tuple[object, ...]]) -> Episode:
    return Episode(**{**row._mapping, "severity": Severity(row.severity)})  # noqa: SLF001  # its public API


def open_episode(connection: sa.Connection, drift: Drift, seen: FirstSeen, seq: int) -> None:
    """Write a deviation seen for the first time."""
    host, path, task, item = drift.key
    connection.execute(
        sa.insert(EPISODES).values(
            host=host,
            path=path,
            task=task,
            item=item,
            control=drift.control.id,
            severity=drift.control.severity,
            last_good_at=seen.last_good_at,
            detected_at=seen.detected_at,
            detected_seq=seq,
        )
    )


def close_episode(connection: sa.Connection, episode: Episode, at: Instant, seq: int) -> None:
    """Write that a check saw a deviation gone."""
    connection.execute(
        sa.update(EPISODES)
        .where(EPISODES.c.id == episode.id, EPISODES.c.fixed_at.is_(None))
        .values(fixed_at=at, fixed_seq=seq)
    )


def last_compliant(connection: sa.Connection, standard: str) -> dict[str, Instant]:
    """Return for each host the end of the last check that found it compliant.

    Only checks of the whole standard count: one limited to tags never saw the rest.
    """
    rows = connection.execute(
        sa.select(HOSTS.c.host, sa.func.max(RUNS.c.finished_at))
        .join(RUNS, RUNS.c.id == HOSTS.c.run_id)
        .join(LEDGER, LEDGER.c.seq == RUNS.c.started_seq)
        .where(
            HOSTS.c.verdict == Verdict.COMPLIANT,
            RUNS.c.mode == "check",
            RUNS.c.standard == standard,
            LEDGER.c.data.contains(_NO_TAGS),
        )
        .group_by(HOSTS.c.host)
    )
    return {host: Instant(at) for host, at in rows}


def runs_between(connection: sa.Connection, start: int, end: int) -> tuple[RunRow, ...]:
    """Return the runs that started in [start, end), oldest first."""
    runs = connection.execute(
        sa.select(RUNS)
        .where(RUNS.c.started_at >= start, RUNS.c.started_at < end)
        .order_by(RUNS.c.started_at)
    ).all()
    counted = connection.execute(
        sa.select(HOSTS.c.run_id, HOSTS.c.verdict, sa.func.count())
        .where(HOSTS.c.run_id.in_([run.id for run in runs]))
        .group_by(HOSTS.c.run_id, HOSTS.c.verdict)
    )
    verdicts: dict[str, dict[Verdict, int]] = {}
    for run_id, verdict, count in counted:
        verdicts.setdefault(run_id, {})[Verdict(verdict)] = count
    return tuple(
        RunRow(
            run.id, run.mode, RunState(run.state), run.standard, run.actor, run.started_at,
            run.finished_at, run.started_seq, run.finished_seq, verdicts.get(run.id, {}),
        )
        for run in runs
    )  # fmt: skip
