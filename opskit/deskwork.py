"""The desk joined to the world: its file, the alerts it is told of, who works at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from opskit.arising import Hit, RecordedAlerts
from opskit.core.clock import Clock, Duration
from opskit.core.errors import ConfigError
from opskit.core.text import nearest
from opskit.desk.incidents.arising import Policy
from opskit.desk.incidents.keeping import Incidents
from opskit.desk.incidents.watching import IncidentWatch
from opskit.desk.register import Kind, Register
from opskit.desk.settings import Desk
from opskit.monitor.catalogue import Catalogue
from opskit.outside.database import Database
from opskit.records.ledger import Ledger


@dataclass(frozen=True)
class Deskwork:
    """What the desk of one ops repository is given.

    `catalogue` names services and their owners, `names` people and teams; none where nobody is
    written down.
    """

    desk: Desk
    database: Database
    ledger: Ledger
    clock: Clock
    user: str
    catalogue: Callable[[], Catalogue | None]
    names: Callable[[], tuple[str, ...]]

    @cached_property
    def incidents(self) -> Incidents:
        """Return what takes the word of whoever runs this process."""
        return Incidents(self.database, self.ledger, self.clock, self.user)

    @cached_property
    def watch(self) -> IncidentWatch:
        """Return what makes incidents of alerts."""
        own = self.desk.incidents
        policy = Policy(
            frozenset(own.opens),
            frozenset(own.critical),
            own.together,
            Duration(own.comes_back),
            Duration(own.settles),
        )
        alerts = RecordedAlerts(self.database, self.clock, self.services)
        return IncidentWatch(self.database, self.ledger, self.clock, alerts, policy)

    def register(self, kind: Kind, listing: str) -> Register:
        """Return the records of a kind, taking the word of whoever runs this process."""
        return Register(self.database, self.ledger, self.clock, self.user, kind, listing)

    def services(self) -> Mapping[str, Hit]:
        """Return of each service whose it is, and whether users are hit when it is down."""
        catalogue = self.catalogue()
        if catalogue is None:
            return {}
        return {
            name: Hit(one.owner, visible=one.kind == "customer-facing")
            for name, one in catalogue.services.items()
        }

    def somebody(self, name: str) -> str:
        """Return a name of a person or a team that there is.

        Raises:
            ConfigError: there is none of that name.
        """
        known = self.names()
        if known and name not in known:
            guess = nearest(name, list(known))
            meant = f"; did you mean {guess}?" if guess else ""
            raise ConfigError(f"there is no person or team {name!r}{meant}", hint="people.yaml")
        return name
