"""`access request` and `withdraw`: what is asked is checked at once, and waits, or is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa

from opskit.access import scheduling
from opskit.access.approvers import Seats, satisfiable
from opskit.access.judge import judge, nobody_can
from opskit.access.judgment import Ask, Judgment, Refusal, Verdict
from opskit.access.lifecycle import GrantState, RequestState
from opskit.access.need import covering
from opskit.access.registry import Registry
from opskit.access.rolecheck import check as check_role
from opskit.access.rules.flow import FLOW, REFUSING, FlowView, Holding
from opskit.access.store import grants, places, policies, requests, told
from opskit.access.store.grants import Grant, Held
from opskit.access.store.requests import Request
from opskit.access.workplace import Workplace
from opskit.core.clock import DAY, Duration, Instant
from opskit.core.errors import Refused
from opskit.core.text import clean

_REMEMBERED = 50
# Who says yes now cannot know what will be so in years.
_AHEAD = 366 * DAY
_FAR = Refusal("start", "access/policy.yaml", "it starts in more than a year", "ask nearer the day")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: the request, how it was judged, and the grant if it needs nobody."""

    request: Request
    judgment: Judgment
    grant: Grant | None = None


def check(work: Workplace, ask: Ask) -> Judgment:
    """Return what would come of a request; nothing is written."""
    with work.database.read() as connection:
        return judged(work, connection, ask)


def judged(
    work: Workplace, connection: sa.Connection, ask: Ask, number: int | None = None
) -> Judgment:
    """Return how the files, and what is held already, judge a request now.

    `number` is its own, where it is written down already: it is not held against itself.
    """
    judgment = _by_those_here(connection, ask, judge(ask, work.registry, work.today()))
    if judgment.verdict is Verdict.REFUSED:
        return judgment
    if ask.starts_at is not None and ask.starts_at > work.now() + _AHEAD:
        return Judgment(refusals=(_FAR,))
    view = _view(work, connection, ask, judgment.groups, number)
    flow = tuple(one for rule in FLOW.rules for one in rule.check(view))
    findings = (*flow, *check_role(ask.role, work.registry, ask.targets))
    refusals = tuple(
        Refusal(one.rule, "access/policy.yaml", one.message, one.fix)
        for one in findings
        if one.rule in REFUSING
    )
    return replace(judgment, findings=findings, refusals=refusals)


def _by_those_here(connection: sa.Connection, ask: Ask, judgment: Judgment) -> Judgment:
    """Return a judgment in which nobody asks, gets or decides who was offboarded meanwhile."""
    both = (ask.requester, ask.beneficiary)
    gone = told.offboarded(connection, {*both, *_eligible(judgment.groups)})
    if not gone or judgment.verdict is Verdict.REFUSED:
        return judgment
    groups = tuple(
        replace(one, eligible=tuple(name for name in one.eligible if name not in gone))
        for one in judgment.groups
    )
    refusals = [
        Refusal(
            "offboarded", "access/people.yaml", f"{name} was offboarded",
            f"opskit access onboard {name} brings them back",
        )
        for name in dict.fromkeys(both) if name in gone
    ]  # fmt: skip
    if not refusals and not satisfiable(groups):
        refusals = [nobody_can(groups, ask)]
    return replace(judgment, groups=groups, refusals=tuple(refusals))


def _view(
    work: Workplace,
    connection: sa.Connection,
    ask: Ask,
    groups: tuple[Seats, ...],
    number: int | None,
) -> FlowView:
    now = work.now()
    own = grants.held(connection, ask.beneficiary)
    others = work.registry.hands(ask.beneficiary) - {ask.beneficiary}
    theirs = [one for name in sorted(others) for one in grants.held(connection, name)]
    held = [one for one in own if _counts(one, ask, now)]
    elsewhere = [
        *(one for one in theirs if _counts(one, ask, now)),
        *(one for one in (*own, *theirs) if _lingers(connection, one, ask, now)),
    ]
    earlier = requests.reasons(connection, ask.beneficiary, _REMEMBERED)
    return FlowView(
        ask,
        work.registry,
        holdings=tuple(map(_holding, held)),
        elsewhere=tuple(map(_holding, elsewhere)),
        earlier_reasons=tuple(reason for own, reason in earlier.items() if own != number),
        unreviewed=tuple(one.name for one in own if is_overdue(one, now)),
        narrower=_narrower(work, ask),
        new_approvers=tuple(sorted(new_approvers(work, connection, ask, groups))),
    )


