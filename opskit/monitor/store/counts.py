"""What only ever grows: looks that were suspect, and changes of state."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from opskit.monitor.model import Seen
from opskit.monitor.store.spells import SERIES, SPELLS
from opskit.records.ledger import LEDGER


def suspects(connection: sa.Connection) -> Counter[str]:
    """Return for each target how many of its looks failed without being confirmed yet."""
    names = {
        row.id: row.target
        for row in connection.execute(
            sa.select(SERIES.c.id, SERIES.c.target).where(SERIES.c.location == "")
        )
    }
    found: Counter[str] = Counter()
    for table, key in ((SPELLS, SPELLS.c.series), (SERIES, SERIES.c.id)):
        looks = (table.c.last_at - table.c.began_at) // table.c.interval + 1
        query = sa.select(key, sa.func.sum(looks)).where(table.c.seen == Seen.SUSPECT).group_by(key)
        for number, count in connection.execute(query):
            if number in names:
                found[names[number]] += int(count)
    return found


def flips(connection: sa.Connection) -> Counter[str]:
    """Return for each target how often its confirmed state changed."""
    query = (
        sa.select(LEDGER.c.subject, sa.func.count())
        .where(LEDGER.c.kind == "target.flipped")
        .group_by(LEDGER.c.subject)
    )
    return Counter({row.subject: row[1] for row in connection.execute(query)})
