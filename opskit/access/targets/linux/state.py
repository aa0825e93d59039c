"""What a host gave, as the parsers of its files take it."""

from __future__ import annotations

from collections.abc import Callable

from opskit.access.hosts.model import HostState
from opskit.access.hosts.reading import Facts, Given, state_of
from opskit.access.targets.linux.wire import Collected


def reader(production: frozenset[str]) -> Callable[[str, Collected], HostState]:
    """Return what reads what a host gave; `production` are the hosts on which much depends."""

    def read(name: str, given: Collected) -> HostState:
        facts = Facts(
            sshd=given.sshd or None,
            sshd_version=given.sshd_version,
            sudo_version=given.sudo_version,
            paths=given.paths,
            remains=given.remains,
            production=name in production,
        )
        return state_of(name, Given(given.files, given.directories), facts)

    return read
