"""What people say of alerts: somebody has one in hand, or has it no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from opskit.alerts.circumstances import as_alerts
from opskit.alerts.firing import Firing, State
from opskit.alerts.routing.matchers import Matcher, all_hold
from opskit.alerts.routing.verdicts import Acknowledgement
from opskit.alerts.store import firings, remembered, said
from opskit.alerts.watching import owe, subject
from opskit.alerts.wording import acknowledged
from opskit.core.clock import Clock, Duration, Instant, iso
from opskit.core.errors import ConfigError, Refused
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, hold
from opskit.records.outbox import Outbox


@dataclass(frozen=True)
class Responses:
    """Takes what people say of alerts, and writes who said it; `by` is who that is.

    Whoever writes of alerts holds the ledger before any row, as a pass does: two that took them in
    different orders would wait for each other.
    """

    database: Database
    ledger: Ledger
    outbox: Outbox
    clock: Clock
    by: str

    def open(self) -> tuple[Firing, ...]:
        """Return what is pending or fires, oldest first."""
        now = self.clock.now()
        with self.database.read() as connection:
            found = firings.opened(connection)
        return tuple(one for one in found if one.state(now) is not State.RESOLVED)

    def matching(self, matchers: Sequence[Matcher], names: Sequence[str]) -> tuple[Firing, ...]:
        """Return what fires and matches; `names` are beginnings of fingerprints.

        Raises:
            ConfigError: nothing fires that is meant by one of them.
        """
        now = self.clock.now()
        firing = [one for one in self.open() if one.state(now) is State.FIRING]
        found = [one for one in firing if matchers and all_hold(matchers, one.labels)]
        for name in names:
            own = [one for one in firing if one.fingerprint.startswith(name.lower())]
            if not name or len({one.fingerprint for one in own}) != 1:
                what = "no alert that fires begins" if not own else "more than one alert begins"
                raise ConfigError(f"{what} with {name!r}", hint="opskit alerts list names them")
            found += own
        if not found:
            raise ConfigError("no alert that fires matches", hint="opskit alerts list")
        return tuple({one.fingerprint: one for one in found}.values())

    def acknowledge(
        self, alerts: Sequence[Firing], lasting: Duration, comment: str
    ) -> tuple[Acknowledgement, ...]:
        """Write that `by` has alerts in hand for so long; whoever was told of them hears of it.

        Raises:
            Refused: it is over in the meantime.
        """
        now = self.clock.now()
        until = Instant(now + lasting)
        with self.database.write() as connection:
            hold(connection)
            self._still_fire(connection, alerts, now)
            done = tuple(Acknowledgement(one.fingerprint, self.by, now, until) for one in alerts)
            for one, alert in zip(done, alerts, strict=True):
                said.keep_acknowledgement(connection, one, comment)
                told = {"alertname": alert.name, "until": until, "comment": comment}
                self.ledger.append(connection, "alert.acknowledged", subject(one.fingerprint), told)
                self._tell(connection, alert, one)
        return done

    def _still_fire(
        self, connection: sa.Connection, alerts: Sequence[Firing], now: Instant
    ) -> None:
        known = {
            one.fingerprint for one in firings.opened(connection) if one.state(now) is State.FIRING
        }
        over = [one.name for one in alerts if one.fingerprint not in known]
        if over:
            raise Refused(f"{over[0]} is over in the meantime", hint="opskit alerts list")

    def _tell(self, connection: sa.Connection, alert: Firing, one: Acknowledgement) -> None:
        """Owe word of it to whoever was told that it fires, in the thread of their message."""
        (shown,) = as_alerts((alert,))
        for group in remembered.read(connection).memory.groups.values():
            told = group.told.get(alert.fingerprint)
            if told is None:
                continue
            message = acknowledged(shown, one.by, iso(one.until), one.at)
            key = f"ack-{group.key}-{alert.fingerprint}-{one.at}"
            own = replace(message, group=str(group.key))
            owe(self.outbox, connection, key, own, told.to)

    def give_back(self, alerts: Sequence[Firing]) -> tuple[Firing, ...]:
        """Let nobody have alerts in hand any more; return those that somebody had."""
        now = self.clock.now()
        done = []
        with self.database.write() as connection:
            hold(connection)
            for alert in alerts:
                if said.take_back(connection, alert.fingerprint, now):
                    told = {"alertname": alert.name}
                    name = subject(alert.fingerprint)
                    self.ledger.append(connection, "alert.unacknowledged", name, told)
                    done.append(alert)
        return tuple(done)
