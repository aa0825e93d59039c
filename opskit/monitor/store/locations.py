"""What other locations saw of targets: they are asked only when a failure was confirmed here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.interval import Interval
from opskit.monitor.model import Seen, Spell
from opskit.monitor.store.spells import SERIES, SPELLS

_SPELL = ("began_at", "last_at", "interval", "seen", "reason")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A run of looks from one location that all saw the same."""

    target: str
    location: str
    spell: Spell


def sightings(
    connection: sa.Connection, window: Interval, targets: Collection[str]
) -> tuple[Sighting, ...]:
    """Return what other locations saw of these targets within a window, in order of time."""
    elsewhere = (SERIES.c.location != "", SERIES.c.target.in_(targets))
    whose = (SERIES.c.target, SERIES.c.location)
    newest = sa.select(*whose, *(SERIES.c[name] for name in _SPELL)).where(*elsewhere)
    kept = (
        sa.select(*whose, *(SPELLS.c[name] for name in _SPELL))
        .join(SERIES, SERIES.c.id == SPELLS.c.series)
        .where(*elsewhere)
    )
    every = sa.union_all(newest, kept).subquery()
    query = sa.select(every).where(every.c.last_at >= window.start, every.c.began_at < window.end)
    rows = connection.execute(query.order_by(every.c.began_at, every.c.target, every.c.location))
    return tuple(_sighting(row) for row in rows)


def _sighting(row: Any) -> Sighting:  # noqa: ANN401  # a row of the query
    target, location, began, last, interval, seen, reason = row
    return Sighting(target, location, Spell(began, last, interval, Seen(seen), reason))
