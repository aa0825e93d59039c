"""Users, hosts, run-as lists and commands against what somebody asks for, after sudo's match.c.

The last member of a list that says anything decides; a negated alias turns around what it says.
What a host's files do not tell (netgroups, addresses, digests) is noted and taken as `assumed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeVar

from opskit.access.hosts.model import HostState, PathFact
from opskit.access.sudoers.dialect import Dialect
from opskit.access.sudoers.effort import Effort
from opskit.access.sudoers.patterns import args_match, extended, is_regex, path_matches
from opskit.access.sudoers.policy import Placed
from opskit.access.sudoers.portability import wildcard
from opskit.access.sudoers.syntax import AliasKind, CommandSpec, Kind, Member, Members

Answered = TypeVar("Answered")


class Account(NamedTuple):
    """An account as sudo sees it: names in lower case, since sudo does not tell case apart."""

    name: str
    uid: int
    gid: int
    groups: frozenset[str]
    gids: frozenset[int]


class Group(NamedTuple):
    """A group somebody wants to be in."""

    name: str
    gid: int


class Verdict(NamedTuple):
    """What a list says, and by which way it came to say it."""

    allow: bool
    trail: tuple[str, ...]


def account_of(state: HostState, name: str) -> Account | None:
    """Return an account by name or `#uid`, with all its groups; None where there is none."""
    for one in state.accounts or ():
        if name in {one.name, f"#{one.uid}"}:
            own = [
                group
                for group in state.groups or ()
                if one.name in group.members or group.gid == one.gid
            ]
            names = frozenset(group.name.lower() for group in own)
            return Account(
                one.name, one.uid, one.gid, names, frozenset({one.gid, *(g.gid for g in own)})
            )
    return None


def group_of(state: HostState, name: str) -> Group | None:
    """Return a group by name or `#gid`."""
    for one in state.groups or ():
        if name in {one.name, f"#{one.gid}"}:
            return Group(one.name, one.gid)
    return None


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do. `args` are joined by blanks, None where there are none."""

    user: Account
    run_as: Account
    group: Group | None
    user_named: bool
    host: str
    command: str
    args: str | None


