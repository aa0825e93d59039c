"""`monitor status`: how each service is now, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.core.clock import DAY, HOUR, Instant
from opskit.core.errors import ExitCode, worst
from opskit.core.interval import Interval, State, Stretch, Timeline, clip
from opskit.monitor.budget import Budget
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.dependence import causes
from opskit.monitor.model import HOLD, Registration, Spell
from opskit.monitor.store import gaps, spells, targets
from opskit.monitor.uptime import Past, ServiceUptime
from opskit.monitor.windows import window_of

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
    unseen, _ = gaps.within(connection, Interval(Instant(0), now))
    found = [
        _status(
            target,
            catalogue.services[target.service].owner,
            known.get(target.id),
            latest.get(target.id),
            unseen,
            now,
        )
        for target in catalogue.targets()
    ]
    return tuple(sorted(found, key=lambda status: (_ORDER.index(status.state), status.target)))


def _status(
    target: Target,
    owner: str,
    known: Registration | None,
    last: Spell | None,
    unseen: Sequence[Stretch],
    now: Instant,
) -> TargetStatus:
    if known is None or last is None:
        return TargetStatus(
            target.id, target.service, owner, State.UNKNOWN, None, "never probed", None
        )
    state, since, reason = last.seen.state, _since(known, last, unseen), last.reason
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


def _since(known: Registration, last: Spell, unseen: Sequence[Stretch]) -> Instant | None:
    """Return since when a state is known without a break: nobody vouches for a time unseen."""
    if known.seen_since is None:
        return None
    holds = int(HOLD * last.interval)
    ends = (one.end for one in unseen if one.length > holds and one.end <= last.last_at)
    return Instant(max(known.seen_since, *ends, 0))


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a service is: its last day hour by hour, what is left of its budget, who is to blame."""

    service: str
    owner: str
    state: State
    since: Instant
    reason: str
    day: tuple[State, ...]
    budgets: tuple[Budget, ...]
    because_of: tuple[str, ...]


def exit_code(found: Sequence[TargetStatus], whole: Sequence[ServiceStatus]) -> ExitCode:
    """Return what a command that shows both ends with; announced work is no finding."""
    excused = {one.service for one in whole if one.state is State.MAINTENANCE}
    codes = [one.exit_code for one in found if one.service not in excused]
    codes += [_CODES.get(one.state, ExitCode.OK) for one in whole]
    return worst(codes)


# What one cell of the last day shows of all that happened in it: the worst, however short.
_TELLING = (
    State.DOWN,
    State.DEGRADED,
    State.UNKNOWN,
    State.MAINTENANCE,
    State.UP,
    State.EXCLUDED,
)


def overview(
    connection: sa.Connection, catalogue: Catalogue, now: Instant, zone: ZoneInfo
) -> tuple[ServiceStatus, ...]:
    """Return every service of the catalogue, worst first."""
    zone = catalogue.timezone or zone
    starts = [
        window_of(promise, now, zone).start
        for service in catalogue.services.values()
        for promise in service.promises
    ]
    window = Interval(Instant(max(0, min([now - DAY, *starts]))), now)
    past = Past.read(connection, catalogue, window, zone)
    seen = [past.uptime(name) for name in catalogue.services]
    down = {one.service for one in seen if one.timeline[-1].state is State.DOWN}
    found = [
        _overview(one, past.budgets(one, now), causes(catalogue, one.service, down)) for one in seen
    ]
    return tuple(sorted(found, key=lambda one: (_TELLING.index(one.state), one.service)))


def _overview(
    seen: ServiceUptime, budgets: tuple[Budget, ...], because_of: tuple[str, ...]
) -> ServiceStatus:
    line, last = seen.timeline, seen.timeline[-1]
    run = list(takewhile(lambda one: one.state is last.state, reversed(line)))
    return ServiceStatus(
        service=seen.service,
        owner=seen.owner,
        state=last.state,
        since=run[-1].start,
        reason=last.reason,
        day=hours(line, last.end),
        budgets=budgets,
        because_of=because_of,
    )


def hours(line: Timeline, now: Instant) -> tuple[State, ...]:
    """Return the worst state of each of the last 24 hours, oldest first."""
    cells = []
    for back in range(24, 0, -1):
        start = Instant(now - back * HOUR)
        inside = clip(line, Interval(start, Instant(start + HOUR)))
        states = {one.state for one in inside} | ({State.EXCLUDED} if not inside else set())
        cells.append(min(states, key=_TELLING.index))
    return tuple(cells)
