"""Silences as people ask for them, wherever they are kept; who asked is on record here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from opskit.alerts.routing.matchers import Matcher
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.silencing import Keeper, allowed, evidence
from opskit.alerts.store.said import Noted
from opskit.core.clock import Clock, Duration, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.ledger import Ledger


@dataclass(frozen=True)
class Silences:
    """Takes what people say about silences to their keeper; `by` is who says it."""

    keeper: Keeper
    clock: Clock
    by: str

    def kept(self) -> tuple[Silence, ...]:
        """Return those that have not ended, oldest first."""
        now = self.clock.now()
        return tuple(
            one.silence for one in self.keeper.silences() if one.silence.interval.end > now
        )

    def add(self, matchers: Sequence[Matcher], interval: Interval, comment: str) -> Silence:
        """Let nobody be told of what matches, for a time.

        Raises:
            ConfigError: it has ended already, lasts too long, or matches everything.
        """
        now = self.clock.now()
        allowed(matchers, interval, now)
        wanted = Silence("", tuple(matchers), interval, self.by, comment)
        return replace(wanted, id=self.keeper.silence(Noted(wanted, now)))

    def end(self, name: str) -> Silence:
        """End a silence now; `name` is the beginning of its id.

        Raises:
            ConfigError: there is none, or several.
            Refused: it ended in the meantime.
        """
        one = self._one(name)
        if not self.keeper.expire(one.id):
            raise Refused(f"silence {one.id} ended in the meantime", hint="it is over")
        return one

    def extend(self, name: str, lasting: Duration) -> Silence:
        """Let a silence go on for so long from now: a new one takes its place, both on record.

        Raises:
            ConfigError: there is none, or several.
        """
        before, now = self._one(name), self.clock.now()
        made = self.add(before.matchers, Interval(now, Instant(now + lasting)), before.comment)
        self.keeper.expire(before.id)
        return made

    def _one(self, name: str) -> Silence:
        found = [one for one in self.kept() if one.id.startswith(name)]
        if len(found) != 1 or not name:
            what = "no silence begins" if not found else "more than one silence begins"
            raise ConfigError(f"{what} with {name!r}", hint="opskit alerts silence list")
        return found[0]


@dataclass(frozen=True)
class Witnessed:
    """A keeper elsewhere, whose silences are evidence here; the entry follows the deed."""

    keeper: Keeper
    database: Database
    ledger: Ledger

    def silences(self) -> tuple[Noted, ...]:
        """Return what the keeper has."""
        return self.keeper.silences()

    def silence(self, wanted: Noted) -> str:
        """Keep a silence there, and write that it was made."""
        name = self.keeper.silence(wanted)
        self._write("silence.created", name, evidence(wanted.silence))
        return name

    def expire(self, name: str) -> bool:
        """Let a silence end there, and write that it was ended."""
        ended = self.keeper.expire(name)
        if ended:
            self._write("silence.ended", name, {})
        return ended

    def _write(self, kind: str, name: str, told: dict[str, object]) -> None:
        with self.database.write() as connection:
            kept = {**told, "kept_by": "alertmanager"}
            self.ledger.append(connection, kind, f"silence/{name}", kept)
