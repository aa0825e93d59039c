"""Times on call that somebody took over by a command, as the table has them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from opskit.alerts.routing.rota import Shift
from opskit.alerts.store.tables import SHIFTS
from opskit.core.clock import Instant
from opskit.core.interval import Interval


def keep(connection: sa.Connection, rota: str, shift: Shift) -> None:
    """Write that somebody takes a time of a rota; what was taken before gives way to it."""
    start, end = shift.interval.start, shift.interval.end
    values = {"rota": rota, "person": shift.person, "start_at": start, "end_at": end}
    connection.execute(sa.insert(SHIFTS).values(values))


def taken(connection: sa.Connection, since: Instant) -> Mapping[str, tuple[Shift, ...]]:
    """Return what was taken over and ends after an instant, by rota, in the order of taking."""
    found: dict[str, tuple[Shift, ...]] = {}
    rows = sa.select(SHIFTS).where(SHIFTS.c.end_at > since).order_by(SHIFTS.c.id)
    for row in connection.execute(rows):
        shift = Shift(Interval(row.start_at, row.end_at), row.person)
        found[row.rota] = (*found.get(row.rota, ()), shift)
    return found
