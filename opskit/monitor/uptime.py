"""`monitor uptime` and `explain`: what a period was like for each service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

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
    fill,
    in_series,
)
from opskit.monitor import rules, store
from opskit.monitor.model import Catalogue, Registration


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
    refs: tuple[int, ...]

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


def uptimes(
    connection: sa.Connection, catalogue: Catalogue, window: Interval
) -> tuple[ServiceUptime, ...]:
    """Return every service of the catalogue over `window`, whose end is at most now."""
    known = store.registrations(connection)
    return tuple(
        _service(connection, catalogue, name, window, known) for name in catalogue.services
    )


def _service(
    connection: sa.Connection,
    catalogue: Catalogue,
    name: str,
    window: Interval,
    known: Mapping[str, Registration],
) -> ServiceUptime:
    service = catalogue.services[name]
    histories: list[rules.History] = []
    refs: set[int] = set()
    for target in catalogue.targets((name,)):
        registration = known.get(target.id)
        if registration is None:
            continue
        seen = store.observations(connection, target.id, window)
        pauses = store.pauses(connection, target.id)
        histories.append(rules.history(seen, registration, window, pauses))
        refs.add(registration.seq)
    flips = store.flips(connection, name, window)
    timeline = with_flips(in_series([history.timeline for history in histories]), flips)
    if not timeline:
        timeline = fill((), window, State.EXCLUDED, rules.NOT_YET)
    refs.update(ref for stretch in timeline for ref in stretch.refs)
    return ServiceUptime(
        service=name,
        owner=service.owner,
        kind=service.kind,
        objective=service.objective.availability if service.objective else None,
        window=window,
        timeline=timeline,
        availability=availability(timeline),
        blips=tuple(blip for history in histories for blip in history.blips),
        edge=Duration(sum(history.edge for history in histories)),
        refs=tuple(sorted(refs | flips.keys())),
    )


def with_flips(timeline: Timeline, flips: Mapping[int, Instant]) -> Timeline:
    """Return the timeline with each flip's ledger entry named by the outage it began or ended.

    The flip to down holds from the outage's first failure, the flip back from its end.
    """
    return tuple(
        replace(stretch, refs=tuple(sorted({*stretch.refs, *_within(stretch, flips)})))
        if stretch.state is State.DOWN
        else stretch
        for stretch in timeline
    )


def _within(stretch: Stretch, flips: Mapping[int, Instant]) -> Iterator[int]:
    return (seq for seq, at in flips.items() if stretch.start <= at <= stretch.end)
