"""The composition root: the one place where slices, records and the outside are wired together.

Everything is made when it is first asked for, so that a command pays only for what it uses.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opskit.channels import Channels, Made
from opskit.core.clock import HOUR, Clock, SystemClock, to_datetime
from opskit.core.errors import DataError
from opskit.core.findings import Finding
from opskit.core.people import actor, user
from opskit.outside.config import Config, load
from opskit.outside.database import Database
from opskit.outside.documents import summary
from opskit.outside.models import Model, read
from opskit.records.ledger import Ledger, Verification, verify

if TYPE_CHECKING:
    from opskit.access.model import People
    from opskit.alerting import Alerting
    from opskit.alerts.drilling import Drills, Fault
    from opskit.alerts.reviewing import Reviewing
    from opskit.backtests import Backtests
    from opskit.collectors import Gatherer
    from opskit.core.metrics import Family
    from opskit.deskwork import Deskwork
    from opskit.fleet.apply import Gate
    from opskit.fleet.workplace import Request, Workplace
    from opskit.focusing import Focusing
    from opskit.granting import Granting
    from opskit.history.keeping import Imports
    from opskit.importing import Accounts
    from opskit.issuing import Issuing
    from opskit.monitor.beats import StoredBeats
    from opskit.monitor.catalogue import Catalogue, Target
    from opskit.monitor.discovery import TargetGroup
    from opskit.monitor.foresight import Foresight
    from opskit.monitor.kinds import Around
    from opskit.monitor.maintenance import Announcements
    from opskit.monitor.prober import Prober
    from opskit.monitor.pulse import Pulse
    from opskit.monitor.record import Recorder
    from opskit.monitor.witnesses import Witnesses
    from opskit.records.archive import Archive
    from opskit.records.leases import Lease
    from opskit.records.messages import Delivered
    from opskit.records.outbox import Outbox
    from opskit.reporting import Reporting
    from opskit.sending import Sending
    from opskit.upkeep import Upkeep

_LONGEST_WORK = 4 * HOUR
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Verified:
    """The chain, and the seals of observations that do not match what is stored."""

    chain: Verification
    broken_seals: tuple[int, ...]

    @property
    def ok(self) -> bool:
        """Return whether all evidence is as it was written."""
        return self.chain.broken_at is None and not self.broken_seals


@dataclass(frozen=True)
class App:
    """opskit at work in one ops repository."""

    config: Config
    environment: Mapping[str, str]
    clock: Clock = field(default_factory=SystemClock)
    lease: Lease | None = None

    @classmethod
    def find(
        cls,
        named: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **flags: object,
    ) -> App:
        """Return opskit for the configuration in force here; flags come first."""
        given = os.environ if environment is None else environment
        config = load(named, given, Path.cwd())
        return cls(config.overridden(**flags), given)

    def leading(self, lease: Lease) -> App:
        """Return the same opskit, writing only while a lease is held."""
        return replace(self, lease=lease)

    def listening(self, address: str) -> App:
        """Return the same opskit, answering at another address.

        Raises:
            ConfigError: it is none.
        """
        return replace(self, config=self.config.listening(address))

    # Records

    @cached_property
    def database(self) -> Database:
        """Return the database, migrated."""
        # Every table must be known before the schema is used.
        from opskit.access.store import tables as _access  # noqa: F401, PLC0415
        from opskit.alerts.store import tables as _alerts  # noqa: F401, PLC0415
        from opskit.fleet import store as _fleet  # noqa: F401, PLC0415
        from opskit.history import store as _history  # noqa: F401, PLC0415
        from opskit.monitor import store as _monitor  # noqa: F401, PLC0415
        from opskit.records import archive, intake, leases, ticks, waivers  # noqa: F401, PLC0415

        if self.lease is not None:
            from opskit.records.fenced import Fenced  # noqa: PLC0415

            return Fenced(self.config.database_url, leases.Leases(self.clock), self.lease)
        return Database.open(self.config.database_url)

    @cached_property
    def ledger(self) -> Ledger:
        """Return the ledger, writing as whoever runs this process."""
        return Ledger(self.clock, actor(self.environment, self.user))

    @property
    def user(self) -> str:
        """Return the account of whoever runs this process."""
        from opskit.outside.process import account  # noqa: PLC0415

        return user(self.environment, account(), os.geteuid())

    @cached_property
    def outbox(self) -> Outbox:
        """Return the deliveries owed."""
        from opskit.records.outbox import Outbox  # noqa: PLC0415

        return Outbox(self.database, self.clock, self.ledger)

    def verify(self, expected: str = "") -> Verified:
        """Walk the ledger and compare what it sealed with what is stored."""
        from opskit.monitor.store.seals import broken_seals  # noqa: PLC0415

        chain = verify(self.database, expected=expected)
        with self.database.read() as connection:
            return Verified(chain, broken_seals(connection))

    def deliver(self) -> Delivered | None:
        """Send what is owed and due; nothing where no channel is configured."""
        return self.channels.deliver(self.outbox)

    def check_channels(self) -> None:
        """Look whether deliveries could be sent.

        Raises:
            ConfigError: a channel's secret is missing, or can be read by others.
        """
        self.channels.check()

    @cached_property
    def channels(self) -> Channels:
        """Return where deliveries go."""
        return Channels(self.config, self.clock, self.environment, self._carriers)

    # Slices

    @cached_property
    def workplace(self) -> Workplace:
        """Return what fleet runs need."""
        from opskit.fleet.workplace import Workplace  # noqa: PLC0415
        from opskit.records.leases import Leases  # noqa: PLC0415

        return Workplace(
            database=self.database,
            ledger=self.ledger,
            leases=Leases(self.clock),
            clock=self.clock,
            environment=self.environment,
            root=self.config.root,
            state_directory=self.config.state_directory,
            outbox=self.outbox,
            channels=self.channels.names,
        )

    def request(
        self, *, limit: str, tags: tuple[str, ...], variables: Mapping[str, str]
    ) -> Request:
        """Return a run over the configured standard and inventory."""
        from opskit.fleet.workplace import Request  # noqa: PLC0415

        return Request(
            playbook=self.config.path(self.config.settings.standard),
            inventory=self.inventory,
            limit=limit,
            tags=tags,
            forks=self.config.settings.forks,
            variables=variables,
            strategy=self.config.settings.check_strategy,
        )

    def gates(self, commands: tuple[str, ...], services: tuple[str, ...]) -> tuple[Gate, ...]:
        """Return what must hold between the batches of a rollout."""
        from opskit.gates import CommandGate, ServiceGate  # noqa: PLC0415

        root = self.config.root
        watched = self.catalogue.known(services) if services else ()
        return (
            *(CommandGate.parse(command, root, self.environment) for command in commands),
            *(ServiceGate(self.catalogue, name, self.prober) for name in watched),
        )

    @cached_property
    def granting(self) -> Granting:
        """Return what the verbs of access are given."""
        from opskit.granting import Granting  # noqa: PLC0415

        return Granting(
            self.config, self.environment, self.clock, self.database, self.ledger, self.outbox,
            self.channels.names, self.config.settings.inventory,
            self.user,
        )  # fmt: skip

    @property
    def today(self) -> date:
        """Return the day it is in the configured zone."""
        return to_datetime(self.clock.now(), self.config.zone).date()

    @property
    def inventory(self) -> tuple[Path, ...]:
        """Return the inventories."""
        return tuple(self.config.path(name) for name in self.config.settings.inventory)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Return the service catalogue.

        Raises:
            DataError: it holds mistakes.
        """
        from opskit.monitor.catalogue import Catalogue  # noqa: PLC0415

        name = self.config.settings.services
        own = read(self.config.path(name), Catalogue, name=name)
        if not own.openslo:
            return own
        from opskit.inspection import openslo_documents  # noqa: PLC0415
        from opskit.monitor import openslo  # noqa: PLC0415

        promised = openslo.promises(openslo_documents(self.config, own), own)
        if promised.findings:
            raise DataError(summary("openslo", promised.findings), tuple(promised.findings))
        return openslo.merged(own, promised.objectives)

    @cached_property
    def recorder(self) -> Recorder:
        """Return what writes observations."""
        from opskit.monitor.record import Recorder  # noqa: PLC0415

        channels = self._directly
        return Recorder(self.database, self.ledger, self.outbox, channels, self.catalogue)

    @cached_property
    def announcements(self) -> Announcements:
        """Return what writes announced work."""
        from opskit.monitor.maintenance import Announcements  # noqa: PLC0415

        return Announcements(
            self.database,
            self.ledger,
            self.outbox,
            self._directly,
            catalogue=lambda: self.catalogue,
        )

    def prober(self, targets: Sequence[Target]) -> Prober:
        """Return what looks at these targets of the catalogue."""
        from opskit.monitor.connectivity import Gate  # noqa: PLC0415
        from opskit.monitor.numbers import Numbers  # noqa: PLC0415
        from opskit.monitor.prober import Prober  # noqa: PLC0415

        known = self.recorder.begin(self.catalogue)
        gate, numbers = Gate.of(self.catalogue), Numbers(self.database)
        witnesses = self._witnesses()
        return Prober(targets, self.recorder, self.around, known, gate, witnesses, numbers)

    def _witnesses(self) -> Witnesses | None:
        """Return who else is asked about failures; nothing where the catalogue names nobody."""
        catalogue = self.catalogue
        if not catalogue.names_witnesses:
            return None
        from opskit.monitor.quorum import Quorum  # noqa: PLC0415
        from opskit.outside.ansible import door, inventory  # noqa: PLC0415

        root = self.config.root
        return Quorum(
            catalogue,
            lambda: inventory.ways(self.inventory, root, self.environment),
            door.environment(root, self.environment),
        )

    @cached_property
    def upkeep(self) -> Upkeep:
        """Return what is done again and again while opskit runs."""
        from opskit.upkeep import Upkeep  # noqa: PLC0415

        return Upkeep(
            self.clock,
            self.announcements,
            self.foresight,
            lambda: self.catalogue.target_ids,
            self.deliver,
            self.drills.settle,
        )

    def maintained(self, services: tuple[str, ...], reason: str) -> AbstractContextManager[object]:
        """Announce work on services for as long as this lasts, at most `_LONGEST_WORK`."""
        if not services:
            return nullcontext()
        self.catalogue.known(services)
        return self.announcements.during(services, reason, _LONGEST_WORK)

    @cached_property
    def around(self) -> Around:
        """Return what probes may use besides the network."""
        from opskit.facts import FleetFacts  # noqa: PLC0415
        from opskit.monitor.kinds import Around  # noqa: PLC0415

        facts = FleetFacts(self.database)
        return Around(self.config.root, self.clock, self.environment, self.beats, facts)

    @cached_property
    def beats(self) -> StoredBeats:
        """Return what called in."""
        from opskit.monitor.beats import StoredBeats  # noqa: PLC0415

        return StoredBeats(self.database)

    @cached_property
    def drills(self) -> Drills:
        """Return what proves that alerts reach a human."""
        from opskit.alerts.drilling import Drills  # noqa: PLC0415

        return Drills(
            self.database, self.ledger, self.outbox, self.clock, self.config.zone,
            self.channels.names, self.deliver,
        )  # fmt: skip

    @cached_property
    def alerting(self) -> Alerting:
        """Return what evaluates alert rules, and tells whom they concern."""
        from opskit.alerting import Alerting  # noqa: PLC0415

        watched = (lambda: self.catalogue) if self._has(self.config.settings.services) else None
        return Alerting(
            self.config, self.database, self.ledger, self.outbox, self.clock,
            self.user, watched, self.focusing,
        )  # fmt: skip

    @cached_property
    def focusing(self) -> Focusing:
        """Return the time that teams keep free."""
        from opskit.focusing import Focusing  # noqa: PLC0415

        return Focusing(
            self.config, self.database, self.ledger, self.clock, self._owners, self._teams
        )

    @cached_property
    def desk(self) -> Deskwork:
        """Return the desk: incidents, and who has them in hand."""
        from opskit.deskwork import Deskwork  # noqa: PLC0415

        return Deskwork(
            self.focusing.desk, self.database, self.ledger, self.clock, self.user, self._watched,
            self._names,
        )  # fmt: skip

    def _watched(self) -> Catalogue | None:
        return self.catalogue if self._has(self.config.settings.services) else None

    def _owners(self) -> Mapping[str, str]:
        if not self._has(self.config.settings.services):
            return {}
        return {name: one.owner for name, one in self.catalogue.services.items()}

    def _teams(self) -> tuple[str, ...]:
        return tuple(self._people().teams)

    def _names(self) -> tuple[str, ...]:
        people = self._people()
        return (*people.people, *people.teams)

    def _people(self) -> People:
        from opskit.access.model import People  # noqa: PLC0415

        name = self.config.settings.people
        path = self.config.path(name)
        return read(path, People, name=name) if path.is_file() else People()

    @property
    def backtests(self) -> Backtests:
        """Return what tries alert rules over the past."""
        from opskit.backtests import Backtests  # noqa: PLC0415

        watched = self.catalogue if self._has(self.config.settings.services) else None
        return Backtests(self.config, self.database, watched)

    def evaluate(self) -> Mapping[str, str]:
        """Pass over all alert rules once, bring incidents up to date, send what is owed.

        Return the rules without an answer, each with why.
        """
        from opskit.alerts.engine import Page  # noqa: PLC0415

        faults = self.alerting.once(Page(self.families(), self.gatherer.hides))
        self.desk.watch.look()
        self.deliver()
        return faults

    @property
    def _directly(self) -> tuple[str, ...]:
        """Return the channels that are told of services themselves: routes decide where any are."""
        from opskit.alerts.planning import ROUTES  # noqa: PLC0415

        return () if self._has(ROUTES) else self.channels.names

    @property
    def fault(self) -> Fault:
        """Return the fault that a drill makes."""
        from opskit.drilling import LoopbackFault  # noqa: PLC0415

        return LoopbackFault(self.around)

    def scrape_targets(self, source: str = "") -> tuple[TargetGroup, ...]:
        """Return targets for Prometheus, of the `inventory`, of the `catalogue`, or of both."""
        from opskit.monitor import discovery  # noqa: PLC0415
        from opskit.outside.ansible.listing import listing  # noqa: PLC0415

        found: tuple[TargetGroup, ...] = ()
        if source != "catalogue":
            hosts = listing(self.inventory, self.config.root, self.environment)
            found += discovery.of_inventory(hosts, self.config.settings.serve.exporter_port)
        if source != "inventory" and self._has(self.config.settings.services):
            found += discovery.of_catalogue(self.catalogue)
        return found

    @cached_property
    def reviewing(self) -> Reviewing:
        """Return what says which alerts were worth it."""
        from opskit.alerts.reviewing import Reviewing  # noqa: PLC0415
        from opskit.deeds import RecordedDeeds  # noqa: PLC0415

        return Reviewing(self.database, RecordedDeeds(self.database), self.config.zone)

    # The report

    @cached_property
    def imports(self) -> Imports:
        """Return where history from elsewhere is kept."""
        from opskit.history.keeping import Imports  # noqa: PLC0415

        return Imports(self.database, self.ledger)

    def accounts(self, host: str) -> Accounts:
        """Return whose accounts there are, and which grants a host had."""
        from opskit.access.usage import grants_by_place  # noqa: PLC0415
        from opskit.importing import Accounts  # noqa: PLC0415

        with self.database.read() as connection:
            return Accounts.of(self._people(), grants_by_place(connection).get(host, ()))

    @cached_property
    def reporting(self) -> Reporting:
        """Return what builds reports."""
        from opskit.reporting import Reporting  # noqa: PLC0415

        catalogue = self.catalogue if self._has(self.config.settings.services) else None
        return Reporting(self.config, self.database, self.clock, catalogue)

    @cached_property
    def archive(self) -> Archive:
        """Return the reports that were issued."""
        from opskit.records.archive import Archive  # noqa: PLC0415

        return Archive(self.database, self.ledger)

    @cached_property
    def issuing(self) -> Issuing:
        """Return what builds reports, and issues those of whole months."""
        from opskit.issuing import Issuing  # noqa: PLC0415

        return Issuing(self.reporting, self.archive)

    @cached_property
    def sending(self) -> Sending:
        """Return what sends reports to whom they are for."""
        from opskit.sending import Sending  # noqa: PLC0415

        notices = Channels(self.config, self.clock, self.environment)
        return Sending(
            self.config, self.database, self.ledger, self.outbox, self.archive, notices,
            lambda: self.issuing,
        )  # fmt: skip

    def _carriers(self) -> Mapping[str, Made]:
        return self.sending.senders()

    def _has(self, name: str) -> bool:
        return self.config.path(name).exists()

    # What can be measured now

    def families(self, pulse: Pulse | None = None) -> tuple[Family, ...]:
        """Return all that /metrics shows; `pulse` is how the looking goes, where somebody looks."""
        return self.gatherer.families(pulse)

    @cached_property
    def gatherer(self) -> Gatherer:
        """Return what reads the parts of the metrics page, and keeps what takes long."""
        from opskit.collectors import Gatherer  # noqa: PLC0415
        from opskit.parts import Parts  # noqa: PLC0415

        settings = self.config.settings
        watched = (lambda: self.catalogue) if self._has(settings.services) else None
        parts = Parts(self.database, self.clock, self.config.zone, watched, self.foresight)
        return Gatherer(tuple(parts.every()), self.clock, settings.metrics_max_series)

    @cached_property
    def foresight(self) -> Foresight:
        """Return what makes forecasts; `keep` writes what is new of them, and scores the old."""
        from opskit.monitor.foresight import DEFAULTS, Foresight, goal  # noqa: PLC0415

        own = self.config.settings.forecasts
        goals = {one.metric: goal(one.above, one.below, one.within) for one in own}
        return Foresight(self.database, self.ledger, {**DEFAULTS, **goals})

    # Checking the repository itself

    def lint(self) -> tuple[Finding, ...]:
        """Return every mistake in the files of the ops repository."""
        from opskit.inspection import Inspection  # noqa: PLC0415

        return Inspection(self.config, self.environment, self.inventory).findings()

    def lint_rules(self, files: Sequence[Path], seen: frozenset[str] | None) -> tuple[Finding, ...]:
        """Return what is wrong with rule files; of the whole repository where none is named.

        SEEN are names of metrics that a saved page has.

        Raises:
            ConfigError: there is none.
        """
        from opskit.inspection import Inspection  # noqa: PLC0415

        return Inspection(self.config, self.environment, ()).rule_findings(files, seen)
