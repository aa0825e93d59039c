"""Alerting joined to the world: the rule and routes files, the metrics page, what services need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from opskit.alerts.circumstances import Around
from opskit.alerts.engine import Engine, Page
from opskit.alerts.explaining import Explained, explained
from opskit.alerts.firing import Firing, State
from opskit.alerts.hearing import Hearing
from opskit.alerts.planning import ROUTES, plan_of, untold
from opskit.alerts.quieting import Silences, Witnessed
from opskit.alerts.remote import RemoteAlerting
from opskit.alerts.responding import Responses
from opskit.alerts.reviewing import is_after_hours
from opskit.alerts.routing.load import Call, Load, loads
from opskit.alerts.routing.plan import Plan, unrouted
from opskit.alerts.routing.rota import Shift
from opskit.alerts.routing.verdicts import Acknowledgement
from opskit.alerts.rulebook import rulebook
from opskit.alerts.silencing import Keeper, Silencing
from opskit.alerts.store import firings, notices, passes, said, shifts
from opskit.alerts.watching import Watcher
from opskit.core.clock import DAY, Clock, Duration, Instant, format_duration
from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.core.text import nearest
from opskit.focusing import Focusing
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.dependence import causes
from opskit.monitor.model import Seen
from opskit.monitor.store import targets
from opskit.outside.alertmanager import door_of
from opskit.outside.config import Config
from opskit.outside.database import Database
from opskit.outside.files import read_secret
from opskit.outside.http import get
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

_WATCHDOG_SECONDS = 5.0
_FIRST_REFUSAL = 300
_LOOK_BACK = 400 * DAY


# After so many intervals without a pass nobody knows what fires.
_LATE = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert, who has it in hand, and the silences that keep it."""

    alert: Firing
    acknowledged: Acknowledgement | None
    silenced: tuple[str, ...]

    @property
    def hand(self) -> str:
        """Return who has it in hand, or what keeps it quiet."""
        begun, one = self.alert.starts_at, self.acknowledged
        if one is not None and begun is not None and begun <= one.at:
            return one.by
        return f"silenced {self.silenced[0][:8]}" if self.silenced else ""


