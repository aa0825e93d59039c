"""From yes to a grant: what is approved is written down as to be done, with its three times.

How long a request waits for decisions, how long what is approved may wait for its start, and for
how long access lasts are separate: the last begins when it is put on its targets.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from opskit.access.judgment import Judgment
from opskit.access.lifecycle import RequestState
from opskit.access.model import Role
from opskit.access.store import grants, places, requests
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.access.targets.kinds import Presence
from opskit.access.workplace import Workplace
from opskit.core.clock import Instant, parse_duration
from opskit.core.errors import Refused


def approve(
    work: Workplace, connection: sa.Connection, one: Request, judgment: Judgment, by: str
) -> tuple[Request, Grant]:
    """Close a request as approved and schedule what it asked for."""
    now = work.now()
    closed = requests.advance(connection, one, RequestState.APPROVED, closed_at=now)
    work.tell(connection, "request.approved", one.name, {"by": by, "check_hash": one.check_hash})
    if one.ask.extends is not None:
        return closed, _extended(work, connection, closed)
    grant = _scheduled(work, connection, closed, judgment)
    return closed, grant


def _scheduled(
    work: Workplace, connection: sa.Connection, one: Request, judgment: Judgment
) -> Grant:
    now, ask = work.now(), one.ask
    role = work.registry.role(ask.role)
    assert role is not None  # noqa: S101  # judged so in this transaction
    starts_at = Instant(max(now, ask.starts_at or now))
    grant = grants.insert(
        connection,
        role,
        request=one.id,
        person=ask.beneficiary,
        account=work.registry.account(ask.beneficiary),
        role=ask.role,
        targets=ask.targets,
        keys=work.login_keys(connection, ask.beneficiary),
        reason=ask.reason,
        duration=ask.duration,
        approved_at=now,
        starts_at=starts_at,
        start_by=Instant(starts_at + judgment.start_within),
        break_glass=ask.break_glass,
        review_due=_review_due(work) if ask.break_glass else None,
    )
    told = {"request": one.name, "starts_at": starts_at, "start_by": grant.start_by}
    work.tell(connection, "grant.created", grant.name, told)
    if ask.break_glass:
        data = {"person": grant.person, "role": grant.role, "reason": grant.reason}
        work.tell(connection, "breakglass.opened", grant.name, data)
    return grant


def _review_due(work: Workplace) -> Instant | None:
    rules = work.registry.policy.break_glass
    return Instant(work.now() + parse_duration(rules.review_within)) if rules else None


def _extended(work: Workplace, connection: sa.Connection, one: Request) -> Grant:
    """Give a grant a later end, counted from now, on all its targets."""
    assert one.ask.extends is not None  # noqa: S101  # asked for by whoever calls
    now = work.now()
    grant = grants.one(connection, one.ask.extends)
    if grant.state.is_ending or grant.is_over(now) or grant.ends_at is None:
        raise Refused(f"{grant.name} has ended meanwhile", hint="ask for it anew")
    require_same(grant, work.registry.role(grant.role))
    ends_at = Instant(max(grant.ends_at, work.until(grant.person, one.ask.duration)))
    told = {"request": one.name, "until": ends_at, "before": grant.ends_at}
    work.tell(connection, "grant.extended", grant.name, told)
    for place in _present(connection, grant):
        places.want(connection, place, Presence.PRESENT, now, until=ends_at)
    return grants.change(connection, grant, ends_at=ends_at)


def require_same(grant: Grant, role: Role | None) -> None:
    """Refuse more time for what a role gave once: the check and who approves see what it gives now.

    Raises:
        Refused: it gives something else by now, or is no more.
    """
    before = grant.gives
    if role is None or any(
        getattr(role, part) != getattr(before, part) for part in ("linux", "postgres", "playbooks")
    ):
        raise Refused(
            f"{grant.role} gives something else than when {grant.name} was given",
            hint=f"ask anew: opskit access request {grant.role}",
        )


def _present(connection: sa.Connection, grant: Grant) -> Iterator[places.Place]:
    for place in places.of_grant(connection, grant.id):
        if place.desired is Presence.PRESENT:
            yield place
