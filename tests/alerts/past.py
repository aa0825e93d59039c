"""Alerts that fired and what followed, written as those write it whose records it is."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.store import firings
from opskit.core.clock import FrozenClock, Instant
from opskit.outside.database import Database
from opskit.records.ledger import Ledger


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
        ledger = Ledger(FrozenClock(Instant(self.now - ago)), "test")
        with self.database.write() as connection:
            ledger.append(connection, kind, subject, data)
