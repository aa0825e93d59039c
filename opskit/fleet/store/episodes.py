"""Deviations, each from the check that found it to the check that saw it gone."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.fleet.memory import Episode, Settled
from opskit.fleet.model import Drift, DriftKey, Moved, Standing
from opskit.outside.database import METADATA, BigInt

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
    sa.Column("before_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("after_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("moved", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_fleet_episodes_open", "host", "fixed_at"),
)


def all_open(connection: sa.Connection) -> tuple[Episode, ...]:
    """Return the deviations that no check has seen gone."""
    rows = connection.execute(sa.select(EPISODES).where(EPISODES.c.fixed_at.is_(None)))
    return tuple(_episode(row) for row in rows)


def still_open(connection: sa.Connection, hosts: Iterable[str]) -> tuple[Episode, ...]:
    """Return the deviations of these hosts that no check has seen gone."""
    wanted = set(hosts)
    return tuple(one for one in all_open(connection) if one.host in wanted)


def between(connection: sa.Connection, start: int, end: int) -> tuple[Episode, ...]:
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


def of_host(connection: sa.Connection, host: str) -> tuple[Episode, ...]:
    """Return every deviation of a host, newest first."""
    rows = connection.execute(
        sa.select(EPISODES).where(EPISODES.c.host == host).order_by(EPISODES.c.detected_at.desc())
    )
    return tuple(_episode(row) for row in rows)


def _episode(row: sa.Row[tuple[object, ...]]) -> Episode:
    typed = {"severity": Severity(row.severity), "moved": Moved(row.moved or Moved.FIRST_SEEN)}
    return Episode(**{**row._mapping, **typed})  # noqa: SLF001  # its public API


def settled(connection: sa.Connection, hosts: Iterable[str]) -> dict[DriftKey, Settled]:
    """Return for each thing that was ever put right the state it was in then."""
    wanted = set(hosts)
    rows = connection.execute(
        sa.select(EPISODES).where(EPISODES.c.fixed_at.is_not(None)).order_by(EPISODES.c.fixed_at)
    )
    found: dict[DriftKey, Settled] = {}
    for episode in (_episode(row) for row in rows if row.host in wanted):
        before = found.get(episode.key)
        times = before.times if before else 0
        found[episode.key] = Settled(episode.after_hash, times + 1)
    return found


def start(connection: sa.Connection, drift: Drift, standing: Standing, seq: int) -> None:
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
            last_good_at=standing.last_good_at,
            detected_at=standing.detected_at,
            detected_seq=seq,
            **_states(drift),
            moved=standing.moved,
        )
    )


def _states(drift: Drift) -> dict[str, str]:
    """Return the state seen, and the one wanted if it can be told at another time."""
    wanted = drift.after_hash if drift.comparable else ""
    return {"before_hash": drift.before_hash, "after_hash": wanted}


def update(connection: sa.Connection, episode: Episode, drift: Drift) -> None:
    """Write what a deviation has become since."""
    connection.execute(
        sa.update(EPISODES).where(EPISODES.c.id == episode.id).values(**_states(drift))
    )


def close(connection: sa.Connection, episode: Episode, at: Instant, seq: int) -> None:
    """Write that a check saw a deviation gone."""
    connection.execute(
        sa.update(EPISODES)
        .where(EPISODES.c.id == episode.id, EPISODES.c.fixed_at.is_(None))
        .values(fixed_at=at, fixed_seq=seq)
    )