@dataclass(frozen=True)
class Alerting:
    """What alerting is given, in one ops repository."""

    config: Config
    database: Database
    ledger: Ledger
    outbox: Outbox
    clock: Clock
    user: str
    catalogue: Callable[[], Catalogue] | None
    focusing: Focusing

    @property
    def is_routed(self) -> bool:
        """Return whether alerts are told to somebody: there is a routes file."""
        return self.config.path(ROUTES).is_file()

    @cached_property
    def plan(self) -> Plan | None:
        """Return who is told of what; None where no routes file is.

        Raises:
            DataError: it holds mistakes.
            ConfigError: it names a channel that there is not.
        """
        if not self.is_routed:
            return None
        plan = plan_of(self.config)
        for message in untold(plan.routes, self.config.settings):
            raise ConfigError(f"{ROUTES}: {message}", hint="opskit schema opskit: channels")
        return plan

    def check(self) -> None:
        """Look whether rules, routes and focus windows can be used.

        Raises:
            OpskitError: they hold mistakes.
        """
        _ = self.plan, self.focusing.weekly
        self.engine()

    def engine(self) -> Engine:
        """Return the rules, ready to be evaluated; they know nothing of the past yet.

        Raises:
            DataError: a rule file holds mistakes.
        """
        own = self.config.settings.alerts
        # Where Prometheus has the rules there are none here: its alerts come in.
        groups = () if own.evaluator == "prometheus" else rulebook(self.config)
        return Engine(groups, interval=own.interval // 1_000)

    def ready(self) -> Engine:
        """Return the rules, ready to go on where they were left."""
        engine = self.engine()
        self.watcher.restore(engine)
        return engine

    def once(self, page: Page) -> Mapping[str, str]:
        """Pass over all rules once; return those that could not be evaluated, and why."""
        engine = self.ready()
        self.prepare()
        self.watcher.look(engine, page)
        return engine.faults

    def prepare(self) -> None:
        """Write what time itself brings: what nobody tells of any more ends, focus windows open."""
        self.hearing.lapse()
        self.focusing.keeping.open_due()

    def call_watchdog(self) -> None:
        """Tell whoever waits for it that rules are evaluated; without a word it raises the alarm.

        Raises:
            OpskitError: it cannot be told.
        """
        name = self.config.settings.alerts.watchdog_url_file
        if not name:
            return
        url = read_secret(self.config.path(name))
        try:
            answer = get(url, {}, seconds=_WATCHDOG_SECONDS, max_bytes=65_536, allow_private=True)
        except OpskitError as error:
            # Its own message would name the URL, which is a secret.
            raise OutsideError("the watchdog could not be called", retryable=True) from error
        if answer.status >= _FIRST_REFUSAL:
            raise OutsideError(f"the watchdog answered {answer.status}", retryable=True)

    @cached_property
    def watcher(self) -> Watcher:
        """Return what passes over alerts."""
        return Watcher(
            self.database,
            self.ledger,
            self.outbox,
            self.clock,
            self.plan or unrouted(),
            self._around,
            Duration(self.config.settings.alerts.history),
        )

    @cached_property
    def responses(self) -> Responses:
        """Return what takes the word of whoever runs this process."""
        return Responses(self.database, self.ledger, self.outbox, self.clock, self.user)

    def take(self, rota: str, person: str, interval: Interval) -> str:
        """Write that somebody takes over a time of a rota; return who.

        Raises:
            ConfigError: there is no such rota, or nobody could tell that person.
        """
        plan = plan_of(self.config)
        if rota not in plan.duties:
            guess = nearest(rota, list(plan.duties))
            meant = f"; did you mean {guess}?" if guess else ""
            raise ConfigError(f"there is no rota {rota!r}{meant}", hint="opskit alerts oncall")
        if not plan.routes.contacts.get(person):
            raise ConfigError(
                f"{person!r} has no contacts: nobody could be told",
                hint=f"add {person} to contacts in {ROUTES}, or give --person",
            )
        with self.database.write() as connection:
            shifts.keep(connection, rota, Shift(interval, person))
            # Who is on call when is in the rota; the ledger keeps for ever, so it names nobody.
            told = {"from": interval.start, "until": interval.end}
            self.ledger.append(connection, "oncall.taken", f"rota/{rota}", told)
        return person

    def loads(self, period: Interval) -> tuple[Load, ...]:
        """Return how often the shifts of each rota were called within a period.

        Raises:
            ConfigError: there is no routes file.
        """
        plan = self.on_call()
        with self.database.read() as connection:
            called = notices.calls(connection, period)
        zone = self.config.zone
        calls = [Call(x.at, frozenset(x.told), is_after_hours(x.at, zone)) for x in called]
        return loads(plan, calls, period)

    def on_call(self) -> Plan:
        """Return the plan with what was taken over by a command.

        Raises:
            ConfigError: there is no routes file.
        """
        with self.database.read() as connection:
            since = Instant(self.clock.now() - _LOOK_BACK)
            return plan_of(self.config).taking(shifts.taken(connection, since))

    @cached_property
    def hearing(self) -> Hearing:
        """Return what takes down alerts that others tell of."""
        return Hearing(self.database, self.ledger, self.clock)

    @cached_property
    def silencing(self) -> Silencing:
        """Return the alerts that opskit knows of and the silences it keeps."""
        return Silencing(self.database, self.ledger, self.clock)

    @cached_property
    def keeper(self) -> Keeper:
        """Return where silences are kept: the Alertmanager, where one is set.

        Raises:
            ConfigError: its token cannot be read.
        """
        settings = self.config.settings.alertmanager
        if settings is None:
            return self.silencing
        remote = RemoteAlerting(door_of(settings, self.config.root))
        return Witnessed(remote, self.database, self.ledger)

    @property
    def silences(self) -> Silences:
        """Return what takes silences to where they are kept."""
        return Silences(self.keeper, self.clock, self.user)

    def shown(self, now: Instant) -> tuple[Shown, ...]:
        """Return what is pending or fires, oldest first, with what people said of it."""
        with self.database.read() as connection:
            opened = firings.opened(connection)
            acknowledged = {one.fingerprint: one for one in said.acknowledgements(connection, now)}
            silences = [one.silence for one in said.silences(connection, now)]
        return tuple(
            Shown(
                one,
                acknowledged.get(one.fingerprint),
                tuple(each.id for each in silences if each.holds(one.labels, now)),
            )
            for one in sorted(opened, key=lambda one: one.since)
            if one.state(now) is not State.RESOLVED
        )

    def explain(self, name: str) -> tuple[Explained, ...]:
        """Return why alerts were told or not: by their name, or the beginning of a fingerprint.

        Where none is pending or fires, the last one that did.
        """
        now = self.clock.now()
        plan = self.on_call() if self.is_routed else None
        with self.database.read() as connection:
            found = firings.named(connection, name)
            there = [one for one in found if one.state(now) is not State.RESOLVED] or found[-1:]
            return tuple(explained(connection, one, plan, self._around, now) for one in there)

    def stale(self, now: Instant) -> str:
        """Return why nobody knows what fires now; empty where rules were evaluated lately.

        Where Prometheus evaluates them, whether it does is not known here.
        """
        if self.config.settings.alerts.evaluator == "prometheus":
            return ""
        with self.database.read() as connection:
            at = passes.last(connection)
        if at is None:
            return "rules were never evaluated"
        late = now - at > _LATE * self.config.settings.alerts.interval
        return f"rules were last evaluated {format_duration(now - at)} ago" if late else ""

    @property
    def _around(self) -> Around:
        return Around(upstream=self._upstream, focus=self.focusing.quiet)

    def _upstream(self) -> Mapping[str, str]:
        """Return for each service that is down for another's sake that other."""
        if self.catalogue is None:
            return {}
        catalogue = self.catalogue()
        with self.database.read() as connection:
            states = targets.states(connection)
        down = {name.partition("/")[0] for name, (seen, _) in states.items() if seen is Seen.DOWN}
        known = down & catalogue.services.keys()
        blamed = {name: causes(catalogue, name, known - {name}) for name in known}
        return {name: ", ".join(found) for name, found in blamed.items() if found}
