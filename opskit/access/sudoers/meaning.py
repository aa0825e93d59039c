"""What the rules come to: who may run which command as whom, in force or not, and by which way."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from opskit.access.hosts.model import HostState, Line
from opskit.access.sudoers.decide import in_force, str_of
from opskit.access.sudoers.patterns import canonical, has_meta, path_matches
from opskit.access.sudoers.policy import Placed, Sudoers
from opskit.access.sudoers.resolve import Item, Resolver
from opskit.access.sudoers.settings import Value
from opskit.access.sudoers.syntax import Kind, Member
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


def permissions(sudoers: Sudoers, state: HostState, now: Instant) -> tuple[Permission, ...]:
    """Return every right the rules of a host give or once gave, with how each stands now."""
    return resolved(Resolver(sudoers, state, now))


def resolved(resolver: Resolver) -> tuple[Permission, ...]:
    """Return the same from a resolver, which keeps what it met on the way."""
    items = resolver.items()
    later = _Later(resolver, items)
    return tuple(
        [
            _permission(resolver, later, index, item)
            for index, item in enumerate(items)
            if item.command.allow
        ]
    )


def overruled(resolver: Resolver) -> Iterator[tuple[Placed, Member, Line]]:
    """Yield each denial a later rule allows again as a whole: where, what, and by which line."""
    items = resolver.items()
    if all(item.command.allow for item in items):
        return
    later = _Later(resolver, items)
    for index, item in enumerate(items):
        if not item.command.allow and (by := later.ending(index, item)) and by.command.allow:
            yield item.placed, item.command.member, by.placed.at


@dataclass(slots=True)
class _Theirs:
    """Where the rules for one name of user lists stand: by command, for many files, denials."""

    same: dict[tuple[str, str | None], list[int]] = field(default_factory=dict)
    wide: list[int] = field(default_factory=list)
    denials: list[int] = field(default_factory=list)
    last: int = -1

    def enter(self, index: int, item: Item, name: str) -> None:
        member = item.command.member
        self.last = index
        self.same.setdefault((name, member.args), []).append(index)
        if wide(member):
            self.wide.append(index)
        if not item.command.allow:
            self.denials.append(index)


class _Later:
    """Finds what later rules do to a right."""

    def __init__(self, resolver: Resolver, items: list[Item]) -> None:
        self._resolver, self._items = resolver, items
        self._of: dict[str, _Theirs] = defaultdict(_Theirs)
        self._including: dict[str, list[_Theirs]] = {}
        self._denials = any(not item.command.allow for item in items)
        self._names = [canonical(item.command.member.name) for item in items]
        for index, item in enumerate(items):
            self._of[item.user.member.name.lower()].enter(index, item, self._names[index])

    def _about(self, who: str) -> list[_Theirs]:
        """Return the rules that may speak of a user or group: those for its names."""
        found = self._including.get(who)
        if found is None:
            names = self._resolver.including(who)
            found = self._including[who] = [self._of[one] for one in names if one in self._of]
        return found

    def ending(self, index: int, item: Item) -> Item | None:
        """Return the last later item that decides whatever this one would."""
        found: list[int] = []
        for theirs in self._about(item.user.member.name):
            if theirs.last > index:
                found += self._speaking(theirs, index, item.command.member)
        for at in sorted(found, reverse=True):
            if self._covers(self._items[at], item):
                return self._items[at]
        return None

    def _speaking(self, theirs: _Theirs, index: int, member: Member) -> list[int]:
        """Return where later rules stand that speak of a command, by name or of many files."""
        name, args = self._names[index], member.args
        found = _behind(theirs.same.get((name, args)), index)
        if args is not None:
            found += _behind(theirs.same.get((name, None)), index)
        wider = _behind(theirs.wide, index) if member.kind is not Kind.ALL else []
        self._resolver.effort.take(len(found) + len(wider))
        return found + [at for at in wider if _holds(self._items[at].command.member, member)]

    def less(self, index: int, item: Item) -> tuple[Member, ...]:
        """Return what later denials take out of a right that is wider than they are."""
        member = item.command.member
        if not self._denials or not wide(member):
            return ()
        theirs = self._about(item.user.member.name)
        later = sorted(at for one in theirs for at in _behind(one.denials, index))
        self._resolver.effort.take(len(later))
        return tuple(
            self._items[at].command.member
            for at in later
            if self._same_people(self._items[at], item)
            and _holds(member, self._items[at].command.member)
        )

    def _covers(self, later: Item, item: Item) -> bool:
        name, who = later.user.member.name, item.user.member.name
        if name not in {"ALL", who} and not self._resolver.includes(name, who):
            return False
        wanted, given = later.command.member, item.command.member
        if wanted.name != "ALL" and wanted.args is not None and wanted.args != given.args:
            return False
        if wanted.digests or not self._lasts(later.spec.not_after, item.spec.not_after):
            return False
        if not in_force(later.spec, self._resolver.now):
            return False
        return self._same_people(later, item) and (
            later.hosts in {("ALL",), item.hosts} or (later.here is True and item.here is True)
        )

    @staticmethod
    def _lasts(later: Instant | None, until: Instant | None) -> bool:
        """Tell whether a later rule holds at least as long."""
        return later is None or (until is not None and until <= later)

    def _same_people(self, later: Item, item: Item) -> bool:
        name, who = later.user.member.name, item.user.member.name
        if later.excepted and later.excepted != item.excepted:
            return False
        people = name in {"ALL", who} or self._resolver.includes(name, who)
        users = later.users in {("ALL",), item.users}
        groups = later.groups == item.groups or "ALL" in later.groups or not item.groups
        return people and users and groups


def _behind(places: list[int] | None, index: int) -> list[int]:
    """Return the places behind one; they are in order."""
    return places[bisect_right(places, index) :] if places and places[-1] > index else []


def wide(member: Member) -> bool:
    """Tell whether a command of a rule stands for many files."""
    name = member.name
    return member.kind is Kind.ALL or name.endswith("/") or (name[:1] == "/" and has_meta(name))


def _holds(outer: Member, inner: Member) -> bool:
    if outer.kind is Kind.ALL:
        return True
    return inner.name[:1] == "/" and path_matches(outer.name, inner.name)


def _permission(resolver: Resolver, later: _Later, index: int, item: Item) -> Permission:
    who, member, spec = item.user.member.name, item.command.member, item.spec
    root = _root(item.users)
    target = "root" if root else item.users[0]
    values = resolver.values(who, target, member.name)
    by = later.ending(index, item)
    grant = item.at
    tags = spec.tags
    asks = _asks(resolver, who, tags, values)
    status = _status(item, by, resolver.now)
    if status is Status.REPLACED and by and _asks(resolver, who, by.spec.tags, values) is asks:
        status = Status.REPEATED
    return Permission(
        who=who,
        excepted=item.excepted,
        hosts=item.hosts,
        here=item.here,
        users=item.users,
        groups=item.groups,
        as_root=root,
        command=member,
        less=later.less(index, item),
        password=asks,
        setenv=tags.get("SETENV", member.kind is Kind.ALL or values.get("setenv") is True),
        noexec=tags.get("NOEXEC", values.get("noexec") is True),
        options=spec.options,
        not_after=spec.not_after,
        chain=(who, *item.user.trail, *item.command.trail, str_of(grant)),
        lines=(grant, *item.user.lines, *item.command.lines),
        status=status,
        ended_by=by.placed.at if by else None,
        turned=item.command.turned,
    )


def _status(item: Item, by: Item | None, now: Instant) -> Status:
    if item.spec.options and not in_force(item.spec, now):
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


@lru_cache(maxsize=1024)
def _root(users: tuple[str, ...]) -> bool:
    """Tell whether a run-as list lets one be root: its last word on root decides."""
    for name in reversed(users):
        if name.lstrip("!").lower() in {"root", "#0", "all", "%root", "%#0"}:
            return not name.startswith("!")
    return False
