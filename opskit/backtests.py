"""Backtests joined to the world: rule files, stored history, and outages from all evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from opskit.alerts.backtesting import (
    ENOUGH,
    Judged,
    Outages,
    Question,
    Replayed,
    Rules,
    Span,
    chosen,
    judged,
    replay,
)
from opskit.alerts.evaluating import Alerting, Recording, rules_of
from opskit.alerts.model import RuleFile
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.series import Memory
from opskit.alerts.rulebook import rulebook
from opskit.alerts.store import samples
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError, DataError
from opskit.core.evidence import IncidentEvidence, Reading, ServiceEvidence
from opskit.core.interval import Interval, State
from opskit.core.text import nearest
from opskit.history.evidence import HistoryEvidence
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.evidence import MonitorEvidence
from opskit.outside.config import Config
from opskit.outside.database import Database
from opskit.outside.models import read

_MS = 1_000
_DOWN = frozenset({State.DOWN})
_WATCHED = frozenset(State) - {State.UNKNOWN, State.EXCLUDED}


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a rule would have said, and whether it would have been right."""

    question: Question
    replayed: Replayed
    judged: Judged
    watched: frozenset[str]

    @property
    def is_enough(self) -> bool:
        """Return whether there is enough history to say anything of the period."""
        return self.replayed.coverage >= ENOUGH and not self.is_blind

    @property
    def is_blind(self) -> bool:
        """Return whether a metric that the rule looks at was never there."""
        return bool(self.replayed.unseen)


@dataclass(frozen=True, slots=True)
class Kept:
    """The history that the database keeps."""

    database: Database

    def stretches(self, start: int, end: int) -> Sequence[samples.Stretch]:
        """Return when the page was looked at."""
        with self.database.read() as connection:
            return samples.stretches(connection, start, end)

    def read(self, names: frozenset[str] | None, start: int, end: int) -> Memory:
        """Return what it showed."""
        with self.database.read() as connection:
            return samples.read(connection, names, start, end)


@dataclass(frozen=True)
class Backtests:
    """Tries rules over what is stored; `catalogue` is None where no service is watched."""

    config: Config
    database: Database
    catalogue: Catalogue | None

    def rules(self, name: str, file: Path | None, pending: int | None) -> Rules:
        """Return the alerts of a name, of the rules in use or of a FILE, with what they need.

        PENDING (ms) is put in the place of their own `for`.

        Raises:
            ConfigError: there is no alert of this name.
            DataError: a file holds mistakes.
        """
        used = [rule for group in rulebook(self.config) for rule in group.rules]
        rules = used if file is None else [*_of_file(file), *_recordings(used)]
        found = chosen(rules, name, pending)
        if not found:
            known = sorted({one.name for one in rules if isinstance(one, Alerting)})
            guess = nearest(name, known)
            meant = f"; did you mean {guess!r}?" if guess else ""
            hint = "opskit alerts backtest NAME, as a rule file has it behind alert:"
            raise ConfigError(f"there is no alert {name!r}{meant}", hint=hint)
        return found

    def run(
        self,
        rules: Rules,
        name: str,
        question: Question,
        now: Instant,
        told: Callable[[int, int], None],
    ) -> Backtested:
        """Try a rule over the history, against the outages there were."""
        history = Kept(self.database)
        replayed = replay(rules, name, history, question, told)
        outages = self._outages(question, now)
        seen = history.stretches(question.start, question.end)
        services = frozenset(one.service for one in outages.watched)
        return Backtested(question, replayed, judged(replayed, outages, question, seen), services)

    def _outages(self, question: Question, now: Instant) -> Outages:
        """Return outages that were confirmed, and incidents, of any source."""
        period = Interval(Instant(question.start * _MS), Instant(question.end * _MS))
        monitor = MonitorEvidence(
            self.database, self.catalogue, self.config.zone, now, Reading.BARE
        )
        history = HistoryEvidence(self.database)
        services = (*monitor.evidence(period).services, *history.services(period).services)
        covered, incidents = history.incidents(period)
        named = sorted({one.service for one in incidents if one.service})
        told = (_span(name, one) for name in named for one in covered)
        own = (_span(one.name, part) for one in services for part in _joined(one, _WATCHED))
        down = (_span(one.name, part) for one in services for part in _joined(one, _DOWN))
        gone = (_outage(one, period.end) for one in incidents if one.service)
        return Outages((*own, *told), tuple(dict.fromkeys((*down, *gone))))


def _of_file(file: Path) -> Iterator[Alerting | Recording]:
    for group in read(file, RuleFile, name=str(file)).groups:
        try:
            yield from rules_of(group)
        except QueryError as error:
            raise DataError(f"{file}: {error.message}") from error


def _recordings(rules: Iterable[Alerting | Recording]) -> Iterator[Recording]:
    return (one for one in rules if isinstance(one, Recording))


def _span(service: str, one: Interval) -> Span:
    return Span(service, one.start // _MS, one.end // _MS)


def _outage(incident: IncidentEvidence, end: Instant) -> Span:
    begun, over = incident.started_at, incident.resolved_at or end
    return _span(incident.service, Interval(begun, Instant(max(begun, over))))


def _joined(service: ServiceEvidence, states: AbstractSet[State]) -> Iterator[Interval]:
    """Yield when a service was in one of these states, whatever the reasons."""
    last: Interval | None = None
    for one in service.timeline:
        if one.state not in states:
            continue
        if last is not None and one.start <= last.end:
            last = Interval(last.start, one.end)
            continue
        if last is not None:
            yield last
        last = Interval(one.start, one.end)
    if last is not None:
        yield last
