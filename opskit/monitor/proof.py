"""What in the ledger shows how a period was: seals, registrations and flips."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import State, Stretch
from opskit.monitor.store import seals, targets
from opskit.monitor.uptime import ServiceUptime


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
    registered: dict[str, list[int]] = defaultdict(list)
    for one in targets.registrations(connection).values():
        if one.since < window.end:
            registered[one.service].append(one.seq)
    flips = targets.flips(connection, window)
    sealed = _Seals.of(seals.seals(connection, window))
    return tuple(
        _shown(one, sealed, registered.get(one.service, ()), flips.get(one.service, {}))
        for one in found
    )


def _shown(
    one: ServiceUptime, sealed: _Seals, registered: Sequence[int], flips: Mapping[int, Instant]
) -> ServiceUptime:
    timeline = tuple(
        replace(stretch, refs=tuple(sorted({*sealed.of_time(stretch), *_at(stretch, flips)})))
        for stretch in one.timeline
    )
    refs = {*registered, *flips, *(ref for stretch in timeline for ref in stretch.refs)}
    return replace(one, timeline=timeline, refs=tuple(sorted(refs)))


@dataclass(frozen=True, slots=True)
class _Seals:
    """Seals in the order of their ends, which is that of their beginnings too."""

    sealed: Sequence[seals.Seal]
    begins: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def of(cls, sealed: Sequence[seals.Seal]) -> _Seals:
        return cls(sealed, [one.since for one in sealed], [one.until for one in sealed])

    def of_time(self, stretch: Stretch) -> Iterator[int]:
        """Yield the seals in which a stretch begins and ends, if something was seen in it.

        Those between them are the ones between them in the ledger: each names the one before.
        """
        if stretch.state is State.EXCLUDED:
            return
        first = bisect_left(self.ends, stretch.start)
        last = bisect_left(self.begins, stretch.end) - 1
        if first <= last:
            yield self.sealed[first].seq
            yield self.sealed[last].seq


def _at(stretch: Stretch, flips: Mapping[int, Instant]) -> Iterator[int]:
    """Yield the flips that began or ended an outage.

    The flip to down holds from the outage's first failure, the flip back from its end.
    """
    if stretch.state is State.DOWN:
        yield from (seq for seq, at in flips.items() if stretch.start <= at <= stretch.end)
