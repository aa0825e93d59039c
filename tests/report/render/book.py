"""A ledger in memory, and the moments of a place."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from opskit import __version__
from opskit.core.clock import Instant, from_datetime
from opskit.records.ledger import canonical, entry_hash
from opskit.report.built import Built
from opskit.report.figures.catalogue import all_refs
from opskit.report.ground import Ground
from opskit.report.inputs import EvidenceRow, Inputs, Seal
from opskit.reporting import built

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class Book:
    """A ledger in memory: writes entries and gives their numbers, as the real one does."""

    def __init__(self, start: Instant) -> None:
        self.entries: dict[int, EvidenceRow] = {}
        self.hash = "0" * 64
        self._at = start

    def note(
        self,
        kind: str,
        subject: str,
        at: Instant | None = None,
        actor: str = "opskit",
        **data: object,
    ) -> int:
        """Append an entry and return its number."""
        seq, text = len(self.entries) + 1, canonical(data)
        self._at = at or self._at
        self.hash = entry_hash((self.hash, seq, self._at, actor, kind, subject, text))
        self.entries[seq] = EvidenceRow(seq, self._at, kind, self.hash)
        return seq

    def report(self, ground: Ground) -> Built:
        """Return the report of evidence that names this ledger's entries."""
        named = tuple(self.entries[seq] for seq in all_refs(ground) if seq in self.entries)
        seal = Seal(len(self.entries), self.hash)
        return built(Inputs(ground, seal, __version__, named))


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> Instant:
    """Return the instant of a wall time in `zone`."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))
