"""What the verbs of access need of the world around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.access import holding
from opskit.access.model import Environment, KeyUse
from opskit.access.notices.notice import Files
from opskit.access.registry import Registry
from opskit.access.store import certificates, told
from opskit.access.targets.kinds import TargetKind
from opskit.access.telling import TOLD, Told
from opskit.core.clock import MINUTE, Clock, Duration, Instant, midnight, to_datetime
from opskit.core.errors import ConfigError, Refused
from opskit.outside.database import Database
from opskit.outside.sshca import Signer
from opskit.records.leases import Lease, Leases
from opskit.records.ledger import Entry, Ledger
from opskit.records.outbox import Outbox

# For so long one order may be carried out before somebody else may think it lost.
_LEASE = 30 * MINUTE


def nobody_signs(environment: Environment) -> Signer:
    """Refuse to sign certificates: nobody is named who does.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        f"nobody signs certificates for {environment.value}",
        hint=f"name a key in access/policy.yaml: authorities: {environment.value}: key_file",
    )


@dataclass(frozen=True)
class Workplace:
    """The files as they are now, the records, and `kind`, which gives kinds of targets by name.

    `places` gives for an entry of targets.yaml the hosts or servers it stands for now. `user` is
    the account that runs opskit. `authority` gives who signs the certificates of an environment.
    """

    registry: Registry
    database: Database
    ledger: Ledger
    leases: Leases
    clock: Clock
    zone: ZoneInfo
    outbox: Outbox
    kind: Callable[[str], TargetKind]
    places: Callable[[str], tuple[str, ...]]
    environment: Mapping[str, str]
    user: str = ""
    channels: tuple[str, ...] = ()
    authority: Callable[[Environment], Signer] = nobody_signs

    def now(self) -> Instant:
        """Return the wall clock."""
        return self.clock.now()

    def today(self) -> date:
        """Return the day it is in the configured zone."""
        return to_datetime(self.now(), self.zone).date()

    def person(self) -> str:
        """Return who runs opskit, as people.yaml knows them.

        Raises:
            Refused: it does not, or they have left.
        """
        name = self.registry.named(self.user)
        if name is None:
            raise Refused(
                f"nobody in access/people.yaml has the account {self.user!r}",
                hint=f"enter yourself there, with account: {self.user}",
            )
        with self.database.read() as connection:
            left = self.gone(connection, [name])
        if left:
            raise Refused(
                f"{name} has left: by access/people.yaml, or offboarded",
                hint=f"somebody who is there: opskit access onboard {name}",
            )
        return name

    def gone(self, connection: sa.Connection, names: Collection[str]) -> frozenset[str]:
        """Return who of these has left: by the files, or offboarded before the files say so."""
        today = self.today()
        left = frozenset(name for name in names if self.registry.left(name, today))
        return left | told.offboarded(connection, names)

    def leaves_at(self, name: str) -> Instant | None:
        """Return the end of somebody's last day, in the configured zone; None if none is known."""
        known = self.registry.holder(name)
        if known is None or known.ends is None:
            return None
        return midnight(known.ends + timedelta(days=1), self.zone)

    def until(self, name: str, duration: Duration) -> Instant:
        """Return when what somebody has for so long from now on ends: by their last day."""
        end, leaves_at = Instant(self.now() + duration), self.leaves_at(name)
        return end if leaves_at is None else min(end, leaves_at)

    def login_keys(self, connection: sa.Connection, name: str) -> tuple[str, ...]:
        """Return `type base64` of the keys that somebody may log in with today."""
        found = self.registry.keys(name, KeyUse.LOGIN, self.today())
        lost = {one.key for one in certificates.revoked_keys(connection)}
        lines = (" ".join(one.key.split()[:2]) for one in found)
        return tuple(one for one in lines if one not in lost)

    def hold(self, connection: sa.Connection, kind: str, place: str, holder: str) -> Lease:
        """Return the right to touch a place; `holder` comes from `holding.name`.

        What a process held that was killed is free.

        Raises:
            Conflict: somebody else is at it.
        """
        resource = f"access {kind} {place}"
        before = self.leases.holder(connection, resource)
        if before and holding.is_gone(before):
            self.leases.release(connection, before)
        return self.leases.take(connection, resource, holder, _LEASE)

    def tell(
        self, connection: sa.Connection, kind: str, subject: str, data: Mapping[str, object]
    ) -> Entry:
        """Write to the ledger, and owe what somebody waits for to every channel."""
        entry = self.ledger.append(connection, kind, subject, data)
        if kind in TOLD and self.channels:
            self._owe(connection, Told(entry, data, Files(self.registry, self.today(), self.zone)))
        return entry

    def _owe(self, connection: sa.Connection, told: Told) -> None:
        notice = told.notice(connection)
        for channel in self.channels:
            body = told.body(channel, notice)
            if body is not None:
                key = f"{told.entry.kind}-{told.entry.hash[:24]}"
                self.outbox.owe(connection, key, channel, body)