def _narrower(work: Workplace, ask: Ask) -> tuple[str, ...]:
    """Return the roles that cover what was named as needed and give less than what is asked."""
    if not ask.need:
        return ()
    found = covering(work.registry, ask.need, ask.targets, work.now())
    return found[: found.index(ask.role)] if ask.role in found else found


def _counts(grant: Held, ask: Ask, now: Instant) -> bool:
    over = grant.ends_at is not None and grant.ends_at <= now
    return not grant.state.is_ending and not over and grant.id != ask.extends


def _lingers(connection: sa.Connection, grant: Held, ask: Ask, now: Instant) -> bool:
    """Return whether a grant that is over may still be in force somewhere."""
    if _counts(grant, ask, now) or grant.state.is_final or grant.id == ask.extends:
        return False
    return any(not row.footing.is_over(now) for row in places.of_grant(connection, grant.id))


def _holding(grant: Held) -> Holding:
    return Holding(grant.name, grant.role, grant.targets, grant.ends_at)


def is_overdue(grant: Grant | Held, now: Instant) -> bool:
    """Return whether a grant's review should have been done by now."""
    return grant.review_due is not None and grant.reviewed_at is None and grant.review_due <= now


def new_approvers(
    work: Workplace, connection: sa.Connection, ask: Ask, groups: tuple[Seats, ...]
) -> frozenset[str]:
    """Return who may approve by the files as they are, and could not a day ago.

    Where no state of the files is known from then, nobody is taken for new.
    """
    before = policies.in_force_at(connection, Instant(work.now() - DAY), work.registry)
    if before is None or before is work.registry or not groups:
        return frozenset()
    then = judge(ask, _knowing(before, ask, work.registry), work.today())
    return _eligible(groups) - _eligible(then.groups)


def _knowing(before: Registry, ask: Ask, now: Registry) -> Registry:
    """Return files of before that know who asks as they are now, so that newcomers may ask.

    But not who their manager is since: else whoever writes a newcomer down could decide for them.
    """
    people = dict(before.people.people)
    for name in (ask.requester, ask.beneficiary):
        known, old = now.people.people.get(name), people.get(name)
        if known is not None:
            people[name] = known.model_copy(update={"manager": old.manager if old else ""})
    return replace(before, people=before.people.model_copy(update={"people": people}))


def _eligible(groups: tuple[Seats, ...]) -> frozenset[str]:
    return frozenset(name for group in groups for name in group.eligible)


def request(work: Workplace, ask: Ask) -> Asked:
    """Ask for access: refused now with the reason, or pending, or given where a rule says so.

    Raises:
        Refused: the files do not allow it; nothing but the refusal is written.
    """
    ask = _one_line(ask)
    with work.database.write() as connection:
        policies.keep(connection, work.ledger, work.registry)
        judgment = judged(work, connection, ask)
        if judgment.verdict is Verdict.REFUSED:
            data = {**ask.as_json(), "refusals": [one.as_json() for one in judgment.refusals]}
            work.tell(connection, "request.refused", ask.beneficiary, data)
            asked = None
        else:
            asked = _submitted(work, connection, ask, judgment)
    if asked is None:
        raise refused(judgment)
    return asked


def _one_line(ask: Ask) -> Ask:
    """Return it with its words on one line each: a second could pass for what opskit says."""
    return replace(ask, reason=clean(ask.reason), ticket=clean(ask.ticket), need=clean(ask.need))


def refused(judgment: Judgment) -> Refused:
    """Return what to raise for a request that is not allowed."""
    return Refused("; ".join(_told(judgment)), hint=judgment.refusals[0].way)


def _told(judgment: Judgment) -> Iterator[str]:
    for one in judgment.refusals:
        yield f"{one.message} ({one.rule}, {one.whose})"


