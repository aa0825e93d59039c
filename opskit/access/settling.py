"""What is due is done: grants start, end, are tried again, and are looked at after each change.

Every step writes its intent before it touches a target and its outcome after a look. Whoever dies
between the two leaves a row that is still due: the next one carries the same order out once more,
which does no harm. A lease on each place keeps two from carrying out contradicting orders.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access import holding
from opskit.access.lifecycle import GrantState, RequestState, provisioned, revoked
from opskit.access.orders import next_attempt, order
from opskit.access.requesting import judged, lapse
from opskit.access.revocation import fence, page, publish
from opskit.access.store import grants, places, requests
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.targets.kinds import Answer, EnforcedBy, Order, Part, Presence, Sight, Standing
from opskit.access.trimming import keys_left, trim
from opskit.access.workplace import Workplace
from opskit.core.clock import Instant, parse_duration
from opskit.core.errors import Conflict, OpskitError
from opskit.records.leases import Lease

_IN_FORCE = (GrantState.PROVISIONING, GrantState.ACTIVE, GrantState.PARTIAL, GrantState.FAILED)
_ENDING = (GrantState.REVOKING, GrantState.REVOKE_DEFERRED)


@dataclass(frozen=True, slots=True)
class Settled:
    """What one round did, by the names of grants; `busy` are places somebody else is at."""

    moved: tuple[Grant, ...] = ()
    busy: tuple[str, ...] = ()


def settle(work: Workplace) -> Settled:
    """Do all that is due now, and return the grants whose state it moved."""
    now, where = work.now(), _whereabouts(work)
    with work.database.write() as connection:
        for one in requests.in_states(connection, [RequestState.PENDING]):
            lapse(work, connection, one)
        ended = _ended(work, connection)
        started = [_started(work, connection, one, where) for one in _startable(connection, now)]
        trim(work, connection, grants.in_states(connection, _IN_FORCE))
        # Whoever was killed between a look and what follows from it left these as they were.
        left = grants.in_states(connection, (GrantState.PROVISIONING, *_ENDING))
    done = _worked(work, {one.id for one in (*started, *ended, *left)})
    publish(work)
    page(work)
    return done


def _ended(work: Workplace, connection: sa.Connection) -> list[Grant]:
    """End what is over, and what whoever has left still holds or would be given."""
    held = grants.in_states(
        connection, (GrantState.SCHEDULED, *_IN_FORCE, GrantState.SUSPENDED)
    )  # fmt: skip
    gone, now = work.gone(connection, {one.person for one in held}), work.now()
    return [
        end(work, connection, one, "its time is over" if one.is_over(now) else "who held it left")
        for one in held
        if one.is_over(now) or one.person in gone
    ]


def start_now(work: Workplace, grant: Grant) -> Settled:
    """Put one grant on its targets, if its time has come."""
    where = _whereabouts(work)
    with work.database.write() as connection:
        found = grants.one(connection, grant.id)
        if found.state is GrantState.SCHEDULED and found.starts_at <= work.now():
            _started(work, connection, found, where)
    return _worked(work, {grant.id}, only=frozenset({grant.id}))


def end_now(work: Workplace, number: int, why: str) -> Settled:
    """Take one grant off its targets, and do nothing else that is due; nothing if it ends."""
    with work.database.write() as connection:
        found = grants.one(connection, number)
        if not found.state.is_ending:
            end(work, connection, found, why)
    return _worked(work, {number}, only=frozenset({number}))


def _startable(connection: sa.Connection, now: Instant) -> list[Grant]:
    waiting = grants.in_states(connection, [GrantState.SCHEDULED])
    return [one for one in waiting if one.starts_at <= now]


def _whereabouts(work: Workplace) -> Mapping[str, tuple[str, ...]]:
    """Return the places of every target that something is to start on.

    Asked before anything is written: the inventory may take its time, and nobody shall wait for it.
    """
    with work.database.read() as connection:
        waiting = _startable(connection, work.now())
    return {name: _places(work, name) for grant in waiting for name in grant.targets}


def _started(
    work: Workplace, connection: sa.Connection, grant: Grant, where: Mapping[str, tuple[str, ...]]
) -> Grant:
    """Start a grant's clock and write where it is to be; or end it, if it waited too long."""
    now = work.now()
    if grant.start_by <= now:
        work.tell(connection, "grant.expired", grant.name, {"why": "it was not started in time"})
        return grants.advance(
            connection, grant, GrantState.REVOKED, ended_at=now, end_reason="not started in time"
        )
    if not set(grant.targets) <= where.keys():
        return grant  # it has come since: the next round starts it
    request = requests.one(connection, grant.request)
    refusals = judged(work, connection, request.ask, request.id).refusals
    if refusals:
        return end(work, connection, grant, f"the files allow it no more: {refusals[0].message}")
    ends_at = work.until(grant.person, grant.duration)
    found = {place: name for name in grant.targets for place in where[name]}
    nowhere = [name for name in grant.targets if not where[name]]
    told = {"until": ends_at, "places": list(found), "nowhere": nowhere}
    work.tell(connection, "grant.provisioning", grant.name, told)
    for place, name in found.items():
        kind = work.registry.targets.targets[name].kind
        places.insert(connection, grant.id, place, name, kind, now)
    return grants.advance(
        connection, grant, GrantState.PROVISIONING, provisioned_at=now, ends_at=ends_at,
        keys=json.dumps(list(keys_left(work, connection, grant))),
    )  # fmt: skip


