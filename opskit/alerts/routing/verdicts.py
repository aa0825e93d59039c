"""Whether an alert is told of now, and why not: each reason is kept, so that it can be asked. Pure.

Silences, inhibition, times when nothing is said and an acknowledgement mute an alert: nobody new
is told. Quiet times and flapping hold it: it is told later. None of them ever keeps the end of an
alert from whoever was told of its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from opskit.alerts.routing.calendars import TimeInterval
from opskit.alerts.routing.flapping import Steadiness
from opskit.alerts.routing.matchers import Matcher, all_hold
from opskit.alerts.routing.tree import Route
from opskit.core.clock import Instant
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that an alerting rule found, told apart by its labels.

    `fingerprint` is of the labels; `ends_at` is None while it fires.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Instant
    ends_at: Instant | None = None

    def fires(self, now: Instant) -> bool:
        """Return whether it has not ended."""
        return self.ends_at is None or self.ends_at > now


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of alerts that match, for a time."""

    id: str
    matchers: tuple[Matcher, ...]
    interval: Interval
    by: str
    comment: str

    def holds(self, labels: Mapping[str, str], now: Instant) -> bool:
        """Return whether it silences an alert now."""
        return self.interval.holds(now) and all_hold(self.matchers, labels)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has an alert in hand, until a time: a forgotten one comes back then."""

    fingerprint: str
    by: str
    at: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While a source fires, targets with the same `equal` labels are not told of."""

    sources: tuple[Matcher, ...]
    targets: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def keeps(self, target: Alert, source: Alert) -> bool:
        """Return whether a firing source keeps a target; what is both keeps nothing like it."""
        if not all_hold(self.targets, target.labels) or not all_hold(self.sources, source.labels):
            return False
        both = all_hold(self.sources, target.labels) and all_hold(self.targets, source.labels)
        return not both and all(
            target.labels.get(name, "") == source.labels.get(name, "") for name in self.equal
        )


class Times(Protocol):
    """Some instants."""

    def holds(self, at: Instant) -> bool:
        """Return whether an instant is one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time in which only what passes is told at once: quiet hours, or a focus window."""

    name: str
    times: tuple[Times, ...]
    matchers: tuple[Matcher, ...]
    passes: tuple[Matcher, ...]

    def holds(self, labels: Mapping[str, str], now: Instant) -> bool:
        """Return whether an alert waits for its end."""
        return (
            all_hold(self.matchers, labels)
            and not all_hold(self.passes, labels)
            and any(one.holds(now) for one in self.times)
        )


class Reason(StrEnum):
    """Why an alert is not told of."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    DEPENDENT = "dependent"
    MUTED = "muted"
    INACTIVE = "inactive"
    ACKNOWLEDGED = "acknowledged"
    QUIET = "quiet"
    FLAPPING = "flapping"


_HOLDING = frozenset({Reason.QUIET, Reason.FLAPPING})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an alert is told of now; each reason against it with what it is about."""

    reasons: tuple[tuple[Reason, str], ...] = ()

    @property
    def told(self) -> bool:
        """Return whether it is told at once."""
        return not self.reasons

    @property
    def held(self) -> bool:
        """Return whether it is told later, by itself."""
        return bool(self.reasons) and all(reason in _HOLDING for reason, _ in self.reasons)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that decides whether an alert is told of, beside its route.

    `upstream` names for each service that is down for another's sake that other; `steadiness` is
    kept per fingerprint.
    """

    now: Instant
    firing: Sequence[Alert] = ()
    silences: Sequence[Silence] = ()
    acknowledged: Mapping[str, Acknowledgement] | None = None
    inhibitions: Sequence[Inhibition] = ()
    intervals: Mapping[str, TimeInterval] | None = None
    quiet: Sequence[Quiet] = ()
    upstream: Mapping[str, str] | None = None
    steadiness: Mapping[str, Steadiness] | None = None


def judged(alert: Alert, route: Route, now: Circumstances) -> Verdict:
    """Return whether an alert is told of on a route."""
    return Verdict(tuple(_reasons(alert, route, now)))


def _reasons(alert: Alert, route: Route, now: Circumstances) -> Iterator[tuple[Reason, str]]:
    for silence in now.silences:
        if silence.holds(alert.labels, now.now):
            yield Reason.SILENCED, f"silence {silence.id} of {silence.by}: {silence.comment}"
    yield from _kept(alert, now)
    yield from _timed(route, now)
    ack = (now.acknowledged or {}).get(alert.fingerprint)
    if ack is not None and alert.starts_at <= ack.at and now.now < ack.until:
        yield Reason.ACKNOWLEDGED, ack.by
    for quiet in now.quiet:
        if quiet.holds(alert.labels, now.now):
            yield Reason.QUIET, quiet.name
    steadiness = (now.steadiness or {}).get(alert.fingerprint)
    if steadiness is not None and steadiness.flaps:
        yield Reason.FLAPPING, f"{steadiness.percent} % of its last looks differ"


def _kept(alert: Alert, now: Circumstances) -> Iterator[tuple[Reason, str]]:
    """Yield the firing alerts that keep this one, and the service its own hangs on."""
    for rule in now.inhibitions:
        if not all_hold(rule.targets, alert.labels):
            continue
        source = next((one for one in now.firing if rule.keeps(alert, one)), None)
        if source is not None:
            yield Reason.INHIBITED, source.labels.get("alertname", source.fingerprint)
    above = (now.upstream or {}).get(alert.labels.get("service", ""))
    if above:
        yield Reason.DEPENDENT, above


def _timed(route: Route, now: Circumstances) -> Iterator[tuple[Reason, str]]:
    known = now.intervals or {}
    for name in route.muted_in:
        if known[name].holds(now.now):
            yield Reason.MUTED, name
    if route.active_in and not any(known[name].holds(now.now) for name in route.active_in):
        yield Reason.INACTIVE, ", ".join(route.active_in)
