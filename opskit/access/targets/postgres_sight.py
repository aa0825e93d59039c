"""How grants stand on a PostgreSQL server, by what was read of it. Pure.

VALID UNTIL ends a password and nothing else: it is told as the account's expiry only where every
line of pg_hba.conf that may decide about the account asks for a password. It ends no session, and
no membership; nothing in PostgreSQL itself ends a membership at a time, but a job of pg_cron does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from opskit.access.databases.hba import expires_by_password
from opskit.access.databases.membership import Reach
from opskit.access.databases.model import DatabaseState, Role
from opskit.access.model import PostgresRights
from opskit.access.targets.kinds import (
    EnforcedBy,
    Part,
    Placement,
    Presence,
    Session,
    Standing,
    Unmanaged,
)
from opskit.access.targets.postgres_grants import HEIR, made_here, pairs, rights_of
from opskit.access.targets.postgres_timer import (
    Timer,
    login_job,
    membership_job,
    planted,
    timers,
)
from opskit.core.clock import Instant

Pairs = frozenset[tuple[str, str]]


def granted(placements: Sequence[Placement]) -> Pairs:
    """Return (account, role) of every membership that the placements account for."""
    return frozenset(pair for one in rights_of(placements) for pair in pairs(*one))


def standings(
    state: DatabaseState,
    present: Sequence[Placement],
    absent: Sequence[Placement],
    now: Instant,
) -> Mapping[str, Standing]:
    """Return how each placement stands.

    What a grant that goes shares with one that stays is the other's, and no part of it any more.
    """
    shared, staying = granted(present), frozenset(one.account for one in present)
    found: dict[str, Standing] = {}
    timed = timers(state, present, now)
    for one, rights in rights_of(absent):
        parts = [*_memberships(state, one, rights, shared, {})]
        if one.account not in staying:
            parts += [*_login(state, one, rights, {}), _sessions(state, one)]
        found[one.grant] = Standing(one.grant, tuple(parts))
    for one, rights in rights_of(present):
        parts = [*_login(state, one, rights, timed)]
        parts += _memberships(state, one, rights, frozenset(), timed)
        found[one.grant] = Standing(one.grant, tuple(parts))
    return found


def _login(
    state: DatabaseState, one: Placement, rights: PostgresRights, timed: Mapping[str, Timer]
) -> Iterator[Part]:
    """Yield the account's LOGIN, where it is opskit's to give and take."""
    role = state.role(one.account)
    if not rights.login or (role is not None and role.login and not made_here(role)):
        return
    what = f"login role {one.account}"
    if role is None or not role.login:
        yield Part(what, Presence.ABSENT)
    elif _expires(state, role):
        yield Part(what, Presence.PRESENT, EnforcedBy.ACCOUNT, role.valid_until)
    else:
        yield _timed(state, what, timed.get(login_job(one.account)))


def _timed(state: DatabaseState, what: str, timer: Timer | None) -> Part:
    """Return something that is there, with the job that ends it if there is one."""
    if timer is not None and planted(state, timer):
        return Part(what, Presence.PRESENT, EnforcedBy.TIMER, timer.gone_by)
    return Part(what, Presence.PRESENT)


def _expires(state: DatabaseState, role: Role) -> bool:
    if role.valid_until is None or state.hba is None:
        return False
    groups = frozenset(Reach(state.memberships).holds(role.name))
    return expires_by_password(state.hba, role.name, groups)[0]


def _memberships(
    state: DatabaseState,
    one: Placement,
    rights: PostgresRights,
    shared: Pairs,
    timed: Mapping[str, Timer],
) -> Iterator[Part]:
    known = {(edge.member, edge.role) for edge in state.memberships}
    for pair in pairs(one, rights):
        what = f"{one.account} in {pair[1]}"
        if pair in shared:
            yield Part(f"{what}, which another grant gives", Presence.ABSENT)
        elif pair in known:
            yield _timed(state, what, timed.get(membership_job(*pair)))
        else:
            yield Part(what, Presence.ABSENT)


def _sessions(state: DatabaseState, one: Placement) -> Part:
    """Return whether sessions go on: they keep a role they took, whatever was revoked since."""
    role, what = state.role(one.account), f"sessions of {one.account}"
    if state.clients is None:
        return Part(what, Presence.UNKNOWN)
    if role is not None and role.login:  # it may come back, by a right that is not the grant's
        return Part(what, Presence.ABSENT)
    going = any(client.role == one.account for client in state.clients)
    return Part(what, Presence.PRESENT if going else Presence.ABSENT)


def sessions(state: DatabaseState) -> tuple[Session, ...]:
    """Return who is connected, besides who looked."""
    return tuple(
        Session(
            client.role,
            " ".join(filter(None, (client.database, client.application, client.address))),
            client.since,
        )
        for client in state.clients or ()
        if client.role != state.user
    )


def unmanaged(
    state: DatabaseState, accounted: Pairs, given: frozenset[str]
) -> tuple[Unmanaged, ...]:
    """Return the memberships in roles that are `given`, and attributes, that nobody granted.

    A role that is itself given may be a member of another: that is how roles are put together.
    """
    found: dict[str, Unmanaged] = {}
    for edge in state.memberships:
        role = state.role(edge.member)
        known = role is None or state.trusted(role) or edge.member in given
        if edge.role in given and not known and (edge.member, edge.role) not in accounted:
            key = f"{edge.member} in {edge.role}"
            found[key] = Unmanaged("membership", key, edge.member, edge.role)
    for role in state.roles:
        if state.trusted(role) or role.name in {HEIR, state.user}:
            continue
        for attribute in role.attributes:
            key = f"{role.name} {attribute}"
            found[key] = Unmanaged("attribute", key, role.name, attribute)
    return tuple(found.values())


def aware(state: DatabaseState, placements: Sequence[Placement]) -> DatabaseState:
    """Return the state with what the grants in force account for."""
    return replace(state, granted=granted(placements))
