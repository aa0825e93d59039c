"""The files in `access/` of an ops repository: read whole, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from opskit.access.consistency import Places, consistency
from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import AccessPolicy, Key, LinuxRights, People, Role, Roles, Targets
from opskit.access.references import references
from opskit.access.registry import Registry
from opskit.access.rolecheck import check as check_role, declared
from opskit.access.rules.suppressions import Written
from opskit.core.findings import Finding, Severity
from opskit.outside.config import Settings
from opskit.outside.documents import Document, parse
from opskit.outside.models import Model, validate

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Names:
    """What the four files are called, relative to the repository."""

    people: str = "access/people.yaml"
    roles: str = "access/roles.yaml"
    targets: str = "access/targets.yaml"
    policy: str = "access/policy.yaml"

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Return what settings call them."""
        return cls(settings.people, settings.roles, settings.targets, settings.policy)


@dataclass(frozen=True)
class Repository:
    """The files that are there, decoded; None for one that is not, or is broken.

    `documents` says where each key of each file stands. `today` tells who has left.
    """

    people: People | None = None
    roles: Roles | None = None
    targets: Targets | None = None
    policy: AccessPolicy | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    names: Names = Names()
    today: date = date.min

    @property
    def registry(self) -> Registry | None:
        """Return the files taken together; None where one is not there, or is broken."""
        if self.people and self.roles and self.targets and self.policy:
            return Registry(self.people, self.roles, self.targets, self.policy)
        return None

    @property
    def mistakes(self) -> tuple[Finding, ...]:
        """Return what stands in the way of decoding."""
        return tuple(one for document in self.documents.values() for one in document.findings)

    @property
    def suppressions(self) -> tuple[Written, ...]:
        """Return the accepted findings of the policy and where they stand."""
        entries = self.policy.suppressions if self.policy else ()
        document = self.documents.get(self.names.policy) or Document(self.names.policy)
        return tuple(
            Written(entry, document.place(("suppressions", at))) for at, entry in enumerate(entries)
        )


def repository(root: Path, names: Names, today: date) -> Repository:
    """Read the files of a repository."""
    documents: dict[str, Document] = {}

    def decoded(name: str, model: type[M]) -> M | None:
        path = root / name
        if not path.exists():
            return None
        documents[name] = parse(path, name=name)
        return validate(documents[name], model)

    return Repository(
        decoded(names.people, People), decoded(names.roles, Roles),
        decoded(names.targets, Targets), decoded(names.policy, AccessPolicy),
        documents, names, today,
    )  # fmt: skip


Check = Callable[[Repository], Iterator[Finding]]


def _people(files: Repository) -> Iterator[Finding]:
    if files.people is not None:
        document = files.documents[files.names.people]
        yield from references(files.people, files.names.people, document.place)
        for path, key in _keys(files.people):
            try:
                public_key(key.key)
            except NoKeyError as error:
                subject = ".".join(map(str, path))
                fix = "write the line of its .pub file"
                yield Finding(
                    "access-key", Severity.HIGH, subject, str(error), document.place(path), fix
                )


def _keys(people: People) -> Iterator[tuple[tuple[str | int, ...], Key]]:
    for part, holders in (("people", people.people), ("service_accounts", people.service_accounts)):
        for name, holder in holders.items():
            for at, key in enumerate(holder.keys):
                yield (part, name, "keys", at), key


def _together(files: Repository) -> Iterator[Finding]:
    """Yield what does not hold between the files, where all four are there."""
    if files.registry is not None:
        at = {name: files.documents[getattr(files.names, name)].place for name in _PLACED}
        yield from consistency(files.registry, Places(**at), files.today)


_PLACED = ("people", "roles", "policy")
# Rules about the files of a repository are entered here.
CHECKS: tuple[Check, ...] = (_people, _together)


def checked(files: Repository) -> Iterator[Finding]:
    """Yield every mistake in the files, and what is worth knowing."""
    yield from files.mistakes
    for check in CHECKS:
        yield from check(files)


def findings(files: Repository) -> Iterator[AccessFinding]:
    """Yield every mistake in the files."""
    yield from map(_of_policy, checked(files))


def given(files: Repository) -> Iterator[AccessFinding]:
    """Yield what is risky in what the roles of the catalogue give, with the line it stands in."""
    if files.roles is None:
        return
    document = files.documents[files.names.roles]
    targets = files.targets or Targets()
    registry = Registry(People(), files.roles, targets, AccessPolicy())
    for name, role in files.roles.roles.items():
        for one in declared(check_role(name, registry), role):
            lines = (
                Evidence(
                    files.names.roles, document.place(_written(name, role, each.raw)).line, each.raw
                )
                for each in one.evidence
            )
            yield one._replace(scope=Scope.POLICY, evidence=tuple(lines))


def _written(name: str, role: Role, raw: str) -> tuple[str | int, ...]:
    """Return the key path of the right that a finding of a role names."""
    linux = role.linux or LinuxRights()
    for at, right in enumerate(linux.sudo):
        if raw in right.commands:
            index = right.commands.index(raw)
            return ("roles", name, "linux", "sudo", at, "commands", index)
    if raw in linux.groups:
        return ("roles", name, "linux", "groups", linux.groups.index(raw))
    return ("roles", name)


def _of_policy(one: Finding) -> AccessFinding:
    place = one.location
    return AccessFinding(
        rule=one.rule, severity=one.severity, scope=Scope.POLICY, subject=one.subject, target="",
        message=one.message, path=(), fix=one.fix, meaning=(place.path if place else "",),
        evidence=(Evidence(place.path, place.line, ""),) if place else (),
    )  # fmt: skip
