"""What is risky in what a role gives, asked of the very rules it would write. Pure.

The rights are rendered as they would be for a grant, read as a host's sudo reads them, and put to
the rules on sudo and on groups. What is found speaks of the role, not of who asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.access.hosts.model import Account, File, Group, HostState, Line
from opskit.access.model import Environment, LinuxRights, Role
from opskit.access.registry import Registry
from opskit.access.rules import groups
from opskit.access.rules.sudo import SUDO, view_of
from opskit.access.rules.sudo.view import merged
from opskit.access.rules.view import HostView
from opskit.access.sudoers.render import ALL, render_grant
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError
from opskit.core.findings import Severity

ROLES = "access/roles.yaml"
_SUDOERS = "/etc/sudoers"
_NOWHERE = Line("", 0, "")
_SOMEBODY = "somebody"
# The rules on what a right gives; those on settings, paths and files of a host say nothing of it.
_ASKED = frozenset(
    {
        "SUDO-ALL-NOPASSWD", "SUDO-ALL", "SUDO-SHELL", "SUDO-WRITE", "SUDO-READ", "SUDO-PKG",
        "SUDO-PAGER", "SUDO-NO-ARGS-PIN", "SUDO-UNREVIEWED", "SUDO-WILDCARD-ARG",
        "SUDO-WILDCARD-PATH", "SUDO-RELATIVE", "SUDO-NEGATION",
    }
)  # fmt: skip
# Those after which somebody is root, by a step or two.
_ROOT = frozenset(
    {
        "SUDO-ALL-NOPASSWD", "SUDO-ALL", "SUDO-SHELL", "SUDO-WRITE", "SUDO-PKG", "SUDO-PAGER",
    }
)  # fmt: skip
_ROOT_GROUPS = frozenset({"sudo", "wheel", "admin"})
# A grant ends; the rules speak of a host, where what has no end stays.
_WORDS = {"root for good": "root for as long as it lasts"}
_WITH = "{} gives the group {}, with which one"
_FIXES = dict.fromkeys(("SUDO-ALL", "SUDO-ALL-NOPASSWD"), "name the commands that are needed")


@dataclass(frozen=True)
class _Asked:
    """A role as its digest tells it from every other, and how much depends on where it is given."""

    name: str
    digest: str
    production: bool
    role: Role = field(compare=False)


def check(
    name: str, registry: Registry, targets: tuple[str, ...] = ()
) -> tuple[AccessFinding, ...]:
    """Return what is risky in a role of the catalogue, given on some of its targets or on all.

    The evidence names the right and no line: what an approval is bound to must not change because
    a comment was written above it. `placed` adds the line.
    """
    role = registry.roles.roles[name]
    entries = (registry.target(one) for one in targets or role.targets)
    production = any(
        one is not None and one.environment is Environment.PRODUCTION for one in entries
    )
    return _found(_Asked(name, registry.role_digest(name), production, role))


def root_through(name: str, registry: Registry) -> tuple[str, ...]:
    """Return by what a role makes somebody as good as root: programs and groups; empty if not."""
    found = check(name, registry)
    by = (_means(one) for one in found if one.rule in _ROOT or _root_group(one))
    return tuple(dict.fromkeys(by))


def _root_group(one: AccessFinding) -> bool:
    critical = one.severity is Severity.CRITICAL and "adm" not in one.meaning
    return one.rule == "GRP-ROOT-EQ" and (critical or bool(_ROOT_GROUPS & {*one.meaning}))


def _means(one: AccessFinding) -> str:
    if one.rule == "GRP-ROOT-EQ":
        return f"group {one.meaning[0]}"
    command = one.meaning[1]
    return "every command" if command == ALL else command.rpartition("/")[2]


@lru_cache(maxsize=1024)
def _found(asked: _Asked) -> tuple[AccessFinding, ...]:
    linux = asked.role.linux
    if linux is None:
        return ()
    try:
        state = _host(linux, asked.production)
    except ConfigError as error:
        return (_unwritable(asked, error),)
    view = view_of(state, Instant(0))
    on_sudo = merged(one for rule in SUDO.rules if rule.id in _ASKED for one in rule.check(view))
    in_groups = groups.root_equivalent(HostView(state, Instant(0)))
    found = [_of_role(asked, one) for one in (*on_sudo, *in_groups)]
    return tuple(sorted(found, key=lambda one: one.sort_key))


def _unwritable(asked: _Asked, error: ConfigError) -> AccessFinding:
    return AccessFinding(
        "ROLE-UNWRITABLE", Severity.HIGH, Scope.REQUEST, asked.name, "",
        f"what {asked.name} gives cannot be written on a host: {error.message}", (asked.name,),
        (Evidence(ROLES, 0, asked.name),), error.hint or "", (error.message,),
    )  # fmt: skip


def _host(linux: LinuxRights, production: bool) -> HostState:
    """Return a host on which somebody holds the role, and nothing else is written."""
    names = [*dict.fromkeys(["root", _SOMEBODY, *(right.run_as for right in linux.sudo)])]
    accounts = tuple(
        Account(name, 1000 + at if at else 0, 1000 + at if at else 0, "", "/", "/bin/sh", _NOWHERE)
        for at, name in enumerate(names)
    )
    own = tuple(Group(one.name, one.gid, (), _NOWHERE) for one in accounts if one.name != "root")
    given = tuple(
        Group(name, 0 if name == "root" else 500 + at, (_SOMEBODY,), _NOWHERE)
        for at, name in enumerate(linux.groups)
    )
    files = {_SUDOERS: File(_SUDOERS, render_grant(_SOMEBODY, linux.sudo, None))}
    return HostState("", files, accounts, (*given, *own), production=production)


def _of_role(asked: _Asked, one: AccessFinding) -> AccessFinding:
    """Return a finding of a host as one of a role: each right is a line there, in their order."""
    name = asked.name
    if one.rule == "GRP-ROOT-EQ":
        group = one.meaning[0]
        message = one.message.replace(
            f"{_SOMEBODY} is in group {group} and", _WITH.format(name, group)
        )
        fix = f"leave {group} out, and name the commands that are needed"
        shown: tuple[str, ...] = (group,)
        path: tuple[str, ...] = (name, *one.path[1:])
    else:
        message = one.message.replace(f"{_SOMEBODY} may run", f"{name} lets one run")
        rights = commands_of(asked.role)
        shown = tuple(rights[each.line - 1] for each in one.evidence)
        fix = _FIXES.get(one.rule, one.fix)
        path = (name, *shown)
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    return one._replace(
        scope=Scope.REQUEST, subject=name, target="", message=message, fix=fix, path=path,
        evidence=tuple(Evidence(ROLES, 0, each) for each in shown),
    )  # fmt: skip


def commands_of(role: Role) -> tuple[str, ...]:
    """Return the commands of a role as they are written, in their order."""
    rights = role.linux.sudo if role.linux else ()
    return tuple(command for right in rights for command in right.commands)


def declared(found: tuple[AccessFinding, ...], role: Role) -> Iterator[AccessFinding]:
    """Yield findings of a role; one no graver than the risk it declares openly is only told.

    Who approves sees them as they are. In the catalogue a role that says `risk: critical` has said
    it: what is to be corrected there is one that gives more than it says.
    """
    for one in found:
        if role.risk.rank < one.severity.rank:
            yield one
        else:
            message = f"{one.message} (its risk says so: {role.risk.value})"
            yield one._replace(severity=Severity.INFO, message=message)
