"""Which role covers what somebody needs to run, and gives least besides. Pure.

A role covers a command where the very rules it would write into sudoers let somebody run it; it
is narrower the lower its risk and the fewer commands and groups it gives.
"""

from __future__ import annotations

from collections.abc import Sequence

from opskit.access.hosts.model import Account, File, Group, HostState, Line
from opskit.access.model import Role
from opskit.access.registry import Registry
from opskit.access.sudoers.decide import may
from opskit.access.sudoers.policy import load
from opskit.access.sudoers.render import render_grant
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError

_SUDOERS = "/etc/sudoers"
_NOWHERE = Line("", 0, "")
# A bare name is looked for there, as sudo would.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def covering(
    registry: Registry, need: str, targets: Sequence[str], now: Instant
) -> tuple[str, ...]:
    """Return the roles that let one run a command on these targets, narrowest first."""
    found = [
        (_width(role), name)
        for name, role in registry.roles.roles.items()
        if set(targets) <= set(role.targets) and covers(role, need, now)
    ]
    return tuple(name for _, name in sorted(found))


def _width(role: Role) -> tuple[int, int, int, int]:
    """Return how much a role gives: its risk, whether anything goes, commands, groups."""
    linux = role.linux
    commands = [one for right in (linux.sudo if linux else ()) for one in right.commands]
    anything = sum(one == "ALL" or one.endswith(" *") for one in commands)
    return role.risk.rank, anything, len(commands), len(linux.groups) if linux else 0


def covers(role: Role, need: str, now: Instant) -> bool:
    """Return whether the rules a role would write let one run a command."""
    if role.linux is None or not role.linux.sudo or not need.strip():
        return False
    state = _host(role)
    sudoers = load(state)
    run_as = {right.run_as for right in role.linux.sudo}
    words = need.split()
    tried = words[:1] if words[0].startswith("/") else [f"{d}/{words[0]}" for d in _PATH.split(":")]
    try:
        return any(
            may(sudoers, state, "somebody", [path, *words[1:]], run_as=who, now=now).allowed
            for path in tried
            for who in run_as
        )
    except ValueError as error:
        raise ConfigError(f"--need: {error}", hint="quote it as on a command line") from error


def _host(role: Role) -> HostState:
    """Return a host on which somebody holds the role, and nothing else is written."""
    assert role.linux is not None  # noqa: S101  # asked before
    text = render_grant("somebody", role.linux.sudo, None)
    names = sorted({"root", "somebody", *(right.run_as for right in role.linux.sudo)})
    accounts = tuple(
        Account(name, 0 if name == "root" else 1000 + at, 1000 + at, "", "/", "/bin/sh", _NOWHERE)
        for at, name in enumerate(names)
    )
    groups = tuple(Group(one.name, one.gid, (), _NOWHERE) for one in accounts)
    return HostState("host", {_SUDOERS: File(_SUDOERS, text)}, accounts, groups)
