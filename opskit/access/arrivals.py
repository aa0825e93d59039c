"""`access onboard`: the roles of a team's bundle, asked for like anything else, and how far it is.

Nothing bypasses approval. Run again it asks for nothing twice and tells what is still waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.approvers import still_wanted
from opskit.access.judgment import Ask, Verdict
from opskit.access.lifecycle import GrantState, RequestState
from opskit.access.model import Role
from opskit.access.requesting import check, judged, refused, request
from opskit.access.settling import start_now
from opskit.access.store import decisions, grants, requests, told
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.access.workplace import Workplace
from opskit.core.clock import HOUR, Duration, Instant, parse_duration
from opskit.core.errors import ConfigError, ExitCode, Refused


@dataclass(frozen=True, slots=True)
class Step:
    """A role of the bundle: where it is, who decides, and what is to be done next."""

    role: str
    on: tuple[str, ...]
    state: str
    decides: str = ""
    next: str = ""
    request: str = ""
    grant: str = ""


@dataclass(frozen=True)
class Arrival:
    """How far somebody is. `hours` is from the first asking until ready, or up to now."""

    person: str
    team: str
    steps: tuple[Step, ...]
    ready: bool
    hours: float

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 once all of it could be used, 3 before."""
        return ExitCode.OK if self.ready else ExitCode.UNDETERMINED


def onboard(work: Workplace, name: str, reason: str = "", ticket: str = "") -> Arrival:
    """Ask for what of a bundle was not asked for yet, and tell how far all of it is.

    Raises:
        ConfigError: there is no such person, or no bundle for them.
        Refused: they have left.
    """
    with work.database.read() as connection:
        back = bool(told.offboarded(connection, [name]))
    team, roles = _bundle(work, name, back=back)
    began = _began(work, name, team, roles, back=back)
    for role in roles:
        with work.database.read() as connection:
            known = _asked(connection, name, role, began)
        if known is None:
            _ask(work, name, role, reason or f"joins team {team}", ticket)
    with work.database.read() as connection:
        steps = tuple(_step(work, connection, name, role, began) for role in roles)
        usable = _usable(connection, name, roles)
    return _told(work, name, team, steps, began, usable)


def _bundle(work: Workplace, name: str, *, back: bool) -> tuple[str, tuple[str, ...]]:
    """Return somebody's team and its roles; who comes `back` may do so without any."""
    holder, named = work.registry.holder(name), work.registry.team(name)
    if holder is None:
        raise ConfigError(
            f"nobody is called {name!r} in access/people.yaml", hint="enter them there first"
        )
    if work.registry.left(name, work.today()):
        raise Refused(f"{name} left on {holder.ends}", hint="correct ends: in access/people.yaml")
    team = work.registry.people.teams.get(named)
    roles = team.bundle if team else ()
    if not roles and not back:
        where = f"team {named}" if named else f"{name} is in no team, which"
        raise ConfigError(
            f"{where} has no bundle of roles", hint="teams.NAME.bundle in access/people.yaml"
        )
    return named, roles


def _began(work: Workplace, name: str, team: str, roles: tuple[str, ...], *, back: bool) -> Instant:
    """Return when somebody's arrival began; it begins now where it has not yet.

    From here on who was offboarded may ask and decide again.
    """
    person = work.person()
    with work.database.write() as connection:
        began = told.last(connection, "person.onboarding", name)
        if began is not None and not back:
            return began.at
        data = {"team": team, "roles": list(roles), "by": person}
        return work.tell(connection, "person.onboarding", name, data).at


# Asking


def _asked(connection: sa.Connection, name: str, role: str, began: Instant) -> Request | None:
    """Return the newest request for a role that is under way, or was made since the arrival."""
    for one in requests.for_role(connection, name, role):
        if one.ask.extends is not None or one.ask.break_glass:
            continue
        grant = grants.of_request(connection, one.id)
        in_force = grant is not None and not grant.state.is_ending
        if one.state is RequestState.PENDING or in_force or one.created_at >= began:
            return one
    return None


def _ask(work: Workplace, name: str, role: str, reason: str, ticket: str) -> None:
    """Ask for a role for as long as the files allow; a refusal is shown as how it stands."""
    known = work.registry.role(role)
    if known is None:
        return
    ask = _longest(work, name, role, known, reason, ticket)
    try:
        asked = request(work, ask)
    except Refused:
        return
    if asked.grant is not None:
        start_now(work, asked.grant)


