"""Where alerts are read and silences kept: opskit itself here, an Alertmanager in `remote.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opskit.alerts.firing import Firing
from opskit.alerts.responding import Responses
from opskit.alerts.store import firings, said
from opskit.alerts.store.said import Noted
from opskit.core.clock import DAY, Clock, Instant
from opskit.core.errors import ConfigError
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

# How long those that ended are shown, as Alertmanager keeps them.
_SHOWN = 5 * DAY


class Keeper(Protocol):
    """Where silences are kept."""

    def silences(self) -> tuple[Noted, ...]:
        """Return those that hold, will hold or ended lately, oldest first."""
        ...

    def silence(self, wanted: Noted) -> str:
        """Keep a silence and return its name; the one whose name it has ends for it."""
        ...

    def expire(self, name: str) -> bool:
        """Let a silence end now; return whether there was one that had not ended."""
        ...


@dataclass(frozen=True)
class Silencing:
    """The alerts that opskit knows of, and the silences it keeps."""

    database: Database
    ledger: Ledger
    outbox: Outbox
    clock: Clock

    def alerts(self) -> tuple[Firing, ...]:
        """Return all that is pending or fires, and what ended and somebody has yet to hear of."""
        with self.database.read() as connection:
            return firings.opened(connection)

    def silences(self) -> tuple[Noted, ...]:
        """Return those that hold, will hold or ended within five days, oldest first."""
        with self.database.read() as connection:
            return said.silences(connection, Instant(self.clock.now() - _SHOWN))

    def silence(self, wanted: Noted) -> str:
        """Keep a silence and return its name; the one whose name it has ends for it, afterwards.

        Raises:
            ConfigError: there is none of that name, or this one cannot be: it is over already.
        """
        own = wanted.silence
        if own.id and not any(one.silence.id == own.id for one in self.silences()):
            raise ConfigError("there is no such silence", hint="opskit alerts silence list")
        made = self._by(own.by).silence(own.matchers, own.interval, own.comment)
        if own.id:
            self.expire(own.id)
        return made.id

    def expire(self, name: str) -> bool:
        """Let a silence end now; return whether there was one that had not ended."""
        with self.database.read() as connection:
            held = [one.silence for one in said.silences(connection, self.clock.now())]
        found = next((one for one in held if one.id == name), None)
        return found is not None and self._by(found.by).end(found)

    def _by(self, name: str) -> Responses:
        return Responses(self.database, self.ledger, self.outbox, self.clock, name)
