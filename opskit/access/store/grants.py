"""Grants: what was given to whom, from when to when.

What a role gave when it was approved is kept with the grant: it is taken away as it was given,
whatever the role says by then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from opskit.access.lifecycle import GrantState, require_grant_step
from opskit.access.model import Role
from opskit.access.store.tables import GRANTS
from opskit.core.clock import Duration, Instant
from opskit.core.errors import ConfigError, Conflict


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands.

    `starts_at` is when it may be provisioned, `start_by` until when that must have begun;
    `provisioned_at` is when its clock started, `usable_at` when it was first seen on all targets,
    `ends_at` the planned end, `ended_at` when it was seen gone.
    """

    id: int
    request: int
    person: str
    account: str
    role: str
    gives: Role
    targets: tuple[str, ...]
    keys: tuple[str, ...]
    reason: str
    duration: Duration
    approved_at: Instant
    starts_at: Instant
    start_by: Instant
    state: GrantState
    version: int
    provisioned_at: Instant | None
    usable_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    end_reason: str
    break_glass: bool
    review_due: Instant | None
    reviewed_at: Instant | None
    reviewed_by: str
    reminded: bool

    @property
    def name(self) -> str:
        """Return what people call it, and what it is called on its targets."""
        return f"g{self.id}"

    def is_over(self, now: Instant) -> bool:
        """Return whether its time is up."""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class Held:
    """What a decision needs to know of a grant: not what it gives, which takes long to read."""

    id: int
    role: str
    targets: tuple[str, ...]
    state: GrantState
    ends_at: Instant | None
    review_due: Instant | None
    reviewed_at: Instant | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"g{self.id}"


def insert(connection: sa.Connection, gives: Role, **values: Any) -> Grant:
    """Write a scheduled grant."""
    stored = {
        **values,
        "gives": gives.model_dump_json(),
        "targets": json.dumps(list(values["targets"])),
        "keys": json.dumps(list(values["keys"])),
        "break_glass": int(values["break_glass"]),
        "state": GrantState.SCHEDULED.value,
        "version": 1,
        "end_reason": "",
        "reviewed_by": "",
        "reminded": 0,
    }
    query = sa.insert(GRANTS).values(**stored).returning(*GRANTS.c)
    return _grant(connection.execute(query).one())


def advance(connection: sa.Connection, grant: Grant, to: GrantState, **values: object) -> Grant:
    """Move a grant on.

    Raises:
        Refused: from where it is there is no such step.
        Conflict: somebody else moved it meanwhile.
    """
    require_grant_step(grant.name, grant.state, to)
    return change(connection, grant, state=to.value, **values)


def change(connection: sa.Connection, grant: Grant, **values: object) -> Grant:
    """Write something of a grant, where nobody else did meanwhile.

    Raises:
        Conflict: somebody did.
    """
    row = connection.execute(
        sa.update(GRANTS)
        .where(GRANTS.c.id == grant.id, GRANTS.c.version == grant.version)
        .values(version=grant.version + 1, **values)
        .returning(*GRANTS.c)
    ).one_or_none()
    if row is None:
        raise Conflict(
            f"{grant.name} was changed just now", hint=f"opskit access show {grant.name}"
        )
    return _grant(row)


def one(connection: sa.Connection, number: int) -> Grant:
    """Return a grant.

    Raises:
        ConfigError: there is none with this number.
    """
    row = connection.execute(sa.select(GRANTS).where(GRANTS.c.id == number)).one_or_none()
    if row is None:
        raise ConfigError(f"there is no grant g{number}", hint="opskit access list")
    return _grant(row)


def of_request(connection: sa.Connection, request: int) -> Grant | None:
    """Return the grant that came of a request."""
    row = connection.execute(sa.select(GRANTS).where(GRANTS.c.request == request)).one_or_none()
    return None if row is None else _grant(row)


def in_states(connection: sa.Connection, states: Sequence[GrantState]) -> tuple[Grant, ...]:
    """Return the grants in one of these states, oldest first."""
    query = sa.select(GRANTS).where(GRANTS.c.state.in_([one.value for one in states]))
    return tuple(map(_grant, connection.execute(query.order_by(GRANTS.c.id))))


def numbered(connection: sa.Connection, numbers: Collection[int]) -> dict[int, Grant]:
    """Return these grants by their number."""
    query = sa.select(GRANTS).where(GRANTS.c.id.in_(list(numbers)))
    return {row.id: _grant(row) for row in connection.execute(query)}


_HELD = sa.select(
    GRANTS.c.id, GRANTS.c.role, GRANTS.c.targets, GRANTS.c.state, GRANTS.c.ends_at,
    GRANTS.c.review_due, GRANTS.c.reviewed_at,
).where(
    GRANTS.c.person == sa.bindparam("person"),
    sa.or_(
        GRANTS.c.state != GrantState.REVOKED.value,
        sa.and_(GRANTS.c.review_due.is_not(None), GRANTS.c.reviewed_at.is_(None)),
    ),
)  # fmt: skip


def held(connection: sa.Connection, person: str) -> tuple[Held, ...]:
    """Return the grants of somebody that are not over, and those that owe a review."""
    return tuple(
        Held(
            row.id, row.role, tuple(json.loads(row.targets)), GrantState(row.state), row.ends_at,
            row.review_due, row.reviewed_at,
        )
        for row in connection.execute(_HELD, {"person": person})
    )  # fmt: skip


def of_person(connection: sa.Connection, person: str) -> tuple[Grant, ...]:
    """Return all grants somebody has or had, oldest first."""
    query = sa.select(GRANTS).where(GRANTS.c.person == person).order_by(GRANTS.c.id)
    return tuple(map(_grant, connection.execute(query)))


def unreviewed(connection: sa.Connection) -> tuple[Grant, ...]:
    """Return the emergencies that nobody has reviewed, oldest first."""
    query = sa.select(GRANTS).where(GRANTS.c.break_glass == 1, GRANTS.c.reviewed_at.is_(None))
    return tuple(map(_grant, connection.execute(query.order_by(GRANTS.c.id))))


def everything(connection: sa.Connection) -> tuple[Grant, ...]:
    """Return all grants there ever were, oldest first."""
    return tuple(map(_grant, connection.execute(sa.select(GRANTS).order_by(GRANTS.c.id))))


# Many grants come of few roles, and a role takes longer to read than all else of a grant.
@lru_cache(maxsize=4096)
def _role(text: str) -> Role:
    return Role.model_validate_json(text)


def any_there(connection: sa.Connection) -> bool:
    """Return whether anything was ever given."""
    return connection.execute(sa.select(GRANTS.c.id).limit(1)).first() is not None


def _grant(row: Any) -> Grant:  # noqa: ANN401  # a row of GRANTS
    values = row._asdict()
    return Grant(
        **{
            **values,
            "gives": _role(values["gives"]),
            "targets": tuple(json.loads(values["targets"])),
            "keys": tuple(json.loads(values["keys"])),
            "state": GrantState(values["state"]),
            "break_glass": bool(values["break_glass"]),
            "reminded": bool(values["reminded"]),
        }
    )
