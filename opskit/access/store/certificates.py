"""SSH certificates that were issued, what of them was revoked, and which hosts know.

Each revocation takes the next revision; a host is up to date once it holds a list of at least the
revision that is wanted of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.store.tables import CERTIFICATES, REVOCATION_LISTS, REVOKED_KEYS
from opskit.core.clock import Instant
from opskit.core.errors import Conflict


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was handed out.

    `authority` is `type base64` of who signed it, `certificate` the line that was handed out,
    `fingerprint` that of the key it is for. `revision` is None while it is not revoked.
    """

    serial: int
    grant_id: int
    person: str
    authority: str
    fingerprint: str
    certificate: str
    valid_after: Instant
    valid_before: Instant
    issued_at: Instant
    revision: int | None
    revoked_at: Instant | None
    reason: str

    @property
    def grant(self) -> str:
        """Return the name of its grant."""
        return f"g{self.grant_id}"

    def is_live(self, now: Instant) -> bool:
        """Return whether it could still open something."""
        return self.revision is None and self.valid_before > now

    def as_json(self) -> dict[str, object]:
        """Return it as data, without the line itself."""
        return {
            "serial": str(self.serial), "grant": self.grant, "person": self.person,
            "fingerprint": self.fingerprint, "valid_after": self.valid_after,
            "valid_before": self.valid_before, "issued_at": self.issued_at,
            "revoked_at": self.revoked_at, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that counts nowhere any more; `key` is `type base64`."""

    fingerprint: str
    key: str
    revision: int
    revoked_at: Instant
    reason: str


@dataclass(frozen=True, slots=True)
class ListPlace:
    """A host that must refuse what was revoked: the revision wanted there, and the one it has."""

    place: str
    wanted: int
    placed: int
    attempts: int
    due_at: Instant | None
    reason: str


def insert(connection: sa.Connection, **values: object) -> Certificate:
    """Write a certificate that is about to be handed out.

    Raises:
        Conflict: another has its serial.
    """
    query = sa.insert(CERTIFICATES).values(reason="", **values).returning(*CERTIFICATES.c)
    try:
        return _certificate(connection.execute(query).one())
    except sa.exc.IntegrityError as error:
        raise Conflict("the serial is taken", hint="run it again") from error


def taken(connection: sa.Connection, serial: int) -> bool:
    """Return whether a certificate has this serial."""
    return one(connection, serial) is not None


def one(connection: sa.Connection, serial: int) -> Certificate | None:
    """Return the certificate with a serial."""
    query = sa.select(CERTIFICATES).where(CERTIFICATES.c.serial == serial)
    row = connection.execute(query).one_or_none()
    return None if row is None else _certificate(row)


def live(
    connection: sa.Connection, now: Instant, *, grant: int | None = None, fingerprint: str = ""
) -> tuple[Certificate, ...]:
    """Return what could still be used: of one grant or one key where these are named."""
    query = sa.select(CERTIFICATES).where(
        CERTIFICATES.c.valid_before > now, CERTIFICATES.c.revision.is_(None)
    )
    query = query if grant is None else query.where(CERTIFICATES.c.grant_id == grant)
    query = query.where(CERTIFICATES.c.fingerprint == fingerprint) if fingerprint else query
    return tuple(map(_certificate, connection.execute(query.order_by(CERTIFICATES.c.serial))))


def revoked(connection: sa.Connection, now: Instant) -> tuple[Certificate, ...]:
    """Return the revoked certificates that have not ended by themselves."""
    query = sa.select(CERTIFICATES).where(
        CERTIFICATES.c.valid_before > now, CERTIFICATES.c.revision.is_not(None)
    )
    return tuple(map(_certificate, connection.execute(query.order_by(CERTIFICATES.c.serial))))


def revoked_keys(connection: sa.Connection) -> tuple[RevokedKey, ...]:
    """Return all keys that were revoked."""
    query = sa.select(REVOKED_KEYS).order_by(REVOKED_KEYS.c.fingerprint)
    return tuple(RevokedKey(*row) for row in connection.execute(query))


def next_revision(connection: sa.Connection) -> int:
    """Return the revision that the next revocation takes; called where it is also written."""
    greatest = [
        connection.execute(sa.select(sa.func.max(column))).scalar() or 0
        for column in (CERTIFICATES.c.revision, REVOKED_KEYS.c.revision)
    ]
    return max(greatest) + 1


def revoke(
    connection: sa.Connection, serials: Collection[int], revision: int, at: Instant, reason: str
) -> None:
    """Write that certificates count no more."""
    connection.execute(
        sa.update(CERTIFICATES)
        .where(CERTIFICATES.c.serial.in_(list(serials)), CERTIFICATES.c.revision.is_(None))
        .values(revision=revision, revoked_at=at, reason=reason)
    )


def revoke_key(connection: sa.Connection, revoked: RevokedKey) -> None:
    """Write that a key counts no more; nothing happens to one that did not before."""
    known = {each.fingerprint for each in revoked_keys(connection)}
    if revoked.fingerprint not in known:
        values = {name: getattr(revoked, name) for name in RevokedKey.__slots__}
        connection.execute(sa.insert(REVOKED_KEYS).values(**values))


def want(connection: sa.Connection, hosts: Collection[str], revision: int, now: Instant) -> None:
    """Write that hosts must know of a revision, as something to be done at once."""
    known = {each.place for each in lists(connection)}
    values = {"wanted": revision, "attempts": 0, "due_at": now, "reason": ""}
    for host in sorted(set(hosts)):
        if host in known:
            query = sa.update(REVOCATION_LISTS).where(REVOCATION_LISTS.c.place == host)
            connection.execute(query.values(**values))
        else:
            query_new = sa.insert(REVOCATION_LISTS).values(place=host, placed=0, **values)
            connection.execute(query_new)


def lists(connection: sa.Connection) -> tuple[ListPlace, ...]:
    """Return all hosts that must know of revocations."""
    query = sa.select(REVOCATION_LISTS).order_by(REVOCATION_LISTS.c.place)
    return tuple(ListPlace(*row) for row in connection.execute(query))


def placed(connection: sa.Connection, before: ListPlace, **values: object) -> None:
    """Write what came of placing a list, unless more is wanted meanwhile."""
    connection.execute(
        sa.update(REVOCATION_LISTS)
        .where(REVOCATION_LISTS.c.place == before.place, REVOCATION_LISTS.c.wanted == before.wanted)
        .values(**values)
    )


def _certificate(row: Any) -> Certificate:  # noqa: ANN401  # a row of CERTIFICATES
    return Certificate(*row)
