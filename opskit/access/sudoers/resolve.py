"""Aliases followed and Defaults applied: every user with every command, as the files stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opskit.access.hosts.model import HostState, Line
from opskit.access.sudoers.effort import Effort
from opskit.access.sudoers.matching import host_matches
from opskit.access.sudoers.patterns import path_matches
from opskit.access.sudoers.policy import Placed, Sudoers
from opskit.access.sudoers.settings import EARLY, Value, applied
from opskit.access.sudoers.syntax import (
    Alias,
    AliasKind,
    Binding,
    CommandSpec,
    Defaults,
    Grant,
    Kind,
    Member,
    Members,
    Setting,
)
from opskit.core.clock import Instant

EVERYWHERE = (Member(Kind.ALL, "ALL"),)
# Steps: every right is looked at by every rule. Long text is copied into what is told of it.
_LEAF, _RIGHT = 10, 200


class Leaf(NamedTuple):
    """A member once aliases are followed; `allow` counts every negation on the way.

    `turned` tells that a negated member within a negated alias came out as allowed.
    """

    member: Member
    allow: bool
    trail: tuple[str, ...]
    lines: tuple[Line, ...]
    turned: bool = False


class Item(NamedTuple):
    """A user and a command of one rule, allowed or denied."""

    placed: Placed
    at: Line
    spec: CommandSpec
    user: Leaf
    excepted: tuple[str, ...]
    hosts: tuple[str, ...]
    here: bool | None
    users: tuple[str, ...]
    groups: tuple[str, ...]
    command: Leaf


@dataclass(slots=True)
class Resolver:
    """Resolves the rules of one host at one time."""

    sudoers: Sudoers
    state: HostState
    now: Instant
    members_of: dict[str, frozenset[str]] = field(default_factory=dict)
    groups_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[str, str] = field(default_factory=dict)
    undefined: list[tuple[Placed, str]] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)
    _values: dict[tuple[str, str, str], dict[str, Value]] = field(default_factory=dict)
    _by_meant: dict[tuple[int, ...], dict[str, Value]] = field(default_factory=dict)
    _by: tuple[bool, bool, bool] = (False, False, False)
    _runas_known: dict[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict
    )
    _items: list[Item] | None = None

    def __post_init__(self) -> None:
        """Look once which groups there are, and whether Defaults are bound to anything."""
        primary: dict[int, set[str]] = defaultdict(set)
        for account in self.state.accounts or ():
            primary[account.gid].add(account.name)
            self.numbers[account.name] = f"#{account.uid}"
        for group in self.state.groups or ():
            self.effort.take(len(group.members) + len(primary[group.gid]))
            members = frozenset({*group.members, *primary[group.gid]})
            for name in (group.name.lower(), f"#{group.gid}"):
                self.members_of[name] = members
                for member in members:
                    self.groups_of[member].append(f"%{name}")
        bound = {
            one.said.binding for one in self.sudoers.defaults if isinstance(one.said, Defaults)
        }
        self._by = (Binding.USER in bound, Binding.RUNAS in bound, Binding.COMMAND in bound)

    def leaves(self, members: Members, kind: AliasKind, placed: Placed) -> list[Leaf]:
        """Return a list with its aliases followed, in its order."""
        if len(members) == 1 and members[0].kind is not Kind.ALIAS:
            return [Leaf(members[0], not members[0].negated, (), ())]
        return list(self._leaves(members, kind, placed, frozenset()))

    def _leaves(
        self, members: Members, kind: AliasKind, placed: Placed, inside: frozenset[str]
    ) -> Iterator[Leaf]:
        self.effort.descend(len(inside), _LEAF * len(members))
        for member in members:
            found = (
                self.sudoers.aliases.get((kind, member.name))
                if member.kind is Kind.ALIAS and member.name not in inside
                else None
            )
            if found is None:
                if member.kind is Kind.ALIAS:
                    self.undefined.append((placed, member.name))
                yield Leaf(member, not member.negated, (), ())
                continue
            said = found.said
            within = said.members if isinstance(said, Alias) else ()
            step = f"{kind.value} {member.text}"
            for leaf in self._leaves(within, kind, found, inside | {member.name}):
                allow = leaf.allow is not member.negated
                turned = leaf.turned or (member.negated and not leaf.allow)
                yield Leaf(leaf.member, allow, (step, *leaf.trail), (found.at, *leaf.lines), turned)

    def items(self) -> list[Item]:
        """Return every user with every command, in the order of the files."""
        if self._items is None:
            self._items = self._all_items()
        return self._items

    def _all_items(self) -> list[Item]:
        found: list[Item] = []
        for placed in self.sudoers.grants:
            grant = placed.said
            if not isinstance(grant, Grant):
                continue
            users, at = self._users(grant, placed), placed.at
            for privilege in grant.privileges:
                everywhere = privilege.hosts == EVERYWHERE
                hosts = ("ALL",) if everywhere else tuple(one.text for one in privilege.hosts)
                here = True if everywhere else self._here(privilege.hosts, placed)
                for spec in privilege.specs:
                    commands = self.leaves((spec.command,), AliasKind.COMMAND, placed)
                    long = sum(len(one.member.text) for one in commands) // 100
                    self.effort.take(len(users) * (len(commands) * _RIGHT + long))
                    targets = [self._targets(spec, placed, user.member.name) for user, _ in users]
                    found += [
                        Item(placed, at, spec, user, less, hosts, here, *target, command)
                        for command in commands
                        for (user, less), target in zip(users, targets, strict=True)
                    ]
        return found

    def _targets(
        self, spec: CommandSpec, placed: Placed, who: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the users and groups a command may be run as; they may depend on who asks."""
        if spec.users is None and spec.groups is None:
            return (str(self.values(who, "", "").get("runas_default", "root")),), ()
        # Lists that are inherited are the same object, and live as long as this.
        key = (id(spec.users), id(spec.groups))
        if key not in self._runas_known:
            self._runas_known[key] = self._runas(spec, placed)
        return self._runas_known[key]

    def _users(self, grant: Grant, placed: Placed) -> list[tuple[Leaf, tuple[str, ...]]]:
        """Return who a rule is for, each with those later members take out."""
        leaves = self.leaves(grant.users, AliasKind.USER, placed)
        if all(leaf.allow for leaf in leaves):
            return [(leaf, ()) for leaf in leaves]
        self.effort.take(len(leaves) ** 2)
        found: list[tuple[Leaf, tuple[str, ...]]] = []
        for index, leaf in enumerate(leaves):
            later = leaves[index + 1 :]
            out = tuple(one.member.name for one in later if not one.allow)
            who = leaf.member.name
            if leaf.allow and not any(one == "ALL" or self.includes(one, who) for one in out):
                found.append((leaf, out))
        return found

    def _here(self, hosts: Members, placed: Placed) -> bool | None:
        for leaf in reversed(self.leaves(hosts, AliasKind.HOST, placed)):
            if leaf.member.kind in {Kind.ADDRESS, Kind.NETGROUP}:
                return None
            if leaf.member.kind is Kind.ALL or host_matches(leaf.member.name, self.state.name):
                return leaf.allow
        return False

    def _runas(self, spec: CommandSpec, placed: Placed) -> tuple[tuple[str, ...], tuple[str, ...]]:
        groups = tuple(
            one.member.name for one in self._runas_leaves(spec.groups, placed) if one.allow
        )
        if spec.users is None:
            return ("oneself",), groups
        users = tuple(
            ("" if one.allow else "!") + (one.member.name or "oneself")
            for one in self._runas_leaves(spec.users, placed)
        )
        return users, groups

    def _runas_leaves(self, members: Members | None, placed: Placed) -> list[Leaf]:
        return self.leaves(members, AliasKind.RUNAS, placed) if members else []

    def values(self, who: str, target: str, command: str) -> dict[str, Value]:
        """Return the Defaults that hold for somebody, somebody to run as and a command."""
        users, targets, commands = self._by
        key = (who if users else "", target if targets else "", command if commands else "")
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._applied(*key)
        return found

    def _applied(self, who: str, target: str, command: str) -> dict[str, Value]:
        defaults = self.sudoers.defaults
        self.effort.take(len(defaults) * _LEAF)
        meant = tuple(
            at
            for at, placed in enumerate(defaults)
            if isinstance(placed.said, Defaults)
            and self._meant(placed.said, placed, who, target, command)
        )
        if meant not in self._by_meant:
            said = [defaults[at].said for at in meant]
            self._by_meant[meant] = _together([one for one in said if isinstance(one, Defaults)])
        return self._by_meant[meant]

    def _meant(self, said: Defaults, placed: Placed, who: str, target: str, command: str) -> bool:
        match said.binding:
            case Binding.GLOBAL:
                return True
            case Binding.HOST:
                return self._here(said.members, placed) is not False
            case Binding.USER:
                return self._named(said.members, AliasKind.USER, who, placed)
            case Binding.RUNAS:
                return self._named(said.members, AliasKind.RUNAS, target, placed)
            case Binding.COMMAND:
                return self._command_named(said.members, command, placed)

    def _named(self, members: Members, kind: AliasKind, who: str, placed: Placed) -> bool:
        for leaf in reversed(self.leaves(members, kind, placed)):
            if leaf.member.kind is Kind.ALL or self.includes(leaf.member.name, who):
                return leaf.allow
        return False

    def _command_named(self, members: Members, command: str, placed: Placed) -> bool:
        for leaf in reversed(self.leaves(members, AliasKind.COMMAND, placed)):
            name = leaf.member.name
            if leaf.member.kind is Kind.ALL or (
                command[:1] == "/" and name[:1] == "/" and path_matches(name, command)
            ):
                return leaf.allow
        return False

    def including(self, who: str) -> tuple[str, ...]:
        """Return, in lower case, the names of lists that are, or hold, a user or group."""
        groups = self.groups_of.get(who, ())
        return tuple(dict.fromkeys(["all", who.lower(), *groups, self.numbers.get(who, "")]))

    def includes(self, name: str, who: str) -> bool:
        """Tell whether a name of a list is, or holds, a user or group."""
        if name == who or name.lower() == who.lower():
            return True
        if who[:1] in {"%", "+", "#", ""}:
            return False
        if name[:1] == "%":
            return who in self.members_of.get(name[1:].lower(), ())
        return name[:1] == "#" and self.numbers.get(who) == name


def _together(said: Sequence[Defaults]) -> dict[str, Value]:
    """Return what Defaults come to: first those that change others, last those for commands."""
    first: list[Setting] = []
    last: list[Setting] = []
    for one in said:
        (last if one.binding is Binding.COMMAND else first).extend(one.settings)
    early = [one for one in first if one.name in EARLY]
    return applied([*early, *first, *last])
