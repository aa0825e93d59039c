"""One turn of the router: alerts in, messages owed out, and what is remembered. Pure.

The same alerts at the same time with the same memory give the same messages with the same keys,
so that a turn that was cut off can be done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field, replace

from opskit.alerts.routing.calendars import TimeInterval
from opskit.alerts.routing.flapping import Steadiness
from opskit.alerts.routing.groups import (
    Destinations,
    Group,
    GroupKey,
    Look,
    Notice,
    Occasion,
    Recipients,
    Step,
    Told,
    due_at,
    is_over,
    looked_at,
)
from opskit.alerts.routing.tree import Route
from opskit.alerts.routing.verdicts import (
    Acknowledgement,
    Alert,
    Circumstances,
    Inhibition,
    Quiet,
    Reason,
    Silence,
    Verdict,
    judged,
)
from opskit.core.clock import NOTHING, Instant


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that was held in a quiet time, for the digest after it."""

    key: GroupKey
    receiver: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class Memory:
    """What the router knows from one turn to the next. `digests` counts those that were sent."""

    groups: Mapping[GroupKey, Group] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    steadiness: Mapping[str, Steadiness] = field(default_factory=dict)
    digests: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """What is at the time of a turn, and what people said of it.

    `alerts` are all that fire, and those that are over and that somebody may have been told of.
    `upstream` names for a service that on which it hangs and that is down; `focus` are quiet times
    beside those of the routes file.
    """

    now: Instant
    alerts: Sequence[Alert]
    silences: Sequence[Silence] = ()
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)
    focus: Sequence[Quiet] = ()


