"""Who leads: one process of those that serve the same database; the others wait for its lease."""

from __future__ import annotations

import os
import secrets
import socket

from opskit.core.clock import SECOND, Clock
from opskit.core.errors import Conflict, OpskitError
from opskit.core.text import clean
from opskit.outside.database import Database
from opskit.records.leases import Lease, Leases

RESOURCE = "serve"
# Who is gone is replaced after this; who leads extends it three times as often.
LENGTH = 15 * SECOND
EXTEND = LENGTH // 3


class Leadership:
    """Takes and keeps the lead of one database, under a name that no other process has."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._leases = Leases(clock)
        self.name = f"{clean(socket.gethostname())}:{os.getpid()}:{secrets.token_hex(4)}"
        self._extended = clock.monotonic()

    def take(self) -> Lease | None:
        """Return the lead, or nothing while another process has it.

        Raises:
            OutsideError: the database cannot be written now.
        """
        try:
            with self._database.write() as connection:
                lease = self._leases.take(connection, RESOURCE, self.name, LENGTH)
        except Conflict:
            return None
        self._extended = self._clock.monotonic()
        return lease

    def keep(self, lease: Lease) -> bool:
        """Extend the lead when it is time to; return whether this process still has it.

        Raises:
            OutsideError: the database cannot be written now.
        """
        now = self._clock.monotonic()
        if now - self._extended < EXTEND:
            return True
        with self._database.write() as connection:
            kept = self._leases.extend(connection, lease, LENGTH)
        self._extended = now
        return kept

    def give_back(self, lease: Lease) -> None:
        """Let another process lead at once; if that cannot be written, it will wait a little."""
        try:
            with self._database.write() as connection:
                self._leases.give_back(connection, lease)
        except OpskitError:
            pass  # it ends by itself
