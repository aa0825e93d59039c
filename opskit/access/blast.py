"""What a role gives, in one sentence that an approver reads before saying yes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.judgment import Ask
from opskit.access.model import Role
from opskit.access.registry import Registry
from opskit.core.clock import format_duration


def blast_radius(ask: Ask, role: Role, registry: Registry) -> str:
    """Return in one sentence what is given, to whom, where and for how long."""
    where = " and ".join(_place(name, registry) for name in ask.targets)
    what = "; ".join(_gives(role)) or "nothing"
    return f"gives {ask.beneficiary} on {where} for {format_duration(ask.duration)}: {what}"


def _place(name: str, registry: Registry) -> str:
    target = registry.target(name)
    environment = f" ({target.environment})" if target else ""
    return f"{name}{environment}"


def _gives(role: Role) -> Iterator[str]:
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
