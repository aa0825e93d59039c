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
    """Return what fired as the router takes it: each alert once, whoever told of it.

    Two rules, or two senders, may find alerts of the same name and labels, which nobody can tell
    apart. As long as either goes on it is one alert, which began with the first.
    """
    found: dict[str, list[Firing]] = {}
    for one in opened:
        if one.starts_at is not None:
            found.setdefault(one.fingerprint, []).append(one)
    return tuple(_last(some) for some in found.values())


def _last(some: Iterable[Firing]) -> Alert:
    """Return the last alert that firings of one name make up."""
    run: list[Firing] = []
    for one in sorted(some, key=_begun):
        run = [*run, one] if any(_overlap(other, one) for other in run) else [one]
    ends = [one.ends_at for one in run if one.ends_at is not None]
    shown = next((one for one in run if one.ends_at is None), run[-1])
    return Alert(
        shown.fingerprint, shown.labels, shown.annotations, _begun(run[0]),
        max(ends) if len(ends) == len(run) else None,
    )  # fmt: skip


def _begun(one: Firing) -> Instant:
    return one.since if one.starts_at is None else one.starts_at


def _overlap(one: Firing, later: Firing) -> bool:
    """Return whether no time was between them; the same that ends and begins is told again."""
    if one.ends_at is None or _begun(later) < one.ends_at:
        return True
    same = (one.source, one.rule) == (later.source, later.rule)
    return _begun(later) == one.ends_at and not same


def settled(opened: Iterable[Firing], memory: Memory, now: Instant) -> tuple[int, ...]:
    """Return the numbers of those that are over, and of whose end nobody has yet to hear."""
    told = {name for group in memory.groups.values() for name in group.told}
    waited = {one.alert.fingerprint for one in memory.waiting}
    return tuple(
        one.id
        for one in opened
        if one.ends_at is not None and one.ends_at <= now and one.fingerprint not in told | waited
    )
