"""`monitor uptime` and `explain`: what a period was like for each service."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import sqlalchemy as sa

from opskit.core.clock import Duration
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
    overlay,
)
from opskit.monitor import rules
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Registration, Spell
from opskit.monitor.store import gaps, seals, spells, targets


@dataclass(frozen=True, slots=True)
class ServiceUptime:
    """A service's period. `edge` is how far its outage edges may be off, all together."""

    service: str
    owner: str
    kind: str
    objective: Fraction | None
    window: Interval
    timeline: Timeline
    availability: Availability
    blips: tuple[Blip, ...]
    edge: Duration
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
        """Return whether the objective was met; nothing where it cannot be said."""
        return self.availability.meets(self.objective, self.edge)


@dataclass(frozen=True)
class Seen:
    """All that is stored of a window: read once, for however many services."""

    window: Interval
    registrations: Mapping[str, Registration]
    spells: Mapping[str, Sequence[Spell]]
    pauses: Mapping[str, Sequence[Interval]]
    unseen: Sequence[Stretch]
    ambiguous: Sequence[Stretch]

    @classmethod
    def read(
        cls, connection: sa.Connection, window: Interval, only: Collection[str] | None = None
    ) -> Seen:
        """Return what is stored of a window, of all targets or of some."""
        unseen, ambiguous = gaps.within(connection, window)
        return cls(
            window,
            targets.registrations(connection),
            spells.within(connection, window, only),
            targets.pauses(connection),
            unseen,
            ambiguous,
        )

    def history(self, target: str) -> rules.History | None:
        """Return what the window was like for a target; nothing if it was never watched."""
        registration = self.registrations.get(target)
        if registration is None:
            return None
        found = rules.history(
            self.spells.get(target, ()),
            registration,
            self.window,
            self.pauses.get(target, ()),
            self.unseen,
        )
        if not self.ambiguous:
            return found
        twice = clip(self.ambiguous, self.window)
        return replace(found, timeline=overlay(found.timeline, twice))


def uptimes(
    connection: sa.Connection,
    catalogue: Catalogue,
    window: Interval,
    names: Collection[str] | None = None,
) -> tuple[ServiceUptime, ...]:
    """Return every service of the catalogue, or some, over `window`, whose end is at most now."""
    wanted = tuple(catalogue.services) if names is None else tuple(names)
    only = None if names is None else {one.id for one in catalogue.targets(wanted)}
    seen = Seen.read(connection, window, only)
    return tuple(_service(catalogue, name, seen) for name in wanted)


def _service(catalogue: Catalogue, name: str, seen: Seen) -> ServiceUptime:
    service = catalogue.services[name]
    found = [seen.history(target.id) for target in catalogue.targets((name,))]
    histories = [one for one in found if one is not None]
    timeline = in_series([history.timeline for history in histories])
    if not timeline:
        timeline = fill((), seen.window, State.EXCLUDED, rules.NOT_YET)
    return ServiceUptime(
        service=name,
        owner=service.owner,
        kind=service.kind,
        objective=service.objective.availability if service.objective else None,
        window=seen.window,
        timeline=timeline,
        availability=availability(timeline),
        blips=tuple(blip for history in histories for blip in history.blips),
        edge=Duration(sum(history.edge for history in histories)),
    )


def evidenced(
    connection: sa.Connection, found: Sequence[ServiceUptime]
) -> tuple[ServiceUptime, ...]:
    """Return the same, with the ledger entries that show each stretch and the whole.

    These are the seals of its time, the registrations of its targets, and the flips at which it
    changed.
    """
    if not found:
        return ()
    window = found[0].window
    sealed = seals.seals(connection, window)
    registered = targets.registrations(connection).values()
    return tuple(
        _evidenced(one, sealed, registered, targets.flips(connection, one.service, window))
        for one in found
    )


def _evidenced(
    one: ServiceUptime,
    sealed: Sequence[seals.Seal],
    registered: Collection[Registration],
    flips: Mapping[int, int],
) -> ServiceUptime:
    timeline = tuple(
        replace(stretch, refs=tuple(sorted({*_sealing(stretch, sealed), *_at(stretch, flips)})))
        for stretch in one.timeline
    )
    own = (target.seq for target in registered if target.service == one.service)
    refs = {*own, *flips, *(ref for stretch in timeline for ref in stretch.refs)}
    return replace(one, timeline=timeline, refs=tuple(sorted(refs)))


def _sealing(stretch: Stretch, sealed: Sequence[seals.Seal]) -> Iterator[int]:
    """Yield the seals that speak of a stretch in which something was seen."""
    if stretch.state is State.EXCLUDED:
        return
    yield from (one.seq for one in sealed if one.since < stretch.end and one.until >= stretch.start)


def _at(stretch: Stretch, flips: Mapping[int, int]) -> Iterator[int]:
    """Yield the flips that began or ended an outage.

    The flip to down holds from the outage's first failure, the flip back from its end.
    """
    if stretch.state is State.DOWN:
        yield from (seq for seq, at in flips.items() if stretch.start <= at <= stretch.end)
