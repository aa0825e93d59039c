"""Alerts that others told of, as the table has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import sqlalchemy as sa

from opskit.alerts.firing import Firing
from opskit.alerts.store.firings import firing
from opskit.alerts.store.tables import FIRINGS
from opskit.core.clock import Instant

_AT_ONCE = 500


def stories(
    connection: sa.Connection, source: str, since: Mapping[str, Instant]
) -> Mapping[str, tuple[Firing, ...]]:
    """Return what one sender told of alerts, by fingerprint, oldest first.

    Of each all that is open, and all that began at or after the instant given for it.
    """
    found: dict[str, list[Firing]] = {}
    for names in _chunks(tuple(since)):
        own = (FIRINGS.c.source == source, FIRINGS.c.fingerprint.in_(names))
        recent = sa.or_(FIRINGS.c.open == 1, FIRINGS.c.since >= min(since[one] for one in names))
        rows = sa.select(FIRINGS).where(*own, recent)
        ordered = rows.order_by(FIRINGS.c.since, FIRINGS.c.starts_at, FIRINGS.c.id)
        for row in connection.execute(ordered):
            found.setdefault(row.fingerprint, []).append(firing(row))
    return {name: tuple(one) for name, one in found.items()}


def over(connection: sa.Connection, now: Instant) -> tuple[Firing, ...]:
    """Return the open ones of others whose end has come."""
    own = (FIRINGS.c.open == 1, FIRINGS.c.source != "", FIRINGS.c.ends_at <= now)
    rows = connection.execute(sa.select(FIRINGS).where(*own).order_by(FIRINGS.c.id))
    return tuple(firing(row) for row in rows)


def _chunks(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield names in portions: a statement takes only so many values."""
    rest = iter(names)
    while some := tuple(islice(rest, _AT_ONCE)):
        yield some
