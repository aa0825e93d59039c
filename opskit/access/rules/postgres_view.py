"""What a rule about a PostgreSQL server sees, and how it says what it found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from opskit.access.databases.membership import Path, Reach, told
from opskit.access.databases.model import Content, Database, DatabaseState, HbaLine, Role
from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.core.findings import Severity
from opskit.core.text import clean, shorten

_LONGEST_LINE = 300


@dataclass(frozen=True)
class DatabaseView:
    """One server, with its memberships resolved."""

    state: DatabaseState

    @cached_property
    def reach(self) -> Reach:
        """Return who can become or inherit from whom."""
        return Reach(self.state.memberships)

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Return the roles by name."""
        return {role.name: role for role in self.state.roles}

    @property
    def logins(self) -> Iterator[Role]:
        """Yield the roles that can log in and need not have every right."""
        trusted = self.state.trusted
        return (role for role in self.state.roles if role.login and not trusted(role))

    @property
    def contents(self) -> Iterator[tuple[Database, Content]]:
        """Yield the databases that were looked into."""
        for database in self.state.databases:
            if database.content is not None:
                yield database, database.content

    def becomes(self, role: Role) -> Iterator[tuple[Role, Path]]:
        """Yield each role that `role` can become, and itself with an empty way."""
        yield role, ()
        for name, path in self.reach.becomes(role.name).items():
            if name in self.roles:
                yield self.roles[name], path

    def evident(self, role: Role, path: Path = ()) -> tuple[Evidence, ...]:
        """Return the lines of the catalogues that a way starts with and goes along."""
        lines = [catalogue("pg_auth_members", edge.line) for edge in path]
        return (catalogue("pg_roles", role.line), *lines)

    def finding(
        self,
        rule: str,
        severity: Severity,
        subject: str,
        message: str,
        *,
        fix: str,
        meaning: tuple[str, ...],
        path: tuple[str, ...] = (),
        evidence: tuple[Evidence, ...] = (),
    ) -> AccessFinding:
        """Return a finding about this server, clean to be shown."""
        shown = tuple(clean(step) for step in path or (subject,))
        return AccessFinding(
            rule, severity, Scope.STATE, clean(subject), self.state.name, clean(message), shown,
            evidence, clean(fix), meaning,
        )  # fmt: skip


def catalogue(name: str, line: str) -> Evidence:
    """Return a row of a catalogue as evidence."""
    return Evidence(name, 0, shorten(clean(line), _LONGEST_LINE))


def at(line: HbaLine) -> Evidence:
    """Return a line of pg_hba.conf as evidence."""
    return Evidence(line.file, line.number, shorten(clean(line.line), _LONGEST_LINE))


def chain(role: Role, path: Path, ends: str) -> tuple[str, ...]:
    """Return a why-chain from a role along its memberships to what it has by them."""
    return (*told(role.name, path), ends)
