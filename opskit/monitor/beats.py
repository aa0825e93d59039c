"""What called in, as probes ask for it, and writing that something did."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.errors import ConfigError
from opskit.core.text import nearest
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.probes.heartbeat import HeartbeatProbe
from opskit.monitor.store import beats
from opskit.monitor.store.beats import Word
from opskit.outside.database import Database


def expected(catalogue: Catalogue) -> frozenset[str]:
    """Return the names under which something is to call in."""
    probes = (target.probe for target in catalogue.targets())
    return frozenset(one.beat for one in probes if isinstance(one, HeartbeatProbe))


def refuse_unknown(catalogue: Catalogue, name: str) -> None:
    """Raise unless something is to call in under that name.

    Raises:
        ConfigError: nothing is.
    """
    known = expected(catalogue)
    if name not in known:
        guess = nearest(name, sorted(known))
        hint = f"did you mean {guess!r}?" if guess else "add a probe of kind heartbeat for it"
        raise ConfigError(f"no heartbeat is called {name!r}", hint=hint)


@dataclass(frozen=True)
class StoredBeats:
    """Heartbeats as they are kept."""

    database: Database

    def last(self, name: str) -> tuple[Instant, str] | None:
        """Return when a heartbeat last called in, and with what (`ok`, `fail`, `start`)."""
        with self.database.read() as connection:
            return beats.last(connection, name)

    def ended(self, name: str) -> tuple[Instant, str] | None:
        """Return when it last called in with an end (`ok`, `fail`), and with which."""
        with self.database.read() as connection:
            return beats.last(connection, name, ("ok", "fail"))

    def call(self, name: str, at: Instant, word: Word) -> None:
        """Write that something called in."""
        with self.database.write() as connection:
            beats.insert(connection, name, at, word)
