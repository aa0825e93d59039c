"""The report of a period: the evidence of every slice, and the ledger it is held against."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant
from opskit.core.evidence import Evidence, EvidenceSource
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.ledger import entries, head
from opskit.report.build import Chain, build
from opskit.report.ground import Ground, Past, months_before
from opskit.report.model import EvidenceRow, Report


def report(
    sources: Iterable[EvidenceSource],
    database: Database,
    period: Interval,
    zone: ZoneInfo,
    now: Instant,
) -> Report:
    """Build the report of a period; later evidence than now there cannot be."""
    every, chain = tuple(sources), _chain(database)
    since = min((one.at for one in chain.entries.values()), default=now)
    past = tuple(Past(one, _seen(every, one)) for one in months_before(period, zone, since))
    period = Interval(period.start, Instant(min(period.end, now)))
    return build(Ground(period, _seen(every, period), past, zone.key), chain, now)


def _seen(sources: Iterable[EvidenceSource], period: Interval) -> Evidence:
    return reduce(add, (one.evidence(period) for one in sources), Evidence())


def _chain(database: Database) -> Chain:
    with database.read() as connection:
        last = head(connection)
        rows = {
            one.seq: EvidenceRow(
                one.seq, one.at, one.actor, one.kind, one.subject, one.data, one.hash
            )
            for one in entries(connection, last=last.seq)
        }
    return Chain(last.seq, last.hash, rows)
