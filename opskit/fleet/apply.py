"""`fleet apply`: make hosts as the standard says, and believe it only after looking again."""

from __future__ import annotations

import os
from dataclasses import dataclass

from opskit.core.clock import HOUR
from opskit.core.errors import ExitCode, worst
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.fleet.execute import execute
from opskit.fleet.journal import holder_name, reap
from opskit.fleet.model import Run
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible.door import Listener

# Longer than any apply should take; a run that dies gives its lease back when it is reaped.
_LEASE = 4 * HOUR
RESOURCE = "fleet"


@dataclass(frozen=True, slots=True)
class Applied:
    """An apply and the check that observed what it left."""

    change: Run
    observed: Run

    @property
    def exit_code(self) -> ExitCode:
        """Return failed if a host failed while being changed, else what the second look says."""
        failed = self.change.counts[Verdict.FAILED]
        return worst(
            [
                ExitCode.FAILED if failed else ExitCode.OK,
                self.change_reached,
                self.observed.exit_code,
            ]
        )

    @property
    def change_reached(self) -> ExitCode:
        """Return whether every host could be reached for the change."""
        lost = self.change.counts[Verdict.UNREACHABLE] or self.change.problem
        return ExitCode.UNDETERMINED if lost else ExitCode.OK


def apply(place: Workplace, request: Request, listen: Listener) -> Applied:
    """Change what differs, then check again.

    Raises:
        Conflict: another apply holds the fleet.
    """
    holder = holder_name(place.ledger.actor, os.getpid())
    reap(place)
    with place.database.write() as connection:
        lease = place.leases.take(connection, RESOURCE, holder, _LEASE)
    try:
        change = execute(place, request, Mode.APPLY, listen)
        observed = execute(place, request, Mode.CHECK, listen)
    finally:
        with place.database.write() as connection:
            place.leases.give_back(connection, lease)
    return Applied(change, observed)
