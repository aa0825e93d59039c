"""`monitor uptime` and `explain`: what a period was like for each service."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.core.clock import Duration, Instant
from opskit.core.evidence import Blip
from opskit.core.interval import (
    Availability,
    Interval,
    State,
    Stretch,
    Timeline,
    availability,
    clip,
    fill,
    in_series,
    join,
    overlay,
    redundant,
)
from opskit.monitor import rules, windows
from opskit.monitor.budget import Budget, budget, unspent
from opskit.monitor.catalogue import AnyOf, Catalogue, Need, Service
from opskit.monitor.model import Registration, Spell
from opskit.monitor.policy import OPSKIT, Policy, in_words
from opskit.monitor.store import gaps, maintenance, spells, targets
from opskit.monitor.store.maintenance import Maintenance
from opskit.outside.database import uncollected

# What was seen of each part of a service, by the part's name.
Histories = Mapping[str, Sequence[rules.History]]


@dataclass(frozen=True, slots=True)
class ServiceUptime:
    """A service's period. `edge` is how far its outage edges may be off, all together.

    `blind` says why its looks cannot show that the objective was met; empty where they can.
    """

    service: str
    owner: str
    kind: str
    objective: Fraction | None
    window: Interval
    timeline: Timeline
    availability: Availability
    blips: tuple[Blip, ...]
    edge: Duration
    blind: str = ""
    policy: Policy = OPSKIT
    refs: tuple[int, ...] = ()

    @property
    def outages(self) -> int:
        """Return how many separate times it was down."""
        states = [stretch.state for stretch in self.timeline]
        return sum(
            state is State.DOWN and (index == 0 or states[index - 1] is not State.DOWN)
            for index, state in enumerate(states)
        )

    @property
    def met(self) -> bool | None:
        """Return whether the objective was met; nothing where it cannot be said.

        Looks too far apart for what was promised can show that it was missed, and never that it
        was met.
        """
        met = self.availability.meets(self.objective, self.edge)
        return None if met and self.blind else met


@dataclass(frozen=True)
class Past:
    """All that is stored of a window: read once, for however many services and policies."""

    catalogue: Catalogue
    window: Interval
    zone: ZoneInfo
    registrations: Mapping[str, Registration]
    spells: Mapping[str, Sequence[Spell]]
    pauses: Mapping[str, Sequence[Interval]]
    unseen: Sequence[Stretch]
    ambiguous: Sequence[Stretch]
    maintenance: Sequence[Maintenance]

    @classmethod
    def read(
        cls,
        connection: sa.Connection,
        catalogue: Catalogue,
        window: Interval,
        zone: ZoneInfo,
        names: Collection[str] | None = None,
        as_of: int | None = None,
    ) -> Past:
        """Return what is stored of a window, of all services or of some; it ends now at most.

        `as_of` leaves out what came too late for the ledger up to that entry.
        """
        only = None
        if names is not None:
            needed = windows.parts(catalogue, *names)
            only = {one.id for one in catalogue.targets(needed)}
        unseen, ambiguous = gaps.within(connection, window)
        return cls(
            catalogue=catalogue,
            window=window,
            zone=catalogue.timezone or zone,
            registrations=targets.registrations(connection, only),
            spells=spells.within(connection, window, only, as_of),
            pauses=targets.pauses(connection),
            unseen=unseen,
            ambiguous=clip(ambiguous, window),
            maintenance=maintenance.within(connection, window),
        )

    def uptime(self, name: str, policy: Policy = OPSKIT) -> ServiceUptime:
        """Return what the window was like for a service, by a policy."""
        service = self.catalogue.services[name]
        names = windows.parts(self.catalogue, name)
        own = {part: self._histories(part, policy) for part in names}
        timeline = self._timeline(name, policy, own)
        # What it is made of may be off by as much as each of them.
        parts = [history for found in own.values() for history in found]
        return ServiceUptime(
            service=name,
            owner=service.owner,
            kind=service.kind,
            objective=service.promised,
            window=self.window,
            timeline=timeline,
            availability=availability(timeline, policy.accounting),
            blips=tuple(blip for history in parts for blip in history.blips),
            edge=Duration(sum(history.edge for history in parts)),
            blind=windows.too_coarse(self.catalogue, name),
            policy=policy,
        )

    def budgets(self, of: ServiceUptime, now: Instant) -> tuple[Budget, ...]:
        """Return the budget of each objective of a service; the window must hold theirs."""
        name, policy = of.service, of.policy
        service = self.catalogue.services[name]
        found = []
        for promise in service.promises:
            whole = windows.window_of(promise, now, self.zone)
            so_far = Interval(whole.start, Instant(min(now, whole.end)))
            timeline = clip(of.timeline, so_far)
            planned = tuple(self._planned(name, service, policy, whole))
            ahead = unspent(whole, now, planned)
            found.append(budget(promise, whole, timeline, ahead, self.zone, policy))
        return tuple(found)

    def _histories(self, name: str, policy: Policy) -> list[rules.History]:
        resolve = rules.first_failure if policy.failures == "first" else rules.confirmed
        return [
            rules.history(
                self.spells.get(target.id, ()),
                registration,
                self.window,
                self.pauses.get(target.id, ()),
                self.unseen,
                resolve,
            )
            for target in self.catalogue.targets((name,))
            if (registration := self.registrations.get(target.id)) is not None
        ]

    def _timeline(self, name: str, policy: Policy, own: Histories) -> Timeline:
        service = self.catalogue.services[name]
        needed = [history.timeline for history in own[name]]
        needed += [self._need(need, policy, own) for need in service.made_of]
        timeline = in_series(needed) or fill((), self.window, State.EXCLUDED, rules.NOT_YET)
        out = [*self.ambiguous, *self._planned(name, service, policy, self.window)]
        timeline = overlay(timeline, out) if out else timeline
        return without_short(timeline, policy.shorter_than) if policy.shorter_than else timeline

    def _need(self, need: Need, policy: Policy, own: Histories) -> Timeline:
        if isinstance(need, AnyOf):
            found = [self._need(name, policy, own) for name in need.any_of]
            return redundant(found, need.needed)
        return self._timeline(need, policy, own)

    def _planned(
        self, name: str, service: Service, policy: Policy, window: Interval
    ) -> Iterator[Stretch]:
        """Yield the times that a policy does not hold against a service."""
        if policy.hours == "honored":
            yield from windows.out_of_hours(service, window, self.zone)
        if policy.maintenance == "excluded":
            yield from windows.recurring(self.catalogue, name, window, self.zone)
            for one in self.maintenance:
                if one.service == name:
                    at = one.interval
                    announced = Stretch(at.start, at.end, State.MAINTENANCE, one.reason)
                    yield from clip((announced,), window)


def without_short(timeline: Timeline, limit: int) -> Timeline:
    """Return the timeline with outages shorter than `limit` counted as up."""
    return join(
        replace(one, state=State.UP, beneath=State.DOWN)
        if one.state is State.DOWN and one.length < limit
        else one
        for one in joined_by_state(timeline)
    )


def joined_by_state(timeline: Timeline) -> Iterator[Stretch]:
    """Yield outages whole, whatever different reasons their parts have."""
    for state, group in groupby(timeline, lambda one: one.state):
        run = list(group)
        if state is State.DOWN and len(run) > 1:
            refs = tuple(sorted({ref for one in run for ref in one.refs}))
            yield replace(run[0], end=run[-1].end, refs=refs)
        else:
            yield from run


def uptimes(
    connection: sa.Connection,
    catalogue: Catalogue,
    window: Interval,
    zone: ZoneInfo,
    names: Collection[str] | None = None,
    policy: Policy = OPSKIT,
) -> tuple[ServiceUptime, ...]:
    """Return every service of the catalogue, or some, over `window`, whose end is at most now."""
    wanted = tuple(catalogue.services) if names is None else tuple(names)
    with uncollected():
        past = Past.read(connection, catalogue, window, zone, names)
        return tuple(past.uptime(name, policy) for name in wanted)


@dataclass(frozen=True, slots=True)
class Difference:
    """What one rule of another policy does to an availability."""

    rule: str
    here: str
    there: str
    change: Fraction | None


def compared(past: Past, name: str, base: Policy, other: Policy) -> tuple[Difference, ...]:
    """Return what makes two policies differ over a service, each rule by itself.

    The changes need not sum to the whole: one rule may take away what another would have counted.
    """
    value = past.uptime(name, base).availability.value
    found = []
    for rule in base.differences(other):
        changed = past.uptime(name, base.with_rule(rule, other)).availability.value
        change = None if value is None or changed is None else changed - value
        found.append(Difference(rule, in_words(base, rule), in_words(other, rule), change))
    return tuple(found)
