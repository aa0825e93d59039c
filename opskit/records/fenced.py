"""A database that only the holder of a lease writes to.

Each write looks at the lease in its own transaction. Who slept past its end and was replaced is
refused, whatever it had in hand; who was replaced by nobody goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from opskit.core.errors import Refused
from opskit.outside.database import Database
from opskit.records.leases import Lease, Leases


class LostLead(Refused):
    """Another process took over; nothing was written."""


class Fenced(Database):
    """The same database, for the holder of `lease`."""

    def __init__(self, url: str, leases: Leases, lease: Lease) -> None:
        super().__init__(url)
        self._leases = leases
        self._lease = lease

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield a connection whose changes are all kept, or none.

        Raises:
            LostLead: another process holds the lease now.
        """
        with super().write() as connection:
            if not self._leases.is_newest(connection, self._lease):
                raise LostLead(f"another opskit took over {self._lease.resource}")
            yield connection
