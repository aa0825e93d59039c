"""What the rules come to: who may run which command as whom, in force or not, and by which way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from opskit.access.hosts.model import HostState, Line
from opskit.access.sudoers.decide import in_force, str_of
from opskit.access.sudoers.matching import host_matches
from opskit.access.sudoers.patterns import canonical, has_meta, path_matches
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


class Status(StrEnum):
    """How a right stands."""

    IN_FORCE = "in force"
    EXPIRED = "expired"
    NOT_YET = "not yet"
    TAKEN_BACK = "taken back"
    REPLACED = "replaced"
    REPEATED = "repeated"
    ELSEWHERE = "elsewhere"


class Leaf(NamedTuple):
    """A member once aliases are followed; `allow` counts every negation on the way.

    `turned` tells that a negated member within a negated alias came out as allowed.
    """

    member: Member
    allow: bool
    trail: tuple[str, ...]
    lines: tuple[Line, ...]
    turned: bool = False


class Permission(NamedTuple):
    """One right: this user or group, this command, as these users and groups.

    `who` is `alice`, `#1000`, `%ops`, `+net` or `ALL`, less `excepted`; `less` are commands later
    lines take out of it. `chain` leads from who to the line; `lines` are that and the aliases'.
    `here` is None where a host list depends on what a file does not tell.
    """

    who: str
    excepted: tuple[str, ...]
    hosts: tuple[str, ...]
    here: bool | None
    users: tuple[str, ...]
    groups: tuple[str, ...]
    as_root: bool
    command: Member
    less: tuple[Member, ...]
    password: bool
    setenv: bool
    noexec: bool
    options: Mapping[str, str]
    not_after: Instant | None
    chain: tuple[str, ...]
    lines: tuple[Line, ...]
    status: Status
    ended_by: Line | None = None
    turned: bool = False

    @property
    def at(self) -> Line:
        """Return the line of the rule."""
        return self.lines[0]

    @property
    def run_as(self) -> str:
        """Return as whom, as sudoers writes it."""
        return ", ".join(self.users) + (f":{', '.join(self.groups)}" if self.groups else "")


class _Item(NamedTuple):
    """A user and a command of one rule, allowed or denied."""

    placed: Placed
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
    undefined: list[tuple[Placed, str]] = field(default_factory=list)
    _values: dict[tuple[str, str, str], dict[str, Value]] = field(default_factory=dict)
    _bound: frozenset[Binding] = frozenset()
    _runas_known: dict[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict
    )
    _items: list[_Item] | None = None

    def __post_init__(self) -> None:
        """Look once which groups there are, and whether Defaults are bound to anything."""
        primary: dict[int, set[str]] = defaultdict(set)
        for account in self.state.accounts or ():
            primary[account.gid].add(account.name)
        for group in self.state.groups or ():
            self.members_of[group.name] = frozenset({*group.members, *primary[group.gid]})
        self._bound = frozenset(
            one.said.binding for one in self.sudoers.defaults if isinstance(one.said, Defaults)
        )

    def leaves(self, members: Members, kind: AliasKind, placed: Placed) -> list[Leaf]:
        """Return a list with its aliases followed, in its order."""
        if len(members) == 1 and members[0].kind is not Kind.ALIAS:
            return [Leaf(members[0], not members[0].negated, (), ())]
        return list(self._leaves(members, kind, placed, frozenset()))

    def _leaves(
        self, members: Members, kind: AliasKind, placed: Placed, inside: frozenset[str]
    ) -> Iterator[Leaf]:
        for member in members:
            found = self.sudoers.aliases.get((kind, member.name))
            if member.kind is not Kind.ALIAS or found is None or member.name in inside:
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
                yield Leaf(
                    leaf.member, allow, (step, *leaf.trail), (found.at, *leaf.lines), turned
                )

    def items(self) -> list[_Item]:
        """Return every user with every command, in the order of the files."""
        if self._items is None:
            self._items = self._all_items()
        return self._items

    def _all_items(self) -> list[_Item]:
        found: list[_Item] = []
        for placed in self.sudoers.grants:
            grant = placed.said
            if not isinstance(grant, Grant):
                continue
            users = self._users(grant, placed)
            for privilege in grant.privileges:
                hosts = tuple(one.text for one in privilege.hosts)
                here = True if hosts == ("ALL",) else self._here(privilege.hosts, placed)
                for spec in privilege.specs:
                    # Lists that are inherited are the same object, and live as long as this.
                    key = (id(spec.users), id(spec.groups))
                    if key not in self._runas_known:
                        self._runas_known[key] = self._runas(spec, placed)
                    as_users, as_groups = self._runas_known[key]
                    for command in self.leaves((spec.command,), AliasKind.COMMAND, placed):
                        found += [
                            _Item(placed, spec, user, less, hosts, here, as_users, as_groups, command)
                            for user, less in users
                        ]
        return found

    def _users(self, grant: Grant, placed: Placed) -> list[tuple[Leaf, tuple[str, ...]]]:
        """Return who a rule is for, each with those later members take out."""
        leaves = self.leaves(grant.users, AliasKind.USER, placed)
        found: list[tuple[Leaf, tuple[str, ...]]] = []
        for index, leaf in enumerate(leaves):
            later = leaves[index + 1 :]
            out = tuple(one.member.name for one in later if not one.allow)
            if leaf.allow and leaf.member.name not in out and "ALL" not in out:
                found.append((leaf, out))
        return found

    def _here(self, hosts: Members, placed: Placed) -> bool | None:
        for leaf in reversed(self.leaves(hosts, AliasKind.HOST, placed)):
            if leaf.member.kind in {Kind.ADDRESS, Kind.NETGROUP}:
                return None
            if leaf.member.kind is Kind.ALL or host_matches(leaf.member.name, self.state.name):
                return leaf.allow
        return False

    def _runas(
        self, spec: CommandSpec, placed: Placed
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        groups = tuple(one.member.name for one in self._runas_leaves(spec.groups, placed) if one.allow)
        if spec.users is None:
            default = str(self.values("", "", "").get("runas_default", "root"))
            return ((default,) if spec.groups is None else ("oneself",)), groups
        users = tuple(
            ("" if one.allow else "!") + (one.member.name or "oneself")
            for one in self._runas_leaves(spec.users, placed)
        )
        return users, groups

    def _runas_leaves(self, members: Members | None, placed: Placed) -> list[Leaf]:
        return self.leaves(members, AliasKind.RUNAS, placed) if members else []

    def values(self, who: str, target: str, command: str) -> dict[str, Value]:
        """Return the Defaults that hold for somebody, somebody to run as and a command."""
        bound = self._bound
        key = (
            who if Binding.USER in bound else "",
            target if Binding.RUNAS in bound else "",
            command if Binding.COMMAND in bound else "",
        )
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._applied(*key)
        return found

    def _applied(self, who: str, target: str, command: str) -> dict[str, Value]:
        first: list[Setting] = []
        last: list[Setting] = []
        for placed in self.sudoers.defaults:
            said = placed.said
            if isinstance(said, Defaults) and self._meant(said, placed, who, target, command):
                (last if said.binding is Binding.COMMAND else first).extend(said.settings)
        early = [one for one in first if one.name in EARLY]
        return applied([*early, *first, *last])

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

    def includes(self, name: str, who: str) -> bool:
        """Tell whether a name of a list is, or holds, a user or group."""
        if name == who:
            return True
        if name[:1] == "%" and who[:1] not in {"%", "+", "#", ""}:
            return who in self.members_of.get(name[1:], ())
        return False


def permissions(sudoers: Sudoers, state: HostState, now: Instant) -> tuple[Permission, ...]:
    """Return every right the rules of a host give or once gave, with how each stands now."""
    return resolved(Resolver(sudoers, state, now))


def resolved(resolver: Resolver) -> tuple[Permission, ...]:
    """Return the same from a resolver, which keeps what it met on the way."""
    items = resolver.items()
    later = _Later(resolver, items)
    return tuple(
        _permission(resolver, later, index, item)
        for index, item in enumerate(items)
        if item.command.allow
    )


def overruled(resolver: Resolver) -> Iterator[tuple[Placed, Member, Line]]:
    """Yield each denial a later rule allows again as a whole: where, what, and by which line."""
    items = resolver.items()
    later = _Later(resolver, items)
    for index, item in enumerate(items):
        if not item.command.allow and (by := later.ending(index, item)) and by.command.allow:
            yield item.placed, item.command.member, by.placed.at


class _Later:
    """Finds what later rules do to a right."""

    def __init__(self, resolver: Resolver, items: list[_Item]) -> None:
        self._resolver, self._items = resolver, items
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for index, item in enumerate(items):
            self._by_name[canonical(item.command.member.name)].append(index)
        self._denials = [i for i, item in enumerate(items) if not item.command.allow]

    def ending(self, index: int, item: _Item) -> _Item | None:
        """Return the last later item that decides whatever this one would."""
        name = item.command.member.name
        places = self._by_name[canonical(name)]
        if name != "ALL" and (everything := self._by_name.get("ALL")):
            places = sorted([*places, *everything])
        if places[-1] == index:
            return None
        for at in reversed(places):
            if at <= index:
                break
            if self._covers(self._items[at], item):
                return self._items[at]
        return None

    def less(self, index: int, item: _Item) -> tuple[Member, ...]:
        """Return what later denials take out of a right that is wider than they are."""
        member = item.command.member
        if not self._denials or not wide(member):
            return ()
        return tuple(
            self._items[at].command.member
            for at in self._denials
            if at > index
            and self._same_people(self._items[at], item)
            and _holds(member, self._items[at].command.member)
        )

    def _covers(self, later: _Item, item: _Item) -> bool:
        wanted, given = later.command.member, item.command.member
        if wanted.name != "ALL" and wanted.args is not None and wanted.args != given.args:
            return False
        if wanted.digests or later.spec.not_after or later.spec.not_before:
            return False
        return self._same_people(later, item) and (
            later.hosts in {("ALL",), item.hosts} or (later.here is True and item.here is True)
        )

    def _same_people(self, later: _Item, item: _Item) -> bool:
        name, who = later.user.member.name, item.user.member.name
        if later.excepted and later.excepted != item.excepted:
            return False
        people = name in {"ALL", who} or self._resolver.includes(name, who)
        users = later.users in {("ALL",), item.users}
        groups = later.groups == item.groups or "ALL" in later.groups or not item.groups
        return people and users and groups


def wide(member: Member) -> bool:
    """Tell whether a command of a rule stands for many files."""
    name = member.name
    return member.kind is Kind.ALL or name.endswith("/") or (name[:1] == "/" and has_meta(name))


def _holds(outer: Member, inner: Member) -> bool:
    if outer.kind is Kind.ALL:
        return True
    return inner.name[:1] == "/" and path_matches(outer.name, inner.name)


def _permission(resolver: Resolver, later: _Later, index: int, item: _Item) -> Permission:
    who, member, spec = item.user.member.name, item.command.member, item.spec
    root = _root(item.users)
    target = "root" if root else item.users[0]
    values = resolver.values(who, target, member.name)
    by = later.ending(index, item)
    grant = item.placed.at
    tags = spec.tags
    asks = _asks(resolver, who, tags, values)
    status = _status(item, by, resolver.now)
    if status is Status.REPLACED and by and _asks(resolver, who, by.spec.tags, values) is asks:
        status = Status.REPEATED
    return Permission(
        who, item.excepted, item.hosts, item.here, item.users, item.groups, root, member,
        later.less(index, item), asks,
        tags.get("SETENV", member.kind is Kind.ALL or values.get("setenv") is True),
        tags.get("NOEXEC", values.get("noexec") is True), spec.options, spec.not_after,
        (who, *item.user.trail, *item.command.trail, str_of(grant)), (grant, *item.user.lines, *item.command.lines),
        status, by.placed.at if by else None, item.command.turned,
    )  # fmt: skip


def _status(item: _Item, by: _Item | None, now: Instant) -> Status:
    if not in_force(item.spec, now):
        late = item.spec.not_after is not None and now > item.spec.not_after
        return Status.EXPIRED if late else Status.NOT_YET
    if item.here is False:
        return Status.ELSEWHERE
    if by is None:
        return Status.IN_FORCE
    return Status.REPLACED if by.command.allow else Status.TAKEN_BACK


def _asks(
    resolver: Resolver, who: str, tags: Mapping[str, bool], values: Mapping[str, Value]
) -> bool:
    """Tell whether a password is asked of somebody."""
    if "NOPASSWD" in tags:
        return not tags["NOPASSWD"]
    exempt = values.get("exempt_group")
    if isinstance(exempt, str) and (who == f"%{exempt}" or resolver.includes(f"%{exempt}", who)):
        return False
    return values.get("authenticate") is not False


def _root(users: tuple[str, ...]) -> bool:
    """Tell whether a run-as list lets one be root: its last word on root decides."""
    for name in reversed(users):
        if name.lstrip("!").lower() in {"root", "#0", "all", "%root", "%#0"}:
            return not name.startswith("!")
    return False
