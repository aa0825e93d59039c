"""Leases: who may touch a host or do a job now, with a fencing token.

A lease ends by itself. Each time it is taken its token grows, and a write that carries an older
token is refused: a holder that slept past its end cannot do harm when it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant, iso
from opskit.core.errors import Conflict
from opskit.outside.database import METADATA

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to touch `resource` until `expires_at`."""

    resource: str
    holder: str
    token: int
    expires_at: Instant


class Leases:
    """Takes, renews and gives back leases, inside the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def take(self, connection: sa.Connection, resource: str, holder: str, length: int) -> Lease:
        """Return the lease on `resource` for `length` microseconds.

        Raises:
            Conflict: somebody else holds it, named with the time it ends.
        """
        now = self._clock.now()
        row = connection.execute(
            sa.select(LEASES).where(LEASES.c.resource == resource).with_for_update()
        ).one_or_none()
        if row is not None and row.expires_at > now and row.holder != holder:
            raise Conflict(
                f"{resource} is held by {row.holder} until {iso(row.expires_at)}",
                hint="wait until it has ended, then run it again",
            )
        lease = Lease(resource, holder, (row.token if row else 0) + 1, Instant(now + length))
        self._store(connection, lease, known=row is not None)
        return lease

    def _store(self, connection: sa.Connection, lease: Lease, *, known: bool) -> None:
        values = {
            "holder": lease.holder,
            "token": lease.token,
            "expires_at": lease.expires_at,
        }
        if not known:
            try:
                connection.execute(sa.insert(LEASES).values(resource=lease.resource, **values))
            except sa.exc.IntegrityError as error:
                message = f"{lease.resource} was taken just now"
                raise Conflict(message, hint="run it again") from error
            return
        moved = connection.execute(
            sa.update(LEASES)
            .where(LEASES.c.resource == lease.resource, LEASES.c.token == lease.token - 1)
            .values(**values)
        )
        if moved.rowcount != 1:
            raise Conflict(f"{lease.resource} was taken just now", hint="run it again")

    def fence(self, connection: sa.Connection, lease: Lease) -> None:
        """Refuse to go on unless `lease` is still the newest one and has not ended.

        Raises:
            Conflict: it ended, or somebody took the resource since.
        """
        held = connection.execute(
            sa.select(LEASES.c.token, LEASES.c.expires_at)
            .where(LEASES.c.resource == lease.resource)
            .with_for_update()  # nobody takes it before what is written under it is kept
        ).one_or_none()
        if held is None or held.token != lease.token or held.expires_at <= self._clock.now():
            raise Conflict(f"the lease on {lease.resource} is lost", hint="run it again")

    def extend(self, connection: sa.Connection, lease: Lease, length: int) -> bool:
        """Let a lease last for `length` from now; return whether it is still the newest.

        One that ended is extended as well: nobody took the resource meanwhile.
        """
        extended = connection.execute(
            sa.update(LEASES)
            .where(LEASES.c.resource == lease.resource, LEASES.c.token == lease.token)
            .values(expires_at=Instant(self._clock.now() + length))
        )
        return extended.rowcount == 1

    def is_newest(self, connection: sa.Connection, lease: Lease) -> bool:
        """Return whether nobody took the resource since, and nobody will until this is written."""
        query = sa.select(LEASES.c.token).where(LEASES.c.resource == lease.resource)
        return connection.execute(query.with_for_update()).scalar() == lease.token

    def give_back(self, connection: sa.Connection, lease: Lease) -> None:
        """End a lease now; its token stays, so that late writes are still fenced off."""
        connection.execute(
            sa.update(LEASES)
            .where(LEASES.c.resource == lease.resource, LEASES.c.token == lease.token)
            .values(expires_at=0)
        )

    def holder(self, connection: sa.Connection, resource: str) -> str:
        """Return who holds a resource now; empty where nobody does."""
        query = sa.select(LEASES.c.holder).where(
            LEASES.c.resource == resource, LEASES.c.expires_at > self._clock.now()
        )
        return connection.execute(query).scalar() or ""

    def release(self, connection: sa.Connection, holder: str) -> None:
        """End every lease of a holder that is gone."""
        connection.execute(sa.update(LEASES).where(LEASES.c.holder == holder).values(expires_at=0))
