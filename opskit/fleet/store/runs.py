"""Runs, what each said of its hosts, and the records it left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.fleet.memory import Good, HostSeen, RunRow
from opskit.fleet.model import Provenance, Run, RunState
from opskit.outside.database import METADATA
from opskit.records.ledger import Entry, canonical

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
    sa.Column("provenance", sa.Text, nullable=False, server_default="{}"),
    sa.Column("basis", sa.Text, nullable=False, server_default=""),
    sa.Column("whole", sa.Integer, nullable=False, server_default="0"),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
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
# What the callback wrote, compressed: a run can be looked at again without its hosts.
RECORDS = sa.Table(
    "fleet_records",
    METADATA,
    sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
    sa.Column("records", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run whose end was never written, and the process that owned it."""

    id: str
    mode: Mode
    actor: str
    owner_pid: int
    owner_started: float


@dataclass(frozen=True, slots=True)
class Owner:
    """The opskit that makes a run."""

    node: str
    pid: int
    started: float


def insert_run(
    connection: sa.Connection, *, run_id: str, mode: str, provenance: Provenance, entry: Entry,
    owner: Owner,
) -> None:  # fmt: skip
    """Write a run that is about to start."""
    connection.execute(
        sa.insert(RUNS).values(
            id=run_id,
            mode=mode,
            state=RunState.RUNNING,
            standard=provenance.standard,
            actor=entry.actor,
            started_at=entry.at,
            owner_node=owner.node,
            owner_pid=owner.pid,
            owner_started=owner.started,
            started_seq=entry.seq,
            provenance=canonical(provenance.as_json()),
            basis=provenance.basis,
            whole=int(not provenance.tags),
            problem="",
        )
    )


def finish_run(connection: sa.Connection, run: Run, seq: int) -> None:
    """Write the end of a run and what it said of each host."""
    end_run(connection, run.id, run.state, run.finished_at, seq, run.problem)
    # Only now it is known how the hosts were looked at.
    told = canonical(run.provenance.as_json())
    connection.execute(sa.update(RUNS).where(RUNS.c.id == run.id).values(provenance=told))
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


def end_run(  # what an end is made of
    connection: sa.Connection,
    run_id: str,
    state: RunState,
    at: Instant,
    seq: int,
    problem: str = "",
) -> None:
    """Write how a run ended."""
    connection.execute(
        sa.update(RUNS)
        .where(RUNS.c.id == run_id)
        .values(state=state, finished_at=at, finished_seq=seq, problem=problem)
    )


def unfinished(connection: sa.Connection, node: str) -> tuple[Unfinished, ...]:
    """Return the runs started on this machine that are, or seem, under way."""
    rows = connection.execute(
        sa.select(
            RUNS.c.id, RUNS.c.mode, RUNS.c.actor, RUNS.c.owner_pid, RUNS.c.owner_started
        ).where(RUNS.c.state == RunState.RUNNING, RUNS.c.owner_node == node)
    )
    return tuple(Unfinished(row[0], Mode(row[1]), *row[2:]) for row in rows)


def last_compliant(connection: sa.Connection, standard: str) -> dict[str, Good]:
    """Return for each host the last check of the whole standard that found it compliant."""
    found = (RUNS.c.standard == standard, HOSTS.c.verdict == Verdict.COMPLIANT)
    rows = connection.execute(_newest_per_host(RUNS.c.basis, *found))
    return {row.host: Good(row.finished_at, row.basis) for row in rows}


def last_seen(connection: sa.Connection, start: int, end: int) -> tuple[HostSeen, ...]:
    """Return each host as the last whole check that was made within [start, end) saw it."""
    period = (RUNS.c.started_at >= start, RUNS.c.started_at < end, RUNS.c.finished_at < end)
    rows = connection.execute(_newest_per_host(RUNS.c.finished_seq, *period))
    return tuple(
        HostSeen(row.host, row.standard, Verdict(row.verdict), row.finished_at, row.finished_seq)
        for row in rows
    )


