"""What a role gives, in one sentence that an approver reads before saying yes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opskit.access.judgment import Ask
from opskit.access.model import Role
from opskit.access.registry import Registry
from opskit.access.rolecheck import root_through
from opskit.core.clock import format_duration
from opskit.core.text import plural

_NO_COUNTS: Mapping[str, int] = {}


def blast_radius(
    ask: Ask, role: Role, registry: Registry, hosts: Mapping[str, int] = _NO_COUNTS
) -> str:
    """Return in one sentence what is given, to whom, where and for how long.

    `hosts` says how many a target stands for, where somebody has counted them.
    """
    where = " and ".join(_place(name, registry, hosts) for name in ask.targets)
    what = "; ".join(gives(role)) or "nothing"
    ways = root_through(ask.role, registry)
    root = f"; as good as root through {', '.join(ways)}" if ways else ""
    return f"gives {ask.beneficiary} on {where} for {format_duration(ask.duration)}: {what}{root}"


def _place(name: str, registry: Registry, hosts: Mapping[str, int]) -> str:
    target = registry.target(name)
    known = [str(target.environment)] if target else []
    counted = [plural(hosts[name], "host")] if name in hosts else []
    told = ", ".join([*known, *counted])
    return f"{name} ({told})" if told else name


def gives(role: Role) -> Iterator[str]:
    """Yield what a role gives, piece by piece, in words."""
    if role.linux is not None:
        if role.linux.login != "none":
            yield "a login"
        for right in role.linux.sudo:
            word = "" if right.password else " without a password"
            commands = ", ".join(right.commands)
            yield f"as {right.run_as}{word} {commands}"
        if role.linux.groups:
            yield f"the groups {', '.join(role.linux.groups)}"
    if role.postgres is not None:
        yield f"what {', '.join(role.postgres.member_of)} may do"
    if role.playbooks is not None:
        yield f"what {role.playbooks.grant} does"
