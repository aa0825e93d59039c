"""Decisions: who said what to a request, over which check, and the signature that proves it.

One decision a person, request and check: the database itself refuses a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.store.tables import DECISIONS
from opskit.core.clock import Instant
from opskit.core.errors import Refused


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said. `statement` is the text that was signed, if it was."""

    id: int
    request: int
    approver: str
    verdict: str
    reason: str
    at: Instant
    check_hash: str
    statement: str
    signature: str
    key: str


def insert(connection: sa.Connection, **values: object) -> Decision:
    """Write a decision.

    Raises:
        Refused: this person has decided already.
    """
    try:
        row = connection.execute(
            sa.insert(DECISIONS).values(**values).returning(*DECISIONS.c)
        ).one()
    except sa.exc.IntegrityError as error:
        name = f"r{values['request']}"
        raise Refused(
            f"{values['approver']} has decided on {name} already", hint=f"opskit access show {name}"
        ) from error
    return _decision(row)


def of(connection: sa.Connection, request: int) -> tuple[Decision, ...]:
    """Return all decisions on a request, oldest first."""
    query = sa.select(DECISIONS).where(DECISIONS.c.request == request).order_by(DECISIONS.c.id)
    return tuple(map(_decision, connection.execute(query)))


def everything(connection: sa.Connection) -> tuple[Decision, ...]:
    """Return all decisions there are, oldest first."""
    return tuple(map(_decision, connection.execute(sa.select(DECISIONS).order_by(DECISIONS.c.id))))


def _decision(row: Any) -> Decision:  # noqa: ANN401  # a row of DECISIONS
    return Decision(*row)
