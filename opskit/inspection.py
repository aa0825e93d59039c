"""`opskit check`: what is wrong, or odd, in the files of an ops repository."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from opskit import assuming
from opskit.access.model import People
from opskit.access.references import owners, unknown_team
from opskit.access.repository import Names, Repository, checked, repository
from opskit.alerts import checking
from opskit.alerts.planning import ROUTES, unnamed, untold
from opskit.alerts.routing.settings import Routes
from opskit.core.clock import SystemClock, to_datetime
from opskit.core.errors import ConfigError, OutsideError
from opskit.core.findings import Finding, Location, Severity, ordered
from opskit.desk.settings import Desk
from opskit.fleet import lint as fleet_lint
from opskit.monitor import lint as catalogue_lint, openslo
from opskit.monitor.catalogue import Catalogue
from opskit.outside.ansible import inventory as hosts
from opskit.outside.config import Config
from opskit.outside.documents import Document, parse, parse_all
from opskit.outside.models import Model, validate

M = TypeVar("M", bound=Model)


def openslo_documents(config: Config, catalogue: Catalogue) -> list[Document]:
    """Return the OpenSLO documents that a catalogue names."""
    return [
        document
        for name in catalogue.openslo
        for document in parse_all(config.path(name), name=name)
    ]


@dataclass(frozen=True)
class Inspection:
    """Reads every file that people wrote."""

    config: Config
    environment: Mapping[str, str]
    inventory: tuple[Path, ...]

    def findings(self) -> tuple[Finding, ...]:
        """Return every mistake, worst first."""
        return ordered(
            [*self._lint_people_and_services(), *self._lint_alerts(), *self._lint_fleet()]
        )

    def _lint_people_and_services(self) -> Iterator[Finding]:
        settings = self.config.settings
        catalogue, services = self._document(settings.services, Catalogue)
        access = self._access()
        people = access.people
        yield from services.findings
        yield from checked(access)
        if settings.people not in access.documents:
            yield _missing(settings.people)
        yield from self._lint_assumptions(people)
        yield from self._lint_desk(people)
        if people is not None and catalogue is not None:
            owned = {name: one.owner for name, one in catalogue.services.items()}
            yield from owners(people, owned, settings.people, services.place)
        if catalogue is not None:
            catalogue = yield from self._lint_openslo(catalogue, services)
            yield from catalogue_lint.findings(
                catalogue, services.place, self.config.zone, self._hosts_named_in(catalogue)
            )

    def _lint_assumptions(self, people: People | None) -> Iterator[Finding]:
        """Yield the mistakes of the assumptions; a file that is not there assumes nothing."""
        name = self.config.settings.assumptions
        if not self.config.path(name).exists():
            return
        found, document = self._document(name, assuming.AssumptionsFile)
        yield from document.findings
        if found is not None:
            yield from assuming.lint(found, document, people)

    def _lint_desk(self, people: People | None) -> Iterator[Finding]:
        """Yield the mistakes of the desk's file; without one no team has any wish."""
        name = self.config.settings.desk
        if not self.config.path(name).exists():
            return
        desk, document = self._document(name, Desk)
        yield from document.findings
        if desk is None or people is None:
            return
        for number, one in enumerate(desk.focus):
            place = document.place(("focus", number, "team"))
            found = unknown_team(people, one.team, self.config.settings.people, place)
            yield from () if found is None else (found,)

    def _access(self) -> Repository:
        names = Names.of(self.config.settings)
        today = to_datetime(SystemClock().now(), self.config.zone).date()
        return repository(self.config.root, names, today)

    def _lint_openslo(
        self, catalogue: Catalogue, services: Document
    ) -> Generator[Finding, None, Catalogue]:
        """Yield what is wrong with OpenSLO files; return the catalogue with what they promise."""
        missing = [name for name in catalogue.openslo if not self.config.path(name).exists()]
        for name in missing:
            at = services.place(("openslo", catalogue.openslo.index(name)))
            yield Finding("file-missing", Severity.HIGH, name, "there is no such file", at)
        if missing or not catalogue.openslo:
            return catalogue
        promised = openslo.promises(openslo_documents(self.config, catalogue), catalogue)
        yield from promised.findings
        return openslo.merged(catalogue, promised.objectives)

    def _hosts_named_in(self, catalogue: Catalogue) -> frozenset[str] | None:
        """Return the hosts of the inventory, if the catalogue names any and it can be read."""
        if not catalogue.names_witnesses:
            return None
        try:
            return frozenset(hosts.ways(self.inventory, self.config.root, self.environment))
        except OutsideError:  # the inventory has findings of its own
            return None

    def _document(self, name: str, model: type[M]) -> tuple[M | None, Document]:
        path = self.config.path(name)
        if not path.exists():
            return None, Document(name, findings=[_missing(name)])
        document = parse(path, name=name)
        return validate(document, model), document

    def rule_findings(
        self, files: Sequence[Path], seen: frozenset[str] | None
    ) -> tuple[Finding, ...]:
        """Return what is wrong with rule files; of the whole repository where none is named.

        Raises:
            ConfigError: there is none.
        """
        beside = self._rules()
        named = tuple(checking.read(path, str(path)) for path in files)
        if not named and not beside:
            raise ConfigError(
                "there is no rule file below alerts/", hint="opskit alerts new NAME writes one"
            )
        found = checking.findings(named or beside, beside, seen, self._service_names())
        return ordered(list(found))

    def _rules(self) -> tuple[checking.Read, ...]:
        """Return every rule file of the repository, read."""
        root, directory = self.config.root, self.config.path("alerts")
        return tuple(
            checking.read(path, str(path.relative_to(root)))
            for path in checking.rule_files(directory)
        )

    def _service_names(self) -> frozenset[str] | None:
        """Return the services of the catalogue, nothing where it is not there or not valid."""
        catalogue, _ = self._document(self.config.settings.services, Catalogue)
        return None if catalogue is None else frozenset(catalogue.services)

    def _lint_alerts(self) -> Iterator[Finding]:
        if self.config.path(ROUTES).exists():
            yield from self._lint_routes()
        yield from checking.findings(self._rules(), services=self._service_names())

    def _lint_routes(self) -> Iterator[Finding]:
        """Yield the mistakes of the routes file; channels that are none are among them."""
        routes, document = self._document(ROUTES, Routes)
        yield from document.findings
        if routes is not None:
            for message in untold(routes, self.config.settings):
                yield Finding("alerts-channel", Severity.HIGH, ROUTES, message, Location(ROUTES))
            yield from unnamed(self.config, routes)

    def _lint_fleet(self) -> Iterator[Finding]:
        root = self.config.root
        yield from fleet_lint.lint_playbooks(root / "playbooks", root)
        yield from fleet_lint.lint_inventory(self.inventory, root, self.environment)
        playbook = self.config.path(self.config.settings.standard)
        yield from fleet_lint.lint_syntax(playbook, self.inventory, root, self.environment)


def _missing(name: str) -> Finding:
    return Finding("file-missing", Severity.MEDIUM, name, "there is no such file", Location(name))
