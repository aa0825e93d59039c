"""What runs left undone on hosts, until it is settled."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from opskit.fleet.memory import Owed
from opskit.fleet.model import Debt, DebtKind
from opskit.outside.database import METADATA, BigInt
from opskit.records.ledger import Entry

DEBTS = sa.Table(
    "fleet_debts",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("handler", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("opened_seq", sa.BigInteger, nullable=False),
    sa.Column("settled_at", sa.BigInteger),
    sa.Column("settled_seq", sa.BigInteger),
    sa.Column("settled_how", sa.Text, nullable=False),
    sa.Index("ix_fleet_debts_open", "host", "settled_at"),
)


def still_owed(connection: sa.Connection, hosts: Iterable[str] | None = None) -> tuple[Owed, ...]:
    """Return what is owed to these hosts, or to all."""
    rows = connection.execute(
        sa.select(DEBTS).where(DEBTS.c.settled_at.is_(None)).order_by(DEBTS.c.id)
    )
    wanted = None if hosts is None else set(hosts)
    return tuple(
        Owed(row.id, Debt(row.host, DebtKind(row.kind), row.path, row.task, row.handler),
             row.run_id, row.opened_at)
        for row in rows
        if wanted is None or row.host in wanted
    )  # fmt: skip


def owe(connection: sa.Connection, run_id: str, debt: Debt, entry: Entry) -> None:
    """Write what a run left undone."""
    connection.execute(
        sa.insert(DEBTS).values(
            host=debt.host,
            kind=debt.kind,
            path=debt.path,
            task=debt.task,
            handler=debt.handler,
            run_id=run_id,
            opened_at=entry.at,
            opened_seq=entry.seq,
            settled_how="",
        )
    )


def settle(connection: sa.Connection, owed: Owed, how: str, entry: Entry) -> None:
    """Write that a debt is none any more, and how that is known."""
    connection.execute(
        sa.update(DEBTS)
        .where(DEBTS.c.id == owed.id, DEBTS.c.settled_at.is_(None))
        .values(settled_at=entry.at, settled_seq=entry.seq, settled_how=how)
    )
