"""Where alerts are read and silences kept: opskit itself here, an Alertmanager in `remote.py`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from opskit.alerts.firing import Firing
from opskit.alerts.routing.matchers import Matcher
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.store import firings, said
from opskit.alerts.store.said import Noted
from opskit.core.clock import DAY, Clock, Duration, Instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, hold

# How long those that ended are shown, as Alertmanager keeps them.
_SHOWN = 5 * DAY
# Longer than anybody remembers what it was for.
LONGEST = Duration(400 * DAY)


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


def allowed(matchers: Sequence[Matcher], interval: Interval, now: Instant) -> None:
    """Look whether there may be such a silence.

    Raises:
        ConfigError: it has ended already, lasts too long, or matches everything.
    """
    if interval.end <= now:
        raise ConfigError("a silence ends in the future", hint="--for 2h")
    if interval.end - interval.start > LONGEST:
        raise ConfigError(
            "a silence lasts at most 400 days",
            hint="what nobody ever wants to hear of is a rule to remove",
        )
    if all(one.holds({}) for one in matchers):
        raise ConfigError("it would silence every alert", hint="give matchers: service=shop")


def evidence(one: Silence) -> dict[str, object]:
    """Return what the ledger says of a silence that was made."""
    return {
        "matchers": [str(each) for each in one.matchers],
        "from": one.interval.start,
        "until": one.interval.end,
        "comment": one.comment,
    }


@dataclass(frozen=True)
class Silencing:
    """The alerts that opskit knows of, and the silences it keeps."""

    database: Database
    ledger: Ledger
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
        own, now = wanted.silence, self.clock.now()
        if own.id and not any(one.silence.id == own.id for one in self.silences()):
            raise ConfigError("there is no such silence", hint="opskit alerts silence list")
        allowed(own.matchers, own.interval, now)
        made = replace(own, id=str(uuid.uuid4()))
        with self.database.write() as connection:
            said.keep_silence(connection, Noted(made, now))
            name = f"silence/{made.id}"
            self.ledger.append(connection, "silence.created", name, evidence(made))
        if own.id:
            self.expire(own.id)
        return made.id

    def expire(self, name: str) -> bool:
        """Let a silence end now; return whether there was one that had not ended."""
        now = self.clock.now()
        with self.database.write() as connection:
            hold(connection)  # before the row, as a pass that reminds of it does
            held = {one.silence.id: one.silence for one in said.silences(connection, now)}
            if name not in held:
                return False
            said.end_silence(connection, name, now)
            told = {"early": held[name].interval.end - now}
            self.ledger.append(connection, "silence.ended", f"silence/{name}", told)
        return True
