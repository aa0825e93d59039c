"""What an order means on a PostgreSQL server: statements, sessions to end, roles to drop. Pure.

An account is a role. Where it is missing it is made, without a password: how people prove who they
are is the server's business. What is made carries a mark in its comment, which whoever the role
belongs to cannot write; a role without the mark is not opskit's, and keeps its LOGIN and its
VALID UNTIL unless its account is named in `end_sessions`.

A role that was made is dropped only for an account in `end_sessions` that has no grant left: with
it goes its password, so the end of one grant of several, or of one that will be asked for again,
takes LOGIN alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from opskit.access.databases.hba import can_log_in
from opskit.access.databases.membership import Reach, superusers
from opskit.access.databases.model import OPTIONS_SINCE, DatabaseState, Membership, Role
from opskit.access.targets.kinds import Order, Unmanaged
from opskit.access.targets.postgres_grants import (
    LOCKED,
    MADE,
    latest,
    made_here,
    pairs,
    rights_of,
)
from opskit.access.targets.postgres_timer import statements as jobs, timers
from opskit.core.clock import Instant, iso
from opskit.outside.postgres import identifier, literal

_FEWEST_ADMINISTRATORS = 2
_HARMLESS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order: `statements` in one transaction, then sessions, then drops.

    `ending` are roles whose sessions end, `dropping` those that go altogether. `told` says what
    is done beyond what was asked for. With `refused` nothing is done.
    """

    statements: tuple[str, ...] = ()
    ending: tuple[Role, ...] = ()
    dropping: tuple[Role, ...] = ()
    told: tuple[str, ...] = ()
    refused: str = ""


def plan(state: DatabaseState, order: Order, now: Instant) -> Plan:
    """Return what makes an order true on a server that is in `state`."""
    refused = _refusal(state, order)
    if refused:
        return Plan(refused=refused)
    draft = _Draft(state)
    present = rights_of(order.present)
    wanted = {pair for one, rights in present for pair in pairs(one, rights)}
    for one, rights in rights_of(order.absent):
        for account, group in pairs(one, rights):
            if (account, group) not in wanted:
                draft.leave(account, group, wanted)
    kept = {one.account for one, _ in present}
    gone = {one.account for one, _ in rights_of(order.absent)} - kept
    ends = set(order.end_sessions)
    for account in sorted(gone | (ends - kept)):
        draft.lock(account, anyway=account in ends)
    for account, until in latest(order.present).items():
        draft.open(account, until)
    for account, group in sorted(wanted):
        draft.join(account, group)
    draft.statements += jobs(draft.state, timers(draft.state, order.present, now))
    ending = [role for name in sorted(draft.lost | gone | ends) if (role := state.role(name))]
    return _guarded(state, draft, now, ending, [one for one in ending if _goes(one, ends - kept)])


def removal(state: DatabaseState, unmanaged: Iterable[Unmanaged], now: Instant) -> Plan:
    """Return what takes away rights that nobody granted; those that are gone need nothing.

    A role whose LOGIN goes keeps its password and what it owns: a grant may open it again.
    """
    draft = _Draft(state)
    for one in unmanaged:
        role = state.role(one.account)
        if one.kind == "login" and (one.account == state.user or (role and state.trusted(role))):
            # By its name opskit comes itself, or it is one of those that are never touched.
            return Plan(refused=f"{one.account} is an administrator of {state.name}")
        if one.kind == "membership":
            draft.leave(one.account, one.detail, set())
        elif one.kind == "attribute":
            draft.less(one.account, one.detail)
        elif one.kind == "login":
            draft.lock(one.account, anyway=True)
            draft.lost.add(one.account)
    ending = [role for name in sorted(draft.lost) if (role := state.role(name))]
    return _guarded(state, draft, now, ending, [])


def administrators(state: DatabaseState, now: Instant) -> frozenset[str]:
    """Return the roles that can administer the server and can really log in."""
    above = {one.name for one, _, _ in superusers(state, Reach(state.memberships))}
    named = above | set(state.administrators)
    reach = Reach(state.memberships)
    return frozenset(
        one.name
        for one in state.roles
        if one.name in named
        and one.login
        and (one.valid_until is None or one.valid_until > now)
        and (state.hba is None or can_log_in(state.hba, one.name, frozenset(reach.holds(one.name))))
    )


def _goes(role: Role, ends: set[str]) -> bool:
    return role.name in ends and made_here(role)


def _guarded(
    state: DatabaseState, draft: _Draft, now: Instant, ending: list[Role], dropping: list[Role]
) -> Plan:
    """Return the plan, or why it would lock everybody out.

    An order that takes nothing from an administrator is carried out on a server with one of them
    as well: it makes nothing worse.
    """
    before, after = administrators(state, now), administrators(draft.state, now)
    if before - after and len(after) < _FEWEST_ADMINISTRATORS:
        names = ", ".join(sorted(before - after))
        left = ", ".join(sorted(after)) or "nobody"
        return Plan(refused=f"without {names} only {left} could administer {state.name}")
    return Plan(tuple(draft.statements), tuple(ending), tuple(dropping), tuple(draft.told))