@dataclass(frozen=True, slots=True)
class Router:
    """How alerts are routed, as `alerts/routes.yaml` says."""

    tree: Route
    escalations: Mapping[str, tuple[Step, ...]]
    inhibitions: tuple[Inhibition, ...]
    intervals: Mapping[str, TimeInterval]
    quiet: tuple[Quiet, ...]
    silent_ends: frozenset[str]

    def turn(
        self, memory: Memory, here: Situation, recipients: Recipients
    ) -> tuple[Memory, tuple[Notice, ...]]:
        """Return what is remembered after a turn, and the messages that are owed."""
        members = self._members(memory, here)
        left = _left_behind(memory, members, here, self.tree)
        members |= left
        memory = _waited(memory, members)
        memory, notices = self._digested(memory, here, recipients)
        groups: dict[GroupKey, Group] = {}
        for key, (route, alerts) in members.items():
            group = memory.groups.get(key) or _begun(key, route, alerts, here.now)
            look = self._look(group, route, alerts, here, recipients)
            group, said = looked_at(group, look)
            notices += said
            if not is_over(group, (one for one, _ in alerts), here.now):
                groups[key] = group
        return replace(memory, groups=_relieved(groups, left.keys())), notices

    def _digested(
        self, memory: Memory, here: Situation, recipients: Recipients
    ) -> tuple[Memory, tuple[Notice, ...]]:
        """Return the memory after the digests that are due, one for each receiver.

        What a silence or another reason still keeps when the quiet time ends is left to its group.
        """
        circumstances = self._circumstances(memory, here)
        routes = {one.name: one for one in _nodes(self.tree)}
        left: list[Waiting] = []
        due: dict[str, list[Waiting]] = {}
        for one in _still(memory.waiting, here, routes.keys()):
            route = routes.get(one.key.route)
            verdict = Verdict() if route is None else judged(one.alert, route, circumstances)
            if any(reason is Reason.QUIET for reason, _ in verdict.reasons):
                left.append(one)
            elif verdict.told:
                due.setdefault(one.receiver, []).append(one)
        groups = dict(memory.groups)
        notices: list[Notice] = []
        for receiver, waited in sorted(due.items()):
            to = recipients(receiver)
            if not to:
                left += waited
                continue
            number = memory.digests + len(notices) + 1
            notices.append(_digest(number, receiver, to, waited, here.now))
            for one in waited:
                group = groups.get(one.key) or Group(one.key, here.now, here.now)
                groups[one.key] = _knowing(group, one, to, here.now)
        count = memory.digests + len(notices)
        after = replace(memory, groups=groups, waiting=tuple(left), digests=count)
        return after, tuple(notices)

    def ends(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """Return the nodes of the tree that an alert goes to."""
        return tuple(self.tree.taken(labels))

    def judged(
        self, alert: Alert, memory: Memory, here: Situation
    ) -> tuple[tuple[Route, Verdict], ...]:
        """Return for each node an alert goes to whether it is told of there, and why not."""
        circumstances = self._circumstances(memory, here)
        return tuple((one, judged(alert, one, circumstances)) for one in self.ends(alert.labels))

    def due_at(self, memory: Memory) -> Instant | None:
        """Return when a group has to be looked at next; None where there is none."""
        routes = {one.name: one for one in _nodes(self.tree)}
        times = (
            due_at(one, self._steps(routes[key.route]))
            for key, one in memory.groups.items()
            if key.route in routes
        )
        return min(times, default=None)

    def looks_after(self, memory: Memory) -> AbstractSet[str]:
        """Return the alerts whose end comes to a group that is looked at by itself."""
        routes = {one.name for one in _nodes(self.tree)}
        kept = (one.told for key, one in memory.groups.items() if key.route in routes)
        return {name for told in kept for name in told}

    def _steps(self, route: Route) -> tuple[Step, ...]:
        return self.escalations.get(route.escalation, ())

    def _circumstances(self, memory: Memory, here: Situation) -> Circumstances:
        return Circumstances(
            now=here.now,
            firing=tuple(one for one in here.alerts if one.fires(here.now)),
            silences=here.silences,
            acknowledged=here.acknowledged,
            inhibitions=self.inhibitions,
            intervals=self.intervals,
            quiet=(*self.quiet, *here.focus),
            upstream=here.upstream,
            steadiness=memory.steadiness,
        )

    def _members(
        self, memory: Memory, here: Situation
    ) -> dict[GroupKey, tuple[Route, list[tuple[Alert, Verdict]]]]:
        """Return the alerts of each group with their verdicts; a group without any is no more."""
        circumstances = self._circumstances(memory, here)
        members: dict[GroupKey, tuple[Route, list[tuple[Alert, Verdict]]]] = {}
        for alert in sorted(here.alerts, key=lambda one: one.fingerprint):
            for route in self.ends(alert.labels):
                key = GroupKey(route.name, route.grouped(alert.labels))
                _, found = members.setdefault(key, (route, []))
                found.append((alert, judged(alert, route, circumstances)))
        return members

    def _look(
        self,
        group: Group,
        route: Route,
        alerts: list[tuple[Alert, Verdict]],
        here: Situation,
        recipients: Recipients,
    ) -> Look:
        forgotten = frozenset(
            one.fingerprint
            for one in here.acknowledged.values()
            if group.told_at is not None and group.told_at < one.until <= here.now
        )
        return Look(
            now=here.now,
            route=route,
            alerts=alerts,
            recipients=recipients,
            silent_end=route.receiver in self.silent_ends,
            steps=self._steps(route),
            forgotten=forgotten,
        )


Members = Mapping[GroupKey, tuple[Route, list[tuple[Alert, Verdict]]]]
_NO_ROUTE = Verdict(((Reason.INACTIVE, "its route is not in the routes file any more"),))


def _left_behind(memory: Memory, members: Members, here: Situation, tree: Route) -> Members:
    """Return groups whose route is gone: whoever heard of a beginning there hears of its end."""
    known = {one.fingerprint: one for one in here.alerts}
    at_once = replace(tree, group_interval=NOTHING, escalation="")
    return {
        key: (at_once, [(known[name], _NO_ROUTE) for name in group.told if name in known])
        for key, group in memory.groups.items()
        if key not in members and any(name in known for name in group.told)
    }


def _relieved(
    groups: Mapping[GroupKey, Group], left: AbstractSet[GroupKey]
) -> Mapping[GroupKey, Group]:
    """Return groups, of which those left behind keep nobody who heard the same of another since."""
    live = [group for key, group in groups.items() if key not in left]
    return {key: _rest(group, live) if key in left else group for key, group in groups.items()}


def _rest(group: Group, live: Sequence[Group]) -> Group:
    told: dict[str, Told] = {}
    for name, one in group.told.items():
        others = (found for each in live if (found := each.told.get(name)) is not None)
        heard = {to for other in others if other.episode == one.episode for to in other.to}
        if one.to - heard:
            told[name] = replace(one, to=one.to - heard)
    return replace(group, told=told)


def _begun(
    key: GroupKey, route: Route, alerts: Sequence[tuple[Alert, Verdict]], now: Instant
) -> Group:
    """Return a new group; one whose alerts have waited long enough elsewhere is told at once."""
    first = min(one.starts_at for one, _ in alerts)
    return Group(key, now, Instant(max(now, min(first, now) + route.group_wait)))


def _still(
    waiting: Sequence[Waiting], here: Situation, routes: AbstractSet[str]
) -> Iterator[Waiting]:
    """Yield what waits; what fires, and whose route is gone, is news where it belongs now."""
    known = {one.fingerprint: one for one in here.alerts}
    for one in waiting:
        alert = known.get(one.alert.fingerprint, one.alert)
        if one.key.route in routes:
            yield one
        elif not alert.fires(here.now):
            yield replace(one, alert=alert)


def _waited(memory: Memory, members: Members) -> Memory:
    """Return what waits for the end of a quiet time, as it is now."""
    waiting = {(one.key, one.alert.fingerprint): one for one in memory.waiting}
    for key, (route, alerts) in members.items():
        group = memory.groups.get(key)
        for alert, verdict in alerts:
            place = (key, alert.fingerprint)
            told = group is not None and alert.fingerprint in group.told
            if place in waiting or (_is_quiet(verdict) and alert.ends_at is None and not told):
                waiting[place] = Waiting(key, route.receiver, alert)
    return replace(memory, waiting=tuple(waiting.values()))


def _is_quiet(verdict: Verdict) -> bool:
    return verdict.held and any(reason is Reason.QUIET for reason, _ in verdict.reasons)


def _digest(
    number: int, receiver: str, to: Destinations, waited: Sequence[Waiting], now: Instant
) -> Notice:
    """Return one message of all that was held for a receiver, also of what is over by now."""
    alerts = {one.alert.fingerprint: one.alert for one in waited}.values()
    firing = tuple(one for one in alerts if one.fires(now))
    over = tuple(one for one in alerts if not one.fires(now))
    return Notice(f"digest:{receiver}#{number}", None, Occasion.DIGEST, to, firing, over)


def _knowing(group: Group, waited: Waiting, to: Destinations, now: Instant) -> Group:
    """Return a group whose alert was told in a digest: it is no news any more."""
    alert = waited.alert
    if not alert.fires(now):
        return group
    told = {**group.told, alert.fingerprint: Told(alert.starts_at, to)}
    return replace(group, told=told, told_at=now, open_since=group.open_since or now)


def _nodes(route: Route) -> Iterator[Route]:
    yield route
    for one in route.below:
        yield from _nodes(one)
