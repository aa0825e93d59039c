"""`monitor status`: how each service is now, worst first."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.errors import ExitCode
from opskit.core.interval import State
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.model import Registration, Spell
from opskit.monitor.store import spells, targets

_CODES = {State.DOWN: ExitCode.FINDINGS, State.UNKNOWN: ExitCode.UNDETERMINED}
_ORDER = (State.DOWN, State.UNKNOWN, State.DEGRADED, State.UP)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How a target is, since when, why, and when it was last tried."""

    target: str
    service: str
    owner: str
    state: State
    since: Instant | None
    reason: str
    last_at: Instant | None

    @property
    def exit_code(self) -> ExitCode:
        """Return what a command that shows it ends with."""
        return _CODES.get(self.state, ExitCode.OK)


def statuses(
    connection: sa.Connection, catalogue: Catalogue, now: Instant
) -> tuple[TargetStatus, ...]:
    """Return every target of the catalogue, worst first."""
    known, latest = targets.registrations(connection), spells.newest(connection)
    found = [
        _status(
            target,
            catalogue.services[target.service].owner,
            known.get(target.id),
            latest.get(target.id),
            now,
        )
        for target in catalogue.targets()
    ]
    return tuple(sorted(found, key=lambda status: (_ORDER.index(status.state), status.target)))


def _status(
    target: Target, owner: str, known: Registration | None, last: Spell | None, now: Instant
) -> TargetStatus:
    if known is None or last is None:
        return TargetStatus(
            target.id, target.service, owner, State.UNKNOWN, None, "never probed", None
        )
    state, since, reason = last.seen.state, known.seen_since, last.reason
    ends = last.holds_until
    if now >= ends:
        state, since, reason = State.UNKNOWN, ends, "not probed since"
    elif state is None:
        # One failure alone decides nothing: what was confirmed before it still stands.
        state = known.seen.state if known.seen else State.UNKNOWN
        reason = f"one failure, not confirmed: {reason}"
    return TargetStatus(
        target.id, target.service, owner, state or State.UNKNOWN, since, reason, last.last_at
    )