def _places(work: Workplace, target: str) -> tuple[str, ...]:
    """Return what a target stands for; nothing where that cannot be told, which fails the grant."""
    if work.registry.target(target) is None:
        return ()
    try:
        return work.places(target)
    except OpskitError:
        return ()


def end(work: Workplace, connection: sa.Connection, grant: Grant, why: str) -> Grant:
    """Write that a grant is to be gone from all its targets, as the first thing to be done."""
    now = work.now()
    kind = "grant.expired" if grant.is_over(now) else "grant.revoking"
    work.tell(connection, kind, grant.name, {"why": why, "planned_end": grant.ends_at})
    if grant.state is GrantState.SCHEDULED:
        work.tell(connection, "grant.revoked", grant.name, {"why": why})
        return grants.advance(connection, grant, GrantState.REVOKED, ended_at=now, end_reason=why)
    fence(work, connection, grant, why)
    for place in places.of_grant(connection, grant.id):
        places.want(connection, place, Presence.ABSENT, now)
    ends_at = min(grant.ends_at or now, now)
    return grants.advance(connection, grant, GrantState.REVOKING, end_reason=why, ends_at=ends_at)


# Carrying orders out


@dataclass(frozen=True, slots=True)
class _Task:
    """A place, what is to be true there, and the right to touch it."""

    kind: str
    order: Order
    rows: tuple[Place, ...]
    lease: Lease


def _worked(
    work: Workplace, touched: Collection[int], only: frozenset[int] | None = None
) -> Settled:
    """Carry out what is due, then say what became of every grant concerned."""
    holder = holding.name(work.ledger.actor)
    tasks, busy = _taken(work, holder, only)
    moved = set(touched)
    try:
        for kind in sorted({task.kind for task in tasks}):
            moved |= _carried_out(work, kind, [task for task in tasks if task.kind == kind])
    finally:
        with work.database.write() as connection:
            work.leases.release(connection, holder)
    with work.database.write() as connection:
        after = [_rolled_up(work, connection, number) for number in sorted(moved)]
        _page(work, connection)
    return Settled(tuple(after), tuple(busy))


def _taken(
    work: Workplace, holder: str, only: frozenset[int] | None
) -> tuple[list[_Task], list[str]]:
    """Return what to do at each place that something is owed to, under a lease of its own."""
    tasks: list[_Task] = []
    busy: list[str] = []
    with work.database.read() as connection:
        owed = [
            (row.kind, row.place)
            for row in places.due(connection, work.now())
            if only is None or row.grant_id in only
        ]
    for kind, place in dict.fromkeys(owed):
        try:
            tasks.append(_task(work, holder, kind, place))
        except Conflict:
            busy.append(place)
    return tasks, busy


def _task(work: Workplace, holder: str, kind: str, place: str) -> _Task:
    with work.database.write() as connection:
        lease = work.hold(connection, kind, place, holder)
        rows = places.at(connection, kind, place)
        known = grants.numbered(connection, {row.grant_id for row in rows})
    return _Task(kind, order(place, rows, known), rows, lease)


def _carried_out(work: Workplace, kind: str, tasks: Sequence[_Task]) -> set[int]:
    answers = _answers(work, kind, [task.order for task in tasks])
    for task in tasks:
        answer = answers.get(task.order.target) or _unanswered(work, task.order.target)
        try:
            with work.database.write() as connection:
                work.leases.fence(connection, task.lease)
                _record(work, connection, task, answer)
        except Conflict:
            continue  # it took too long, and somebody else is at it: theirs is the newer look
    return {row.grant_id for task in tasks for row in task.rows}


def _answers(work: Workplace, kind: str, orders: Sequence[Order]) -> Mapping[str, Answer]:
    try:
        return work.kind(kind).carry_out(orders)
    except OpskitError as error:
        return {
            one.target: Answer(Sight(one.target, work.now(), reached=False, reason=error.message))
            for one in orders
        }


def _unanswered(work: Workplace, place: str) -> Answer:
    return Answer(Sight(place, work.now(), reached=False, reason="nothing was said of it"))


def _record(work: Workplace, connection: sa.Connection, task: _Task, answer: Answer) -> None:
    for row in task.rows:
        grant = f"g{row.grant_id}"
        standing = answer.sight.standings.get(grant) or Standing(grant, ())
        values = _seen(row, standing, answer, work.now())
        places.seen(connection, row, values)
        _tell_place(work, connection, row, values, answer)
    for session in answer.ended:
        data = {"account": session.account, "what": session.what}
        work.tell(connection, "session.killed", answer.sight.target, data)


