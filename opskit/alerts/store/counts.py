"""How many messages about alerts were owed, as the table has them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from opskit.alerts.store.tables import NOTICES


def occasions(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many messages were owed on each occasion; one that never came is not there."""
    own = sa.select(NOTICES.c.occasion, sa.func.count().label("times"))
    rows = connection.execute(own.group_by(NOTICES.c.occasion))
    return {row.occasion: int(row.times) for row in rows}
