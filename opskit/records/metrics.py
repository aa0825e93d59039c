"""What the records show: how far the ledger goes, whether its end holds, what is still owed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from opskit.core.clock import SECOND, Instant
from opskit.core.metrics import Family, counter, gauge, one
from opskit.outside.database import Database
from opskit.records.archive import ARCHIVE
from opskit.records.ledger import GENESIS, Entry, Head, entries, entry_hash, head
from opskit.records.owed import OUTBOX, DeliveryState
from opskit.records.resting import CHANNELS

# So many of the newest entries are recomputed for each page: a moment's work.
_TAIL = 500


def ledger(database: Database) -> Iterator[Family]:
    """Yield how far the ledger goes, and whether its end is as it was written.

    Raises:
        OpskitError: the ledger has no head, or several.
    """
    with database.read() as connection:
        newest = head(connection)
        tail = tuple(entries(connection, first=max(1, newest.seq - _TAIL + 1)))
    yield counter("opskit_ledger_entries_total", "Entries of the ledger.", one(newest.seq))
    says = "The hash of the newest entry, to be kept elsewhere and given to ledger verify."
    yield gauge("opskit_ledger_head_info", says, one(1, hash=newest.hash))
    says = "When the newest entry was written."
    at = tail[-1].at / SECOND if tail else None
    yield gauge("opskit_ledger_last_entry_timestamp_seconds", says, one(at))
    says = f"Whether the newest {_TAIL} entries hold; opskit ledger verify walks all of them."
    yield gauge("opskit_ledger_tail_ok", says, one(float(holds(newest, tail))))


def holds(newest: Head, tail: tuple[Entry, ...]) -> bool:
    """Return whether the newest entries follow one another up to the head that is kept."""
    if not tail:
        return newest == Head(0, GENESIS)
    previous = Head(tail[0].seq - 1, tail[0].prev_hash)
    for each in tail:
        fields = (each.prev_hash, each.seq, each.at, each.actor, each.kind, each.subject, each.data)
        if Head(each.seq - 1, each.prev_hash) != previous or entry_hash(fields) != each.hash:
            return False
        previous = Head(each.seq, each.hash)
    return previous == newest


def outbox(database: Database, now: Instant) -> Iterator[Family]:
    """Yield what is owed, since when, and what was sent or given up."""
    with database.read() as connection:
        states = sa.select(OUTBOX.c.state, sa.func.count()).group_by(OUTBOX.c.state)
        counted = {row[0]: row[1] for row in connection.execute(states)}
        oldest = connection.execute(
            sa.select(sa.func.min(OUTBOX.c.created_at)).where(OUTBOX.c.state == DeliveryState.OWED)
        ).scalar()
        resting = connection.execute(sa.select(CHANNELS).order_by(CHANNELS.c.channel)).all()
    owed = counted.get(DeliveryState.OWED, 0)
    sent = counted.get(DeliveryState.SENT, 0) + counted.get(DeliveryState.STANDING, 0)
    dead = counted.get(DeliveryState.DEAD, 0)
    yield gauge("opskit_outbox_owed", "Deliveries that are owed.", one(owed))
    says = "For how long the oldest delivery has been owed; none where nothing is."
    age = None if oldest is None else max(0, now - oldest) / SECOND
    yield gauge("opskit_outbox_oldest_owed_age_seconds", says, one(age))
    yield counter("opskit_outbox_sent_total", "Deliveries that were made.", one(sent))
    says = "Deliveries given up, because they can never succeed."
    yield counter("opskit_outbox_failed_total", says, one(dead))
    says = "Deliveries that failed in a row, whichever; from 5 on the channel rests between tries."
    failures = [(each.failures, (("channel", each.channel),)) for each in resting]
    yield gauge("opskit_channel_failures", says, failures)


def archive(database: Database) -> Iterator[Family]:
    """Yield how many reports were issued, and up to when their months go."""
    counted = sa.select(sa.func.count(), sa.func.max(ARCHIVE.c.end_at))
    with database.read() as connection:
        number, until = connection.execute(counted).one()
    yield counter("opskit_reports_issued_total", "Reports issued, versions included.", one(number))
    says = "The end of the newest month whose report was issued; none where none was."
    at = None if until is None else until / SECOND
    yield gauge("opskit_report_newest_period_end_timestamp_seconds", says, one(at))