def _newest_per_host(
    column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Return the newest finished whole check of each (standard, host) under these conditions."""
    place = sa.func.row_number().over(
        partition_by=(RUNS.c.standard, HOSTS.c.host),
        order_by=(RUNS.c.finished_at.desc(), RUNS.c.id.desc()),
    )
    ranked = (
        sa.select(
            HOSTS.c.host, HOSTS.c.verdict, RUNS.c.standard, RUNS.c.finished_at, column,
            place.label("place"),
        )
        .join(RUNS, RUNS.c.id == HOSTS.c.run_id)
        .where(
            RUNS.c.mode == Mode.CHECK,
            RUNS.c.state == RunState.FINISHED,
            RUNS.c.whole == 1,
            *conditions,
        )
        .subquery()
    )  # fmt: skip
    return sa.select(ranked).where(ranked.c.place == 1).order_by(ranked.c.standard, ranked.c.host)


def last_basis(connection: sa.Connection, standard: str) -> dict[str, str]:
    """Return for each host what its last check depended on."""
    rows = connection.execute(
        sa.select(HOSTS.c.host, sa.func.max(RUNS.c.started_at).label("at"))
        .join(RUNS, RUNS.c.id == HOSTS.c.run_id)
        .where(RUNS.c.mode == Mode.CHECK, RUNS.c.standard == standard)
        .group_by(HOSTS.c.host)
    )
    newest = {row.host: row.at for row in rows}
    bases = connection.execute(
        sa.select(RUNS.c.started_at, RUNS.c.basis).where(
            RUNS.c.mode == Mode.CHECK, RUNS.c.started_at.in_(set(newest.values()))
        )
    )
    at = {row.started_at: row.basis for row in bases}
    return {host: at[started] for host, started in newest.items()}


def runs_between(connection: sa.Connection, start: int, end: int) -> tuple[RunRow, ...]:
    """Return the runs that started in [start, end), oldest first."""
    query = (
        sa.select(RUNS)
        .where(RUNS.c.started_at >= start, RUNS.c.started_at < end)
        .order_by(RUNS.c.started_at)
    )
    return _rows(connection, query)


def began_at(connection: sa.Connection) -> Instant | None:
    """Return when the first run began; None where there was none."""
    return connection.execute(sa.select(sa.func.min(RUNS.c.started_at))).scalar()


def changed_hosts(connection: sa.Connection, since: int, end: int) -> dict[str, list[Instant]]:
    """Return when applies that ended in [since, end) changed something on a host, by host.

    A host that an apply went through and changed is not evaluated until the check after it.
    """
    query = (
        sa.select(HOSTS.c.host, RUNS.c.finished_at)
        .join(RUNS, RUNS.c.id == HOSTS.c.run_id)
        .where(
            RUNS.c.mode == Mode.APPLY,
            RUNS.c.state == RunState.FINISHED,
            RUNS.c.finished_at >= since,
            RUNS.c.finished_at < end,
            HOSTS.c.verdict == Verdict.NOT_EVALUATED,
        )
        .order_by(RUNS.c.finished_at)
    )
    found: dict[str, list[Instant]] = {}
    for row in connection.execute(query):
        found.setdefault(row.host, []).append(Instant(row.finished_at))
    return found


def newest_runs(connection: sa.Connection, most: int) -> tuple[RunRow, ...]:
    """Return the last runs, newest first."""
    query = sa.select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id).limit(most)
    return _rows(connection, query)


def run_named(connection: sa.Connection, name: str) -> RunRow | None:
    """Return the newest run whose id starts with `name`, if there is one."""
    query = (
        sa.select(RUNS)
        .where(RUNS.c.id.startswith(name, autoescape=True))
        .order_by(RUNS.c.started_at.desc())
        .limit(1)
    )
    return next(iter(_rows(connection, query)), None)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> tuple[RunRow, ...]:
    runs = connection.execute(query).all()
    these = query.with_only_columns(RUNS.c.id).subquery()
    counted = connection.execute(
        sa.select(HOSTS.c.run_id, HOSTS.c.verdict, sa.func.count())
        .where(HOSTS.c.run_id.in_(sa.select(these.c.id)))
        .group_by(HOSTS.c.run_id, HOSTS.c.verdict)
    )
    verdicts: dict[str, dict[Verdict, int]] = {}
    for run_id, verdict, count in counted:
        verdicts.setdefault(run_id, {})[Verdict(verdict)] = count
    return tuple(
        RunRow(
            run.id, run.mode, RunState(run.state), run.standard, run.actor, run.started_at,
            run.finished_at, run.started_seq, run.finished_seq, run.problem,
            Provenance.from_json(json.loads(run.provenance)), verdicts.get(run.id, {}),
        )
        for run in runs
    )  # fmt: skip


def host_verdicts(
    connection: sa.Connection, host: str, most: int
) -> tuple[tuple[str, Instant, Verdict, str], ...]:
    """Return (run id, start, verdict, reason) of the last runs that spoke of a host."""
    rows = connection.execute(
        sa.select(RUNS.c.id, RUNS.c.started_at, HOSTS.c.verdict, HOSTS.c.reason)
        .join(RUNS, RUNS.c.id == HOSTS.c.run_id)
        .where(HOSTS.c.host == host)
        .order_by(RUNS.c.started_at.desc())
        .limit(most)
    )
    return tuple((row[0], Instant(row[1]), Verdict(row[2]), row[3]) for row in rows)


def verdicts_of(connection: sa.Connection, run_id: str) -> dict[str, tuple[Verdict, str]]:
    """Return (verdict, reason) that a run gave each host."""
    rows = connection.execute(sa.select(HOSTS).where(HOSTS.c.run_id == run_id))
    return {row.host: (Verdict(row.verdict), row.reason) for row in rows}


def keep_records(connection: sa.Connection, run_id: str, records: bytes) -> None:
    """Keep what the callback wrote."""
    connection.execute(sa.insert(RECORDS).values(run_id=run_id, records=records))


def records_of(connection: sa.Connection, run_id: str) -> bytes | None:
    """Return what the callback wrote, unless it was pruned."""
    return connection.execute(
        sa.select(RECORDS.c.records).where(RECORDS.c.run_id == run_id)
    ).scalar_one_or_none()


def prune_records(connection: sa.Connection, before: Instant) -> int:
    """Forget the records of runs that started before an instant; return how many."""
    old = sa.select(RUNS.c.id).where(RUNS.c.started_at < before)
    return connection.execute(sa.delete(RECORDS).where(RECORDS.c.run_id.in_(old))).rowcount
