"""Versions of a period that is over: what came too late for the first one changes what was said.

A seal binds what was seen of a time. What comes in after it is kept as late and bound by a later
seal: from that ledger entry on the period has a new version, and the one before can be read again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.monitor.store import spells
from opskit.records.ledger import LEDGER


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a period, in force from a ledger entry on: what came late, by target."""

    number: int
    seq: int
    at: Instant
    late: tuple[tuple[str, int], ...]


def versions(
    connection: sa.Connection, window: Interval, targets: Collection[str]
) -> tuple[Version, ...]:
    """Return each version of a period after the first, of what some targets say of it."""
    found = [one for one in spells.late(connection, window) if one.target in targets]
    seals = {one.seal for one in found}
    query = sa.select(LEDGER.c.seq, LEDGER.c.at).where(LEDGER.c.seq.in_(seals))
    written = {seq: Instant(at) for seq, at in connection.execute(query)}
    # What came late while the period still went on is in its first version.
    after = [one for one in found if written.get(one.seal, window.start) >= window.end]
    return tuple(
        Version(number, seal, written[seal], tuple((one.target, one.count) for one in ones))
        for number, (seal, ones) in enumerate(groupby(after, lambda one: one.seal), 2)
    )
