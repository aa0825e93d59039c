"""When the metrics page was looked at last."""

from __future__ import annotations

import sqlalchemy as sa

from opskit.alerts.store.tables import PASSES
from opskit.core.clock import Instant

_MS = 1_000


def last(connection: sa.Connection) -> Instant | None:
    """Return when rules were last evaluated; None where they never were."""
    found = connection.execute(sa.select(sa.func.max(PASSES.c.end_at))).scalar()
    return None if found is None else Instant(int(found) * _MS)
