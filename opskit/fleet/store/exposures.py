"""What was last read of each host's posture, and its findings from found to gone."""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa

from opskit.core.findings import Finding, Severity
from opskit.fleet.memory import Exposure
from opskit.fleet.posture import Posture
from opskit.outside.database import METADATA, BigInt
from opskit.records.ledger import Entry

POSTURE = sa.Table(
    "fleet_posture",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("ports", sa.Text, nullable=False),
)
EXPOSURES = sa.Table(
    "fleet_exposures",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("found_at", sa.BigInteger, nullable=False),
    sa.Column("found_seq", sa.BigInteger, nullable=False),
    sa.Column("gone_at", sa.BigInteger),
    sa.Column("gone_seq", sa.BigInteger),
    sa.Index("ix_fleet_exposures_open", "host", "gone_at"),
)


def keep(connection: sa.Connection, run_id: str, posture: Posture) -> None:
    """Write what was read of a host in place of what was known."""
    ports = "" if posture.ports is None else json.dumps(sorted(posture.ports))
    connection.execute(sa.delete(POSTURE).where(POSTURE.c.host == posture.host))
    connection.execute(
        sa.insert(POSTURE).values(
            host=posture.host,
            run_id=run_id,
            at=posture.at,
            facts=json.dumps(posture.facts),
            owner=posture.owner,
            ports=ports,
        )
    )


def all_known(connection: sa.Connection) -> tuple[Posture, ...]:
    """Return what was last read of each host."""
    rows = connection.execute(sa.select(POSTURE).order_by(POSTURE.c.host))
    return tuple(
        Posture(
            row.host,
            row.at,
            json.loads(row.facts),
            row.owner,
            frozenset(json.loads(row.ports)) if row.ports else None,
        )
        for row in rows
    )


def still_open(
    connection: sa.Connection, hosts: Iterable[str] | None = None
) -> tuple[Exposure, ...]:
    """Return the findings of these hosts, or all, that nobody has seen gone."""
    wanted = None if hosts is None else set(hosts)
    rows = connection.execute(
        sa.select(EXPOSURES).where(EXPOSURES.c.gone_at.is_(None)).order_by(EXPOSURES.c.id)
    )
    return tuple(_exposure(row) for row in rows if wanted is None or row.host in wanted)


def _exposure(row: sa.Row[tuple[object, ...]]) -> Exposure:
    typed = {"severity": Severity(row.severity)}
    return Exposure(**{**row._mapping, **typed})  # noqa: SLF001  # its public API


def start(connection: sa.Connection, host: str, finding: Finding, entry: Entry) -> None:
    """Write a finding seen for the first time."""
    connection.execute(
        sa.insert(EXPOSURES).values(
            host=host,
            rule=finding.rule,
            subject=finding.subject,
            severity=finding.severity,
            found_at=entry.at,
            found_seq=entry.seq,
        )
    )


def close(connection: sa.Connection, exposure: Exposure, entry: Entry) -> None:
    """Write that a finding is gone."""
    connection.execute(
        sa.update(EXPOSURES)
        .where(EXPOSURES.c.id == exposure.id, EXPOSURES.c.gone_at.is_(None))
        .values(gone_at=entry.at, gone_seq=entry.seq)
    )
