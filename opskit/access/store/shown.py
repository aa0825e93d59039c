"""What evidence reads of requests, grants and places: the few columns that it tells of.

A report looks at more than a year of them. What was judged, and what a role gives in full, takes
longer to read than all that is told.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa

from opskit.access.model import Role
from opskit.access.store.tables import GRANTS, PLACES, REQUESTS
from opskit.core.clock import Instant
from opskit.core.interval import Interval


class Asked(NamedTuple):
    """A request: for whom it was made, and what became of it."""

    id: int
    beneficiary: str
    role: str
    starts_at: Instant | None
    break_glass: int
    extends: int | None
    created_at: Instant
    state: str
    lapses_at: Instant | None
    closed_at: Instant | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"r{self.id}"


class Given(NamedTuple):
    """A grant, and from when to when it was there; `gives` is its role as it was approved."""

    id: int
    request: int
    person: str
    role: str
    gives: str
    approved_at: Instant
    provisioned_at: Instant | None
    usable_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    break_glass: int
    review_due: Instant | None
    reviewed_at: Instant | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"g{self.id}"

    @property
    def level(self) -> str:
        """Return the risk of its role."""
        return _level(self.gives)


class Stay(NamedTuple):
    """A grant at one place: when it was seen gone from there, and when it ended there by itself."""

    grant_id: int
    place: str
    absent_at: Instant | None
    fence_until: Instant | None

    @property
    def gone_at(self) -> Instant | None:
        """Return when it was gone at the latest; None while nobody can tell."""
        if self.absent_at is None or self.fence_until is None:
            return self.fence_until if self.absent_at is None else self.absent_at
        return min(self.absent_at, self.fence_until)


def asked(connection: sa.Connection, period: Interval) -> tuple[Asked, ...]:
    """Return the requests that were made in a period, oldest first."""
    made = (REQUESTS.c.created_at >= period.start, REQUESTS.c.created_at < period.end)
    query = sa.select(*(REQUESTS.c[name] for name in Asked._fields)).where(*made)
    return tuple(map(Asked._make, connection.execute(query.order_by(REQUESTS.c.id)).all()))


def given(connection: sa.Connection, period: Interval) -> tuple[Given, ...]:
    """Return what was given before a period's end and not over when it began, oldest first.

    With it emergencies that were over, and that nobody had reviewed when it began.
    """
    query = sa.select(*(GRANTS.c[name] for name in Given._fields)).where(*_there(period))
    return tuple(map(Given._make, connection.execute(query.order_by(GRANTS.c.id)).all()))


def stays(connection: sa.Connection, period: Interval) -> dict[int, list[Stay]]:
    """Return where the grants of a period were to be, by the grant's number."""
    these = sa.select(GRANTS.c.id).where(*_there(period))
    query = sa.select(*(PLACES.c[name] for name in Stay._fields)).where(
        PLACES.c.grant_id.in_(these)
    )
    found: dict[int, list[Stay]] = {}
    for one in map(Stay._make, connection.execute(query.order_by(PLACES.c.place)).all()):
        found.setdefault(one.grant_id, []).append(one)
    return found


def _there(period: Interval) -> tuple[sa.ColumnElement[bool], ...]:
    unreviewed = sa.or_(GRANTS.c.reviewed_at.is_(None), GRANTS.c.reviewed_at >= period.start)
    return (
        GRANTS.c.approved_at < period.end,
        sa.or_(
            GRANTS.c.ended_at.is_(None),
            GRANTS.c.ended_at >= period.start,
            sa.and_(GRANTS.c.break_glass == 1, unreviewed),
        ),
    )


# Many grants come of few roles.
@lru_cache(maxsize=4096)
def _level(gives: str) -> str:
    return Role.model_validate_json(gives).risk.value