def _longest(work: Workplace, name: str, role: str, known: Role, reason: str, ticket: str) -> Ask:
    asks = [
        Ask(work.person(), name, role, known.targets, Duration(length), reason, ticket)
        for length in _lengths(work, known)
    ]
    allowed = (one for one in asks if check(work, one).verdict is not Verdict.REFUSED)
    return next(allowed, asks[0])


def _lengths(work: Workplace, role: Role) -> list[int]:
    """Return what may be the longest time that is allowed, longest first."""
    most = parse_duration(role.max_duration)
    spans = {parse_duration(one.max_duration) for one in work.registry.policy.rules
             if one.max_duration}  # fmt: skip
    return sorted({most, *(one for one in spans if one < most)}, reverse=True)


# Telling


def _step(work: Workplace, connection: sa.Connection, name: str, role: str, began: Instant) -> Step:
    known = work.registry.role(role)
    if known is None:
        return Step(role, (), "unknown", next=f"access/roles.yaml has no role {role}")
    one = _asked(connection, name, role, began)
    if one is None:
        return _refused(work, name, role, known)
    grant = grants.of_request(connection, one.id)
    if grant is not None:
        return _given(one, grant)
    state = one.state_at(work.now())
    again = f"opskit access request {role} --who {name} --for DURATION --reason WHY"
    if state is not RequestState.PENDING:
        return Step(role, one.ask.targets, state.value, next=again, request=one.name)
    groups = judged(work, connection, one.ask, one.id).groups
    agreed = {each.approver for each in decisions.of(connection, one.id)
              if each.verdict == "approve" and each.check_hash == one.check_hash}  # fmt: skip
    wanted = ", ".join(still_wanted(groups, agreed))
    step = f"opskit access approve {one.name}"
    return Step(role, one.ask.targets, "waits", wanted, step, one.name)


def _refused(work: Workplace, name: str, role: str, known: Role) -> Step:
    judgment = check(work, _longest(work, name, role, known, "onboarding", ""))
    if judgment.verdict is not Verdict.REFUSED:
        return Step(role, known.targets, "not asked", next=f"opskit access onboard {name}")
    error = refused(judgment)
    return Step(role, known.targets, "refused", error.message, error.hint or "")


def _given(one: Request, grant: Grant) -> Step:
    steps = {
        GrantState.SCHEDULED: "opskit access settle",
        GrantState.PROVISIONING: "opskit access settle",
        GrantState.PARTIAL: f"opskit access show {grant.name}",
        GrantState.FAILED: f"opskit access show {grant.name}",
    }
    state = "usable" if grant.state is GrantState.ACTIVE else grant.state.value
    return Step(
        grant.role, grant.targets, state, "", steps.get(grant.state, ""), one.name, grant.name
    )


def _usable(connection: sa.Connection, name: str, roles: tuple[str, ...]) -> list[Instant | None]:
    """Return for each role since when it can be used; None where it cannot."""
    held = grants.of_person(connection, name)
    return [
        next((one.usable_at for one in held if one.role == role
              and one.state is GrantState.ACTIVE), None)
        for role in roles
    ]  # fmt: skip


def _told(
    work: Workplace,
    name: str,
    team: str,
    steps: tuple[Step, ...],
    began: Instant,
    usable: list[Instant | None],
) -> Arrival:
    """Write, once, that somebody is ready, and return how far they are."""
    since = [one for one in usable if one is not None]
    with work.database.write() as connection:
        before = told.first(connection, "person.ready", name, began)
        if before is not None:
            return Arrival(name, team, steps, ready=True, hours=before.data["hours"])
        if len(since) < len(usable):
            return Arrival(name, team, steps, ready=False, hours=(work.now() - began) / HOUR)
        ready_at = max((*since, began))
        data = {"team": team, "hours": (ready_at - began) / HOUR, "ready_at": ready_at}
        work.tell(connection, "person.ready", name, data)
    return Arrival(name, team, steps, ready=True, hours=(ready_at - began) / HOUR)


def unready(arrival: Arrival) -> Iterator[Step]:
    """Yield what is still waited for."""
    yield from (one for one in arrival.steps if one.state != "usable")
