"""`monitor uptime` and `explain`: what a period was like for each service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sqlalchemy as sa

from opskit.core.clock import Duration
from opskit.core.evidence import Blip
from opskit.core.interval import (
    Availability,
    Interval,
    State,
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
        return self.availability.meets(self.objective)


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
    histories, refs = [], set()
    for target in catalogue.targets((name,)):
        registration = known.get(target.id)
        if registration is None:
            continue
        seen = store.observations(connection, target.id, window)
        histories.append(rules.history(seen, registration, window))
        refs.add(registration.seq)
    timeline = in_series([history.timeline for history in histories])
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
        refs=tuple(sorted(refs | store.flips(connection, name, window))),
    )
