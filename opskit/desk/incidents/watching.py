"""Alerts as incidents: each look at what fires brings incidents up to date, whatever came before.

What was written is not written again: a look that was cut off is done by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant
from opskit.desk.incidents import store
from opskit.desk.incidents.arising import Policy, fired, fired_key, following, opening, returned
from opskit.desk.incidents.keeping import keyed, opened, settled
from opskit.desk.incidents.model import BY, Event, Incident, Status, Warned
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, hold


class Alerts(Protocol):
    """What fires, whoever evaluates it."""

    def since(self, at: Instant) -> Sequence[Warned]:
        """Return what fires, and what ended after an instant, oldest first."""
        ...


@dataclass(frozen=True)
class IncidentWatch:
    """Makes incidents of alerts."""

    database: Database
    ledger: Ledger
    clock: Clock
    alerts: Alerts
    policy: Policy

    def look(self) -> int:
        """Bring incidents up to date; return how many were opened.

        How an alert ended is looked for as long as an incident is open that it belongs to.
        """
        with self.database.read() as connection:
            standing = store.open_(connection)
            since = min((one.opening.started_at for one in standing), default=self.clock.now())
            found = self.alerts.since(since)
            if not self._fresh(connection, found) and not self._moved(standing, found):
                return 0
        with self.database.write() as connection:
            # Asked again, with others kept waiting: another process may have looked since.
            hold(connection)
            new = sum(self._placed(connection, one) for one in self._fresh(connection, found))
            for incident in store.open_(connection):
                events = following(incident, found, self.policy, self.clock.now())
                self._write(connection, incident, events)
            return new

    def _fresh(self, connection: sa.Connection, found: Sequence[Warned]) -> list[Warned]:
        """Return the alerts that fire, may open an incident and are in none so far."""
        opens = (one for one in found if one.ended is None and one.severity in self.policy.opens)
        own = {fired_key(one): one for one in opens}
        known = store.known(connection, own)
        return [one for key, one in own.items() if key not in known]

    def _moved(self, standing: Sequence[Incident], found: Sequence[Warned]) -> bool:
        now = self.clock.now()
        return any(following(one, found, self.policy, now) for one in standing)

    def _placed(self, connection: sa.Connection, alert: Warned) -> int:
        """Write that an alert fires, in the incident it belongs to; return 1 for a new one."""
        lately = Instant(self.clock.now() - self.policy.comes_back)
        incident = store.of_group(connection, self.policy.group(alert), lately)
        new = incident is None
        if incident is None:
            first = opening(alert, self.policy)
            incident = opened(connection, self.ledger, first, BY)
        elif incident.status is Status.RESOLVED:
            self._write(connection, incident, (returned(incident, alert),))
        self._write(connection, incident, (fired(incident, alert),))
        return int(new)

    def _write(
        self, connection: sa.Connection, incident: Incident, events: Sequence[Event]
    ) -> None:
        written = [keyed(connection, self.ledger, one) for one in events]
        if any(written):
            settled(connection, incident.number)
