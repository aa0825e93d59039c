"""Waivers: who accepted which deviation on which hosts, why, and until when.

A waiver names the deviation by its fingerprint, not by the rule that found it: if the deviation
becomes another one, the waiver no longer fits and the finding is back.
"""

from __future__ import annotations

import sqlalchemy as sa

from opskit.core.clock import Clock, iso
from opskit.core.errors import ConfigError, Refused
from opskit.core.text import clean
from opskit.core.waivers import Grounds, Waiver
from opskit.outside.database import METADATA, BigInt
from opskit.records.ledger import Ledger

WAIVERS = sa.Table(
    "waivers",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("hosts", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("granted_by", sa.Text, nullable=False),
    sa.Column("granted_at", sa.BigInteger, nullable=False),
    sa.Column("granted_seq", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("renewals", sa.Integer, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_seq", sa.BigInteger),
    sa.Index("ix_waivers_open", "ended_at"),
)


class Waivers:
    """Grants, renews and ends waivers, inside the caller's transaction."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger

    def grant(
        self,
        connection: sa.Connection,
        *,
        hosts: str,
        subject: str,
        fingerprint: str,
        grounds: Grounds,
    ) -> Waiver:
        """Accept a deviation.

        Raises:
            ConfigError: no reason, no owner, or an end that is past.
        """
        self._require(grounds)
        about = clean(subject)
        known = {
            "hosts": clean(hosts),
            "subject": about,
            "fingerprint": fingerprint,
            "reason": clean(grounds.reason),
            "owner": clean(grounds.owner),
            "expires_at": grounds.expires_at,
        }
        entry = self._ledger.append(connection, "waiver.granted", about, known)
        values = {**known, "granted_by": entry.actor, "granted_at": entry.at}
        number = connection.execute(
            sa.insert(WAIVERS)
            .values(**values, granted_seq=entry.seq, renewals=0)
            .returning(WAIVERS.c.id)
        ).scalar_one()
        return one(connection, number)

    def renew(self, connection: sa.Connection, number: int, grounds: Grounds) -> Waiver:
        """Give a waiver a later end; how often that was done is kept."""
        self._require(grounds)
        waiver = self._open(connection, number)
        told = {"until": iso(grounds.expires_at), "reason": clean(grounds.reason)}
        self._ledger.append(connection, "waiver.renewed", waiver.subject, {"id": number, **told})
        connection.execute(
            sa.update(WAIVERS)
            .where(WAIVERS.c.id == number)
            .values(
                expires_at=grounds.expires_at,
                reason=told["reason"],
                owner=clean(grounds.owner),
                renewals=waiver.renewals + 1,
            )
        )
        return one(connection, number)

    def end(self, connection: sa.Connection, number: int, reason: str) -> Waiver:
        """End a waiver now: its deviation is a finding again."""
        waiver = self._open(connection, number)
        entry = self._ledger.append(
            connection, "waiver.ended", waiver.subject, {"id": number, "reason": clean(reason)}
        )
        connection.execute(
            sa.update(WAIVERS)
            .where(WAIVERS.c.id == number)
            .values(ended_at=entry.at, ended_seq=entry.seq)
        )
        return one(connection, number)

    def _require(self, grounds: Grounds) -> None:
        if not grounds.reason.strip() or not grounds.owner.strip():
            raise ConfigError("a waiver needs a reason and an owner", hint="--reason, --owner")
        if grounds.expires_at <= self._clock.now():
            raise ConfigError(
                f"the end is past: {iso(grounds.expires_at)}", hint="--until 30d, --until DATE"
            )

    def _open(self, connection: sa.Connection, number: int) -> Waiver:
        waiver = one(connection, number)
        if waiver.ended_at is not None:
            raise Refused(f"{waiver.name} ended {iso(waiver.ended_at)}", hint="grant a new one")
        return waiver


def one(connection: sa.Connection, number: int) -> Waiver:
    """Return one waiver.

    Raises:
        ConfigError: there is none with this number.
    """
    row = connection.execute(sa.select(WAIVERS).where(WAIVERS.c.id == number)).one_or_none()
    if row is None:
        raise ConfigError(f"there is no waiver W-{number}", hint="opskit fleet waivers")
    return Waiver(*row)


def in_force(connection: sa.Connection) -> tuple[Waiver, ...]:
    """Return the waivers that nobody ended, also those whose time is over."""
    rows = connection.execute(
        sa.select(WAIVERS).where(WAIVERS.c.ended_at.is_(None)).order_by(WAIVERS.c.id)
    )
    return tuple(Waiver(*row) for row in rows)
