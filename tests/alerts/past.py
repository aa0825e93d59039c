"""Alerts that fired and what followed, written as those write it whose records it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.store import firings
from opskit.core.clock import FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.monitor.maintenance import Announcements
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox


@dataclass
class Past:
    """What happened; times are from now back."""

    database: Database
    now: Instant

    def fired(self, rule: str, ago: int, lasted: int, **labels: str) -> None:
        """Write a firing."""
        told = {"alertname": rule.partition("/")[2], "severity": "critical", **labels}
        begun = Instant(self.now - ago)
        one = Firing(
            0, fingerprint(told), "", rule, told, {}, 1.0, begun, begun,
            ends_at=Instant(begun + lasted),
        )  # fmt: skip
        with self.database.write() as connection:
            firings.change(connection, firings.add(connection, (one,)))

    def told(self, ago: int, kind: str, subject: str, **data: object) -> None:
        """Write an entry of the ledger."""
        self.told_by("test", ago, kind, subject, data)

    def told_by(
        self, by: str, ago: int, kind: str, subject: str, data: Mapping[str, object]
    ) -> None:
        """Write an entry of the ledger in somebody's name."""
        ledger = Ledger(FrozenClock(Instant(self.now - ago)), by)
        with self.database.write() as connection:
            ledger.append(connection, kind, subject, data)

    def announced(self, ago: int, lasted: int, service: str, by: str = "test") -> None:
        """Announce work that begins at once."""
        clock = FrozenClock(Instant(self.now - ago))
        ledger = Ledger(clock, by)
        work = Announcements(self.database, ledger, Outbox(self.database, clock))
        work.open([service], Interval(clock.now(), Instant(clock.now() + lasted)), "upgrade")