def _submitted(work: Workplace, connection: sa.Connection, ask: Ask, judgment: Judgment) -> Asked:
    now = work.now()
    draft = requests.insert(connection, ask, now)
    work.tell(connection, "request.created", draft.name, {**ask.as_json(), "hash": draft.hash})
    checked = write_check(work, connection, draft, judgment, RequestState.CHECKED)
    lapses_at = Instant(now + judgment.within)
    pending = requests.advance(connection, checked, RequestState.PENDING, lapses_at=lapses_at)
    data = {
        "beneficiary": ask.beneficiary,
        "role": ask.role,
        "targets": list(ask.targets),
        "reason": ask.reason,
        "blast_radius": judgment.blast,
        "approvers": sorted(_eligible(judgment.groups)),
        "lapses_at": lapses_at,
    }
    work.tell(connection, "request.submitted", pending.name, data)
    if judgment.verdict is not Verdict.APPROVED:
        return Asked(pending, judgment)
    by = f"rule {', '.join(judgment.rules)}"
    approved, grant = scheduling.approve(work, connection, pending, judgment, by)
    return Asked(approved, judgment, grant)


def write_check(
    work: Workplace,
    connection: sa.Connection,
    one: Request,
    judgment: Judgment,
    to: RequestState,
) -> Request:
    """Write how a request is judged by the files as they are."""
    check, version = judgment.as_json(), work.registry.version
    data = {"check_hash": judgment.digest, "policy_version": version, "check": check}
    work.tell(connection, "request.checked", one.name, data)
    return requests.advance(
        connection, one, to,
        judgment=check, check_hash=judgment.digest, policy_version=version,
    )  # fmt: skip


def withdraw(work: Workplace, number: int) -> Request:
    """Take a request back.

    Raises:
        Refused: it is decided, over, or somebody else's.
    """
    person, now = work.person(), work.now()
    with work.database.write() as connection:
        one = requests.one(connection, number)
        if person not in {one.ask.requester, one.ask.beneficiary}:
            raise Refused(
                f"{one.name} is {one.ask.requester}'s",
                hint=f"ask {one.ask.requester}, or deny it: opskit access deny {one.name}",
            )
        lapse(work, connection, one)
        one = requests.one(connection, number)
        work.tell(connection, "request.withdrawn", one.name, {"by": person})
        return requests.advance(connection, one, RequestState.WITHDRAWN, closed_at=now)


def lapse(work: Workplace, connection: sa.Connection, one: Request) -> bool:
    """Write that a request's time is over, if it is; return whether it was."""
    now = work.now()
    if one.state is not RequestState.PENDING or one.state_at(now) is RequestState.PENDING:
        return False
    work.tell(connection, "request.lapsed", one.name, {"lapses_at": one.lapses_at})
    requests.advance(connection, one, RequestState.LAPSED, closed_at=now)
    return True


def narrowest(work: Workplace, beneficiary: str, need: str, targets: tuple[str, ...]) -> str:
    """Return the narrowest role that covers a command and that somebody may ask for.

    Raises:
        Refused: there is none.
    """
    found = covering(work.registry, need, targets, work.now())
    for name in found:
        role = work.registry.roles.roles[name]
        ask = Ask(
            beneficiary, beneficiary, name, targets or role.targets, Duration(1), "which role?"
        )
        if judge(ask, work.registry, work.today()).verdict is not Verdict.REFUSED:
            return name
    if found:
        raise Refused(
            f"{', '.join(found)} would cover {need!r}, and {beneficiary} may not ask for it",
            hint=f"opskit access explain {found[0]} --who {beneficiary}",
        )
    raise Refused(
        f"no role covers {need!r}",
        hint="opskit access explain lists roles; the owners of one can add the command",
    )


def extend(work: Workplace, number: int, longer: Duration, reason: str) -> Asked:
    """Ask for more time with a grant, judged and approved as a request of its own.

    Raises:
        Refused: it is not in force, its role gives something else by now, or the files do not
            allow it.
    """
    person = work.person()
    with work.database.read() as connection:
        grant = grants.one(connection, number)
    if grant.state not in {GrantState.ACTIVE, GrantState.PARTIAL} or grant.is_over(work.now()):
        raise Refused(
            f"{grant.name} is {grant.state.value}: there is nothing to extend",
            hint=f"opskit access request {grant.role} --who {grant.person}",
        )
    scheduling.require_same(grant, work.registry.role(grant.role))
    ask = Ask(
        person, grant.person, grant.role, grant.targets, longer, reason, extends=grant.id,
        ticket="extension" if work.registry.policy.need_ticket else "",
    )  # fmt: skip
    return request(work, ask)