def _seen(row: Place, standing: Standing, answer: Answer, now: Instant) -> dict[str, object]:
    """Return what to write of a place after a look at it."""
    observed = standing.presence if answer.sight.reached else Presence.UNKNOWN
    settled = observed is row.desired
    gone = observed is Presence.ABSENT and row.desired is Presence.ABSENT
    values: dict[str, object] = {
        "observed": observed.value,
        "reason": answer.refused or answer.failed or answer.sight.reason,
        "attempts": 0 if settled else row.attempts + 1,
        "due_at": None if settled else next_attempt(row.attempts, now),
    }
    if not answer.sight.reached:
        return values  # what the target enforces by itself stays as it was planted
    values |= {"observed_at": answer.sight.at, "parts": [_part(one) for one in standing.parts]}
    if gone:
        values["absent_at"] = row.absent_at or answer.sight.at
    elif row.desired is Presence.PRESENT:
        planted = standing.enforced_by if standing.parts else EnforcedBy.NONE
        values |= {"enforced_by": planted.value, "fence_until": standing.fence_until}
    return values


def _part(one: Part) -> dict[str, object]:
    return {
        "what": one.what,
        "presence": one.presence.value,
        "enforced_by": one.enforced_by.value,
        "fence_until": one.fence_until,
    }


def _tell_place(
    work: Workplace,
    connection: sa.Connection,
    row: Place,
    values: Mapping[str, object],
    answer: Answer,
) -> None:
    data = {
        "grant": f"g{row.grant_id}",
        "desired": row.desired.value,
        "observed": values["observed"],
        "reason": values["reason"],
        "enforced_by": values.get("enforced_by", row.enforced_by.value),
        "fence_until": values.get("fence_until", row.fence_until),
    }
    if not answer.sight.reached:
        kind = "target.unreachable"
    elif answer.refused:
        kind = "target.refused"
    else:
        kind = "target.verified" if values["due_at"] is None else "target.failed"
    work.tell(connection, kind, row.place, data)


# What becomes of a grant


def _rolled_up(work: Workplace, connection: sa.Connection, number: int) -> Grant:
    grant = grants.one(connection, number)
    rows = places.of_grant(connection, number)
    if grant.state in _IN_FORCE:
        return _in_force(work, connection, grant, rows)
    if grant.state in _ENDING:
        return _gone(work, connection, grant, rows)
    return grant


def _in_force(
    work: Workplace, connection: sa.Connection, grant: Grant, rows: Iterable[Place]
) -> Grant:
    rows = tuple(rows)
    state = provisioned(row.footing for row in rows)
    if state is grant.state or (grant.state is GrantState.PROVISIONING and _untried(rows)):
        return grant
    reasons = {row.place: row.reason for row in rows if row.reason}
    told = {"until": grant.ends_at, "reasons": reasons}
    work.tell(connection, f"grant.{_WORDS[state]}", grant.name, told)
    first = {} if grant.usable_at or state is not GrantState.ACTIVE else {"usable_at": work.now()}
    return grants.advance(connection, grant, state, **first)


def _untried(rows: Iterable[Place]) -> bool:
    """Return whether nobody has got round to a place: somebody else is at it, and will say."""
    return any(row.due_at is not None and row.attempts == 0 for row in rows)


_WORDS = {
    GrantState.ACTIVE: "activated",
    GrantState.PARTIAL: "partial",
    GrantState.FAILED: "failed",
}


def _gone(work: Workplace, connection: sa.Connection, grant: Grant, rows: Iterable[Place]) -> Grant:
    rows, now = tuple(rows), work.now()
    state = revoked((row.footing for row in rows), now)
    if state is grant.state or (state is GrantState.REVOKE_DEFERRED and _untried(rows)):
        return grant
    if state is GrantState.REVOKED:
        gone_at = [row.footing.gone_at() or now for row in rows]
        told = {"why": grant.end_reason, "gone_at": max(gone_at, default=now)}
        work.tell(connection, "grant.revoked", grant.name, told)
        return grants.advance(connection, grant, state, ended_at=max(gone_at, default=now))
    left = {row.place: row.reason for row in rows if not row.footing.is_over(now)}
    fences = [row.fence_until for row in rows if not row.footing.is_over(now)]
    work.tell(connection, "grant.revoke_deferred", grant.name, {"left": left, "fences": fences})
    return grants.advance(connection, grant, state)


def _page(work: Workplace, connection: sa.Connection) -> None:
    """Tell, once for each place, that a revocation has been owed for too long."""
    now, patience = work.now(), parse_duration(work.registry.policy.page_after)
    for grant in grants.in_states(connection, _ENDING):
        for row in places.of_grant(connection, grant.id):
            late = grant.ends_at is not None and now - grant.ends_at >= patience
            if late and row.paged_at is None and not row.footing.is_over(now):
                data = {"place": row.place, "reason": row.reason, "fence_until": row.fence_until}
                work.tell(connection, "grant.revoke_overdue", grant.name, data)
                places.paged(connection, row, now)