def _refusal(state: DatabaseState, order: Order) -> str:
    """Return why an order cannot be carried out as it stands; empty if it can."""
    named = {one.account for one in (*order.present, *order.absent)} | set(order.end_sessions)
    roles = {role for one in rights_of(order.present) for _, role in pairs(*one)}
    try:
        _ = [identifier(name) for name in (*named, *roles)]
    except ValueError as error:
        return str(error)
    for name in sorted(named):
        role = state.role(name)
        if (role is not None and state.trusted(role)) or name in state.administrators:
            return f"{name} is an administrator of {state.name} and is never touched"
    for name in sorted(roles):
        role = state.role(name)
        if role is None:
            return f"there is no role {name} on {state.name}"
        if role.login:
            return f"role {name} can log in itself; access is given by roles that cannot"
    return _refused_accounts(state, order)


def _refused_accounts(state: DatabaseState, order: Order) -> str:
    opened = latest(order.present)
    for one in order.present:
        role = state.role(one.account)
        if one.account in opened and role and not role.login and not _reopens(role):
            return f"role {one.account} may not log in, and it was not opskit that said so"
        if one.account not in opened and role is None:
            return f"there is no role {one.account} on {state.name}"
    return ""


def _reopens(role: Role) -> bool:
    return made_here(role) or LOCKED in role.comment


@dataclass
class _Draft:
    """The server as it will be, and the statements that lead there."""

    state: DatabaseState
    statements: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def open(self, account: str, until: Instant) -> None:
        """Let an account log in until then; it is made if there is none."""
        role = self.state.role(account)
        if role is None:
            self._say(f"CREATE ROLE {identifier(account)} LOGIN {_HARMLESS} {_until(until)}")
            self._put(Role(account, login=True, valid_until=until))
            self._comment(account, MADE)
        elif made_here(role):
            if not role.login or role.valid_until != until:
                self._say(f"ALTER ROLE {identifier(account)} LOGIN {_until(until)}")
                self._put(replace(role, login=True, valid_until=until))
        elif not role.login:
            self._say(f"ALTER ROLE {identifier(account)} LOGIN")
            self._put(replace(role, login=True))
            self._comment(account, role.comment.replace(LOCKED, "").rstrip())

    def lock(self, account: str, *, anyway: bool) -> None:
        """Take an account's LOGIN, if opskit gave it or it shall go `anyway`."""
        role = self.state.role(account)
        if role is None or not role.login or not (anyway or made_here(role)):
            return
        self._say(f"ALTER ROLE {identifier(account)} NOLOGIN")
        self._put(replace(role, login=False))
        if not made_here(role):
            self._comment(account, f"{role.comment} {LOCKED}".lstrip())

    def join(self, account: str, role: str) -> None:
        """Make an account a member, unless it is one."""
        if any((one.member, one.role) == (account, role) for one in self.state.memberships):
            return
        options = " WITH ADMIN FALSE, INHERIT TRUE, SET TRUE" if self._has_options else ""
        self._say(f"GRANT {identifier(role)} TO {identifier(account)}{options}")
        given = Membership(role, account, self.state.user)
        self.state = replace(self.state, memberships=(*self.state.memberships, given))

    def leave(self, account: str, role: str, wanted: set[tuple[str, str]]) -> None:
        """End a membership, and those that its holder gave on by its ADMIN option."""
        edges = [one for one in self.state.memberships if (one.member, one.role) == (account, role)]
        if not edges:
            return
        for edge in edges if self._has_options else edges[:1]:
            self._revoke(edge)
        self._without(edges)
        self.lost.add(account)
        if any(edge.admin for edge in edges):
            self._given_on(account, role, wanted)

    def less(self, account: str, attribute: str) -> None:
        """Take an attribute from a role that has it."""
        role = self.state.role(account)
        if role is None or attribute not in role.attributes:
            return
        self._say(f"ALTER ROLE {identifier(account)} NO{attribute}")
        named = {attribute.lower(): False}
        self._put(replace(role, **named))  # type: ignore[arg-type]  # attributes are its fields

    def _given_on(self, account: str, role: str, wanted: set[tuple[str, str]]) -> None:
        given = [
            one
            for one in self.state.memberships
            if one.role == role
            and one.grantor == account
            and (self._has_options or (one.member, role) not in wanted)
        ]
        for edge in given:
            if not self._has_options:  # from 16 on CASCADE has taken it
                self._revoke(edge)
            self._without([edge])
            self.lost.add(edge.member)
            self.told.append(f"{edge.member} lost {role} as well: {account} had given it on")
            still = [one for one in self.state.memberships if one.role == role]
            if edge.admin and not any(one.admin and one.member == edge.member for one in still):
                self._given_on(edge.member, role, wanted)

    @property
    def _has_options(self) -> bool:
        return self.state.version >= OPTIONS_SINCE

    def _revoke(self, edge: Membership) -> None:
        # From 16 on each grantor's grant is one of its own, and only it is revoked.
        by = f" GRANTED BY {identifier(edge.grantor)} CASCADE" if self._has_options else ""
        self._say(f"REVOKE {identifier(edge.role)} FROM {identifier(edge.member)}{by}")

    def _without(self, edges: Sequence[Membership]) -> None:
        left = tuple(one for one in self.state.memberships if one not in edges)
        self.state = replace(self.state, memberships=left)

    def _put(self, role: Role) -> None:
        others = tuple(one for one in self.state.roles if one.name != role.name)
        self.state = replace(self.state, roles=(*others, role))

    def _comment(self, account: str, text: str) -> None:
        self._say(f"COMMENT ON ROLE {identifier(account)} IS {literal(text)}")
        role = self.state.role(account)
        if role is not None:
            self._put(replace(role, comment=text))

    def _say(self, statement: str) -> None:
        self.statements.append(statement)


def _until(until: Instant) -> str:
    return f"VALID UNTIL {literal(iso(until))}"