@dataclass(slots=True)
class Matcher:
    """Asks lists of one policy about one wish."""

    aliases: Mapping[tuple[AliasKind, str], Placed]
    dialect: Dialect
    wish: Wish
    paths: Mapping[str, PathFact] | None = None
    fast_glob: bool = False
    assumed: bool = False
    unknown: list[str] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)
    level: int = 0

    def user(self, members: Members) -> Verdict | None:
        """Say whether a list names who asks."""
        return self._list(members, AliasKind.USER, self._names(self.wish.user))

    def host(self, members: Members) -> Verdict | None:
        """Say whether a list names the host."""
        return self._list(members, AliasKind.HOST, self._is_host)

    def command(self, members: Members) -> Verdict | None:
        """Say whether a list names the command."""
        return self._list(members, AliasKind.COMMAND, self._is_command)

    def runas(self, spec: CommandSpec, default: str) -> bool:
        """Tell whether a command may be run as the user and group that are asked for."""
        return self.runas_list(spec.users, spec.groups, default) is True

    def runas_list(
        self, users: Members | None, groups: Members | None, default: str
    ) -> bool | None:
        """Say what a run-as list does: permit, forbid, nothing."""
        if self.dialect.runas_of_old:
            return self._runas_of_old(users, groups, default)
        return self._runas(users, groups, default)

    def _runas(self, users: Members | None, groups: Members | None, default: str) -> bool | None:
        """Say it as sudo does from 1.9.14 on."""
        wish = self.wish
        if users is None:
            alone = Member(Kind.WORD, default) if groups is None else Member(Kind.MYSELF, "")
            users = (alone,)
        user = _said(self._list(users, AliasKind.RUNAS, self._names(wish.run_as)))
        if wish.group is None:
            return user
        group = _said(self._list(groups or (), AliasKind.RUNAS, self._is_group))
        if group is None and user and wish.group.gid in wish.run_as.gids:
            group = True
        if group and user is None and wish.user.name == wish.run_as.name:
            user = True
        return _both(user, group)

    def _runas_of_old(
        self, users: Members | None, groups: Members | None, default: str = ""
    ) -> bool | None:
        """Say it as 1.9.13 does, found by asking it.

        With a group and no user asked for, the list of users is not looked at; a rule without
        lists does not look at the group; an alias is asked about both, user and group.
        """
        wish = self.wish
        user: bool | None = None
        named = wish.user_named or wish.group is None
        if named:
            if users is None and groups is None:
                return _is_user(default, wish.run_as)
            user = self._of_old(users or (), self._names(wish.run_as), groups=False)
        if wish.group is None:
            return user
        if user is None and (not named or wish.user.name == wish.run_as.name):
            user = True
        group = self._of_old(groups or (), self._is_group, groups=True)
        if group is None and wish.group.gid in wish.run_as.gids:
            group = True
        return _both(user, group)

    def _of_old(
        self, members: Members, is_meant: Callable[[Member], bool], *, groups: bool
    ) -> bool | None:
        self.effort.take(len(members))
        for member in reversed(members):
            if member.kind is Kind.ALL:
                return not member.negated
            key = (AliasKind.RUNAS, member.name)
            if member.kind is Kind.ALIAS and (placed := self.aliases.get(key)):
                inner = getattr(placed.said, "members", ())
                found = self._inside(
                    placed,
                    partial(self._runas_of_old, *((None, inner) if groups else (inner, None))),
                )
                if found is not None:
                    return found is not member.negated
            elif is_meant(member):
                return not member.negated
        return None

    def _inside(self, placed: Placed, ask: Callable[[], Answered]) -> Answered:
        """Ask within an alias: it is unknown there, so a circle ends."""
        outer = self.aliases
        self.effort.descend(self.level, len(outer))
        self.level += 1
        self.aliases = {key: one for key, one in outer.items() if one is not placed}
        try:
            return ask()
        finally:
            self.aliases = outer
            self.level -= 1

    def settle(self, spec: CommandSpec) -> None:
        """Take the user for whom to run as where nobody was named and the rule says `()`."""
        wish = self.wish
        if spec.users and spec.users[-1].kind is Kind.MYSELF and not wish.user_named:
            self.wish = replace(wish, run_as=wish.user)

    def _list(
        self, members: Members, kind: AliasKind, is_meant: Callable[[Member], bool]
    ) -> Verdict | None:
        self.effort.take(len(members))
        for member in reversed(members):
            if member.kind is Kind.ALL:
                return Verdict(not member.negated, (member.text,))
            if member.kind is Kind.ALIAS and (placed := self.aliases.get((kind, member.name))):
                inner = getattr(placed.said, "members", ())
                found = self._inside(placed, partial(self._list, inner, kind, is_meant))
                if found is not None:
                    step = f"{member.text} ({placed.file}:{placed.said.line})"
                    return Verdict(found.allow is not member.negated, (step, *found.trail))
            elif is_meant(member):
                return Verdict(not member.negated, (member.text,))
        return None

    def _guess(self, what: str) -> bool:
        self.unknown.append(what)
        return self.assumed

    def _names(self, account: Account) -> Callable[[Member], bool]:
        def named(member: Member) -> bool:
            if member.kind is Kind.GROUP:
                return self._in_group(member.name[1:], account)
            if member.kind is Kind.NETGROUP:
                return self._guess(f"netgroup {member.name}")
            if member.kind is Kind.MYSELF:
                return self._is_myself()
            return _is_user(member.name, account)

        return named

    def _in_group(self, name: str, account: Account) -> bool:
        if name.startswith(":"):
            return self._guess(f"group %{name} of a plugin")
        if name.startswith("#") and name[1:].isdigit():
            return int(name[1:]) in account.gids
        return name.lower() in account.groups

    def _is_myself(self) -> bool:
        wish = self.wish
        if self.dialect.empty_list_is_default and not wish.user_named:
            return True
        only_group = wish.group is not None and not wish.user_named
        return only_group or wish.user.name == wish.run_as.name

    def _is_group(self, member: Member) -> bool:
        group = self.wish.group
        if group is None:
            return False
        if member.name.startswith("#") and member.name[1:].isdigit():
            return int(member.name[1:]) == group.gid
        return member.name.lower() == group.name.lower()

    def _is_host(self, member: Member) -> bool:
        if member.kind is Kind.NETGROUP:
            return self._guess(f"netgroup {member.name}")
        if member.kind is Kind.ADDRESS:
            return self._guess(f"address {member.name}")
        return host_matches(member.name, self.wish.host)

    def _is_command(self, member: Member) -> bool:
        if member.kind is not Kind.COMMAND or not self._is_path(member.name):
            return False
        if not self._args(member):
            return False
        return all(self._digest(*one) for one in member.digests[:1])

    def _is_path(self, name: str) -> bool:
        command = self.wish.command
        if name[0] == "^":
            if not self.dialect.knows_regex or not is_regex(name) or command[0] != "/":
                return False
            found = extended(name)
            return bool(found.match(command)) if found else self._guess(f"the expression {name}")
        if name[0] != "/" or command[0] != "/":
            return name == command
        return path_matches(name, command, fast_glob=self.fast_glob)

    def _args(self, member: Member) -> bool:
        given, wanted = self.wish.args, member.args
        if self.dialect.rs and wanted and wanted != '""' and wildcard(wanted):
            return wanted == given
        if wanted and self.dialect.knows_regex and is_regex(wanted) and not extended(wanted):
            return self._guess(f"the expression {wanted}")
        return args_match(
            wanted, given, pathname=member.name == "sudoedit", regex=self.dialect.knows_regex
        )

    def _digest(self, algorithm: str, value: str) -> bool:
        fact = (self.paths or {}).get(self.wish.command)
        if algorithm == "sha256" and fact and fact.sha256:
            return fact.sha256.lower() == value.lower()
        return self._guess(f"{algorithm} of {self.wish.command}")


def _said(verdict: Verdict | None) -> bool | None:
    return verdict.allow if verdict else None


def _both(user: bool | None, group: bool | None) -> bool | None:  # two answers
    """Return what both come to: one no is enough, only two yes are a yes."""
    if user is False or group is False:
        return False
    return True if user and group else None


def _is_user(name: str, account: Account) -> bool:
    if name.startswith("#") and name[1:].isdigit():
        return int(name[1:]) == account.uid
    return name.lower() == account.name.lower()


def host_matches(pattern: str, host: str) -> bool:
    """Tell whether a name of a host list is that of a host; one without a dot is the short name."""
    name = (host if "." in pattern else host.partition(".")[0]).lower()
    wanted = pattern.lower()
    if any(char in wanted for char in "\\?*[]"):
        return args_match(wanted, name, pathname=False, regex=False)
    return wanted == name
