"""The ledger entries of access, by what they are about: the evidence behind its figures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.records.ledger import LEDGER, Entry

_REFUSED = (
    "request.refused", "decision.refused_self", "decision.refused_new",
    "decision.refused_stranger", "decision.refused_stale", "target.refused",
)  # fmt: skip
_NOUNS = ("request", "grant", "breakglass", "review")


@dataclass(frozen=True)
class Trail:
    """Sequence numbers by subject (`r1`, `g1`, `v1`) and kind; those of places by grant too."""

    by_subject: dict[str, dict[str, list[int]]]
    by_place: dict[tuple[str, str], list[int]]
    refusals: tuple[tuple[Entry, dict[str, Any]], ...]

    def of(self, subject: str, kinds: Iterable[str] = ()) -> tuple[int, ...]:
        """Return the entries about something, of some kinds or of all."""
        known = self.by_subject.get(subject, {})
        wanted = tuple(kinds) or tuple(known)
        return tuple(sorted(seq for kind in wanted for seq in known.get(kind, ())))

    def gone(self, grant: str, place: str) -> tuple[int, ...]:
        """Return the looks that saw a grant gone from a place."""
        return tuple(self.by_place.get((grant, place), ()))


def trail(connection: sa.Connection, start: Instant, end: Instant) -> Trail:
    """Return what was written before `end`; of refusals only those since `start`."""
    nouns = [LEDGER.c.kind.like(f"{noun}.%") for noun in _NOUNS]
    kinds = LEDGER.c.kind.in_(("target.verified", *_REFUSED))
    query = sa.select(LEDGER).where(LEDGER.c.at < end, sa.or_(*nouns, kinds))
    by_subject: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    by_place: dict[tuple[str, str], list[int]] = defaultdict(list)
    refusals = []
    for row in connection.execute(query.order_by(LEDGER.c.seq)):
        entry = Entry(*row)
        if entry.kind == "target.verified":
            data = json.loads(entry.data)
            if data.get("desired") == "absent":
                by_place[data["grant"], entry.subject].append(entry.seq)
        elif entry.kind not in _REFUSED:
            by_subject[entry.subject][entry.kind].append(entry.seq)
        elif entry.at >= start:
            refusals.append((entry, json.loads(entry.data)))
    return Trail(by_subject, by_place, tuple(refusals))
