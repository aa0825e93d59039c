"""What hosts looked like when a full check found them compliant, and which hosts a check is of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.fleet.fingerprint import Looks, Prints, Seal
from opskit.outside.database import METADATA

FINGERPRINTS = sa.Table(
    "fleet_fingerprints",
    METADATA,
    sa.Column("standard", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), nullable=False),
    sa.Column("checked_at", sa.BigInteger, nullable=False),
    sa.Column("sealed", sa.Integer, nullable=False),
    sa.Column("looks", sa.Text, nullable=False),
    sa.Column("prints", sa.Text, nullable=False),
)
# The hosts that a limit means, as Ansible resolved it: the same basis means the same hosts.
SCOPES = sa.Table(
    "fleet_scopes",
    METADATA,
    sa.Column("standard", sa.Text, primary_key=True),
    sa.Column("host_limit", sa.Text, primary_key=True),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("hosts", sa.Text, nullable=False),
)


def seals(connection: sa.Connection, standard: str, basis: str) -> dict[str, Seal]:
    """Return what is remembered of each host under just this basis."""
    table = FINGERPRINTS
    rows = connection.execute(
        sa.select(table).where(table.c.standard == standard, table.c.basis == basis)
    )
    return {
        row.host: Seal(
            host=row.host,
            run_id=row.run_id,
            checked_at=Instant(row.checked_at),
            sealed=bool(row.sealed),
            looks=Looks.from_json(row.looks),
            prints=_prints(row.prints),
        )
        for row in rows
    }


def _prints(text: str) -> Prints | None:
    data = json.loads(text)
    return Prints(*(tuple(part) for part in data)) if data else None


def remember(connection: sa.Connection, standard: str, basis: str, found: Iterable[Seal]) -> None:
    """Keep what was seen of hosts, instead of what was known of them."""
    kept = list(found)
    rows = [
        {
            "standard": standard,
            "host": seal.host,
            "basis": basis,
            "run_id": seal.run_id,
            "checked_at": seal.checked_at,
            "sealed": int(seal.sealed),
            "looks": seal.looks.as_json(),
            "prints": json.dumps([seal.prints.values, seal.prints.stamps] if seal.prints else []),
        }
        for seal in kept
    ]
    forget(connection, standard, [seal.host for seal in kept])
    if rows:
        connection.execute(sa.insert(FINGERPRINTS), rows)


def forget(connection: sa.Connection, standard: str, hosts: Sequence[str]) -> None:
    """Trust no fingerprint of these hosts any more."""
    table = FINGERPRINTS
    for host in hosts:
        connection.execute(
            sa.delete(table).where(table.c.standard == standard, table.c.host == host)
        )


def scope(connection: sa.Connection, standard: str, basis: str, limit: str) -> tuple[str, ...]:
    """Return the hosts that a limit meant under this basis, or none if that is not known."""
    found = connection.execute(
        sa.select(SCOPES.c.hosts).where(
            SCOPES.c.standard == standard,
            SCOPES.c.host_limit == limit,
            SCOPES.c.basis == basis,
        )
    ).scalar()
    return tuple(json.loads(found)) if found else ()


def remember_scope(
    connection: sa.Connection, standard: str, basis: str, limit: str, hosts: Sequence[str]
) -> None:
    """Keep which hosts a limit means."""
    where = (SCOPES.c.standard == standard, SCOPES.c.host_limit == limit)
    connection.execute(sa.delete(SCOPES).where(*where))
    connection.execute(
        sa.insert(SCOPES).values(
            standard=standard, host_limit=limit, basis=basis, hosts=json.dumps(list(hosts))
        )
    )
