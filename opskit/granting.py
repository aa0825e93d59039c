"""Access joined to the world: its files, the inventory, and the kinds of targets there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from opskit.access.model import (
    Environment,
    LinuxTarget,
    PlaybookTarget,
    PostgresTarget,
)
from opskit.access.registry import Registry
from opskit.access.repository import Names, checked, repository
from opskit.access.store import policies
from opskit.access.workplace import Workplace, nobody_signs
from opskit.core.clock import SECOND, Clock, Duration, to_datetime
from opskit.core.errors import ConfigError, DataError, OutsideError
from opskit.core.findings import Severity
from opskit.outside.config import Config
from opskit.outside.database import Database
from opskit.outside.documents import summary
from opskit.outside.files import private_directory
from opskit.records.leases import Leases
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

if TYPE_CHECKING:
    from opskit.access.targets.kinds import TargetKind
    from opskit.outside.ansible.inventory import Way
    from opskit.outside.sshca import Signer

# Ansible takes a second to say what a pattern stands for, and one command asks several times.
_FRESH = 30 * SECOND


@dataclass(frozen=True)
class Granting:
    """What the verbs of access are given, in one ops repository."""

    config: Config
    environment: Mapping[str, str]
    clock: Clock
    database: Database
    ledger: Ledger
    outbox: Outbox
    channels: tuple[str, ...]
    inventory: tuple[str, ...]
    user: str

    @cached_property
    def registry(self) -> Registry:
        """Return the files in `access/`.

        Raises:
            ConfigError: one is not there.
            DataError: one holds mistakes, or they do not hold together.
        """
        today = to_datetime(self.clock.now(), self.config.zone).date()
        names = Names.of(self.config.settings)
        files = repository(self.config.root, names, today)
        missing = [one for one in astuple(names) if one not in files.documents]
        if missing:
            raise ConfigError(
                f"there is no {missing[0]}", hint="opskit init lays one out; see access/README.md"
            )
        if files.registry is not None and self._was_used(files.registry):
            return files.registry
        # Only mistakes stand in the way. What is worth knowing, and what rules of the catalogue say
        # (their ids are in capitals), is told by `opskit check` and `opskit access lint`.
        found = [
            one
            for one in checked(files)
            if one.severity.rank >= Severity.HIGH.rank and not one.rule.isupper()
        ]
        if found or files.registry is None:
            raise DataError(summary("access/", found), tuple(found), hint="opskit check")
        return files.registry

    def _was_used(self, registry: Registry) -> bool:
        """Return whether something was decided by this very state of the files: it was sound."""
        with self.database.read() as connection:
            return policies.is_kept(connection, registry.version)

    @cached_property
    def workplace(self) -> Workplace:
        """Return what asking and deciding need: the files as they are, without mistakes."""
        return self._workplace(self.registry)

    @cached_property
    def lenient(self) -> Workplace:
        """Return what ending and looking need: where files are wrong or gone, the last good ones.

        A broken file must not keep anybody's access alive.

        Raises:
            ConfigError: one is not there, and no good state of them was ever used.
            DataError: they hold mistakes, and none was.
        """
        try:
            return self.workplace
        except (ConfigError, DataError):
            with self.database.read() as connection:
                last = policies.newest(connection)
            if last is None:
                raise
            return self._workplace(last)

    def _workplace(self, registry: Registry) -> Workplace:
        return Workplace(
            registry=registry,
            database=self.database,
            ledger=self.ledger,
            leases=Leases(self.clock),
            clock=self.clock,
            zone=self.config.zone,
            outbox=self.outbox,
            # Made anew each time: who administers a host that has come since is known then.
            kind=lambda name: self._kind(registry, name),
            places=lambda name: self._places(registry, name),
            environment=self.environment,
            user=self.user,
            channels=self.channels,
            authority=cache(lambda environment: self._authority(registry, environment)),
        )

    def _authority(self, registry: Registry, environment: Environment) -> Signer:
        """Return who signs the certificates of an environment."""
        from opskit.outside.sshca import signer  # noqa: PLC0415

        named = registry.policy.authorities.get(environment)
        if named is None:
            return nobody_signs(environment)
        secret = self.config.path(named.passphrase_file) if named.passphrase_file else None
        return signer(self.config.path(named.key_file), secret, self.environment)

    def ways(self) -> Mapping[str, Way]:
        """Return how ssh reaches each host of the inventory.

        Raises:
            OutsideError: Ansible cannot read it.
        """
        from opskit.outside.ansible.inventory import ways  # noqa: PLC0415

        sources = [self.config.path(one) for one in self.inventory]
        return ways(sources, self.config.root, self.environment)

    def _kind(self, registry: Registry, name: str) -> TargetKind:
        """Return what looks at and changes a kind of target."""
        known = registry.targets.targets
        inventory = tuple(self.config.path(one) for one in self.inventory)
        runs = private_directory(self.config.state_directory / "access")
        if name == "linux":
            from opskit.access.sudoers.render import render_grant  # noqa: PLC0415  # each is heavy
            from opskit.access.targets.linux import LinuxKind  # noqa: PLC0415
            from opskit.access.targets.linux.state import reader  # noqa: PLC0415

            return LinuxKind(
                inventory, self.config.root, runs, self.environment, self.clock, render_grant,
                reader(self._production(registry)), self._administrators(registry),
            )  # fmt: skip
        if name == "postgres":
            from opskit.access.targets.postgres import PostgresKind  # noqa: PLC0415

            given = (role.postgres for role in registry.roles.roles.values())
            return PostgresKind(
                {key: one for key, one in known.items() if isinstance(one, PostgresTarget)},
                self.config.root, self.clock,
                frozenset(each for one in given if one for each in one.member_of),
            )  # fmt: skip
        from opskit.access.targets.playbooks import PlaybookKind  # noqa: PLC0415

        return PlaybookKind(
            {key: one for key, one in known.items() if isinstance(one, PlaybookTarget)},
            self.config.root, inventory, runs, self.environment, self.clock,
        )  # fmt: skip

    def _administrators(self, registry: Registry) -> Mapping[str, tuple[str, ...]]:
        """Return for each host the accounts that are never touched."""
        found: dict[str, tuple[str, ...]] = {}
        for name, target in registry.targets.targets.items():
            if isinstance(target, LinuxTarget):
                for host in self._hosts(name, target.hosts):
                    found[host] = (*found.get(host, ()), *target.administrators)
        return found

    def _production(self, registry: Registry) -> frozenset[str]:
        """Return the hosts on which much depends."""
        return frozenset(
            host
            for name, target in registry.targets.targets.items()
            if isinstance(target, LinuxTarget) and target.environment is Environment.PRODUCTION
            for host in self._hosts(name, target.hosts)
        )

    def _places(self, registry: Registry, name: str) -> tuple[str, ...]:
        """Return the hosts or servers that a target stands for now."""
        target = registry.target(name)
        if isinstance(target, LinuxTarget):
            return self._hosts(name, target.hosts)
        return (name,) if target is not None else ()

    @cached_property
    def _known_hosts(self) -> dict[str, tuple[Duration, tuple[str, ...]]]:
        return {}

    def _hosts(self, name: str, pattern: str) -> tuple[str, ...]:
        from opskit.outside.ansible.listing import matching  # noqa: PLC0415

        now = self.clock.monotonic()
        asked_at, found = self._known_hosts.get(pattern, (Duration(now - _FRESH), ()))
        if now - asked_at >= _FRESH:
            sources = tuple(self.config.path(one) for one in self.inventory)
            found = matching(sources, pattern, self.config.root, self.environment)
            self._known_hosts[pattern] = (now, found)
        if not found:
            raise OutsideError(
                f"no host of the inventory is {pattern!r}, of the target {name}",
                hint="correct `hosts` in access/targets.yaml",
            )
        return found
