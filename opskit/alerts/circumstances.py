"""What there is when alerts are routed: what fires, what people said of it, what is down above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.alerts.firing import Firing
from opskit.alerts.routing.router import Memory, Situation
from opskit.alerts.routing.verdicts import Alert, Quiet
from opskit.alerts.store import said
from opskit.core.clock import DAY, Instant


def _nothing() -> Mapping[str, str]:
    return {}


def _none() -> Sequence[Quiet]:
    return ()


@dataclass(frozen=True, slots=True)
class Around:
    """What other slices know: for each service the one above it that is down, and focus windows."""

    upstream: Callable[[], Mapping[str, str]] = _nothing
    focus: Callable[[], Sequence[Quiet]] = _none


def situation(
    connection: sa.Connection, opened: Iterable[Firing], around: Around, now: Instant
) -> Situation:
    """Return what there is now; `opened` are the alerts that are not settled."""
    alerts = as_alerts(opened)
    # An acknowledgement that ran out since is still needed: its alert comes back then.
    acknowledged = said.acknowledgements(connection, Instant(now - DAY))
    # Only what something hangs on is asked for.
    above = around.upstream() if any("service" in one.labels for one in alerts) else {}
    return Situation(
        now=now,
        alerts=alerts,
        silences=tuple(one.silence for one in said.silences(connection, now)),
        acknowledged={one.fingerprint: one for one in acknowledged},
        upstream=above,
        focus=around.focus(),
    )


def as_alerts(opened: Iterable[Firing]) -> tuple[Alert, ...]:
    """Return what fired as the router takes it: each alert once, whoever told of it."""
    found: dict[str, Alert] = {}
    for one in opened:
        if one.starts_at is None:
            continue
        alert = Alert(one.fingerprint, one.labels, one.annotations, one.starts_at, one.ends_at)
        known = found.get(one.fingerprint)
        if known is None or _goes_first(alert, known):
            found[one.fingerprint] = alert
    return tuple(found.values())


def _goes_first(one: Alert, other: Alert) -> bool:
    """Return whether this one is shown rather than the other: what fires, then what began last."""
    if (one.ends_at is None) != (other.ends_at is None):
        return one.ends_at is None
    return one.ends_at is not None and one.starts_at > other.starts_at


def settled(opened: Iterable[Firing], memory: Memory, now: Instant) -> tuple[int, ...]:
    """Return the numbers of those that are over, and of whose end nobody has yet to hear."""
    told = {name for group in memory.groups.values() for name in group.told}
    waited = {one.alert.fingerprint for one in memory.waiting}
    return tuple(
        one.id
        for one in opened
        if one.ends_at is not None and one.ends_at <= now and one.fingerprint not in told | waited
    )
