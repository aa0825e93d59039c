"""What others tell of alerts is taken down: rows and ledger entries stand or fall together.

Nothing tells a repeated message of Alertmanager from a new one: it has no number, and what fires
for long is said again word for word. So nothing depends on it; a message that comes twice changes
nothing (`incoming.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from opskit.alerts.firing import Firing, State
from opskit.alerts.incoming import History, Word, lapsed
from opskit.alerts.store import firings, heard
from opskit.alerts.watching import subject
from opskit.core.clock import Clock, Instant
from opskit.outside.database import Database
from opskit.records.ledger import Draft, Ledger, hold


@dataclass(frozen=True, slots=True)
class Heard:
    """How many began and how many ended by what was said."""

    fired: int = 0
    resolved: int = 0


@dataclass(frozen=True)
class Hearing:
    """Takes the word of senders, each by its name."""

    database: Database
    ledger: Ledger
    clock: Clock

    def take(self, source: str, words: Sequence[Word], *, untold: int = 0) -> Heard:
        """Take down what a sender says; `untold` is how many alerts it left out of the message."""
        now = self.clock.now()
        since: dict[str, Instant] = {}
        for word in words:
            since[word.fingerprint] = min(word.since, since.get(word.fingerprint, word.since))
        with self.database.write() as connection:
            hold(connection)  # two that tell of the same at once are heard one after the other
            known = heard.stories(connection, source, since)
            told = dict(known)
            for word in words:
                name = word.fingerprint
                told[name] = word.heard(told.get(name, ()), source, now)
            if untold:
                self.ledger.append(connection, "webhook.truncated", source, {"alerts": untold})
            steps = [step for name in told for step in _steps(known.get(name, ()), told[name], now)]
            return self._written(connection, steps)

    def lapse(self) -> Heard:
        """Take down that the time of alerts ran out: who sent them sends them no more."""
        now = self.clock.now()
        with self.database.read() as connection:
            if not heard.over(connection, now):
                return Heard()
        with self.database.write() as connection:
            hold(connection)
            ends = (lapsed(one, now) for one in heard.over(connection, now))
            steps = [_Step(one, State.FIRING, State.RESOLVED) for one in ends if one is not None]
            return self._written(connection, steps)

    def _written(self, connection: sa.Connection, steps: Sequence[_Step]) -> Heard:
        drafts = [draft for step in steps for draft in step.drafts()]
        entries = iter(self.ledger.extend(connection, drafts))
        for step in steps:
            refs = tuple(next(entries).seq for _ in step.drafts())
            done = replace(step.firing, refs=(*step.firing.refs, *refs))
            if done.id:
                firings.change(connection, (done,))
            else:
                firings.add(connection, (done,))
        kinds = [one.kind for one in drafts]
        return Heard(kinds.count(FIRED), kinds.count(RESOLVED))


FIRED, RESOLVED = "alert.fired", "alert.resolved"


@dataclass(frozen=True, slots=True)
class _Step:
    """An alert as it is now, and how it stood: None where it was not known."""

    firing: Firing
    before: State | None
    after: State
    moved: bool = False

    def drafts(self) -> Iterator[Draft]:
        """Yield what is to be written of it."""
        own = self.firing
        told = {
            "alertname": own.name,
            "fingerprint": own.fingerprint,
            "labels": dict(own.labels),
            "source": own.source,
        }
        if self.before is None:
            more = {"rule": own.rule, "severity": own.severity, "since": own.since}
            yield Draft(FIRED, subject(own.fingerprint), {**told, **more})
        if self.after is State.RESOLVED and (self.before is not self.after or self.moved):
            after = (own.ends_at or 0) - (own.starts_at or 0)
            yield Draft(RESOLVED, subject(own.fingerprint), {**told, "after": after})


def _steps(known: History, told: History, now: Instant) -> Iterator[_Step]:
    before = {one.id: one for one in known}
    for one in told:
        was = before.get(one.id)
        if was is None:
            yield _Step(one, None, one.state(now))
        elif was != one:
            moved = was.ends_at != one.ends_at
            yield _Step(one, was.state(now), one.state(now), moved)
