"""`access return`, `revoke`, and the review of an emergency: how a grant ends before its time."""

from __future__ import annotations

from opskit.access.approvers import Asking, seats
from opskit.access.model import Approval, Role
from opskit.access.settling import Settled, end, settle
from opskit.access.store import grants
from opskit.access.store.grants import Grant
from opskit.access.workplace import Workplace
from opskit.core.errors import ConfigError, Refused


def give_back(work: Workplace, number: int) -> Settled:
    """End a grant that one holds oneself, or asked for.

    Raises:
        Refused: it is somebody else's, or has ended.
    """
    person = work.person()
    with work.database.write() as connection:
        grant = grants.one(connection, number)
        if grant.person != person and person not in _answerable(work, grant):
            raise Refused(
                f"{grant.name} is {grant.person}'s",
                hint=f"opskit access revoke {grant.name} --reason WHY",
            )
        work.tell(connection, "grant.returned", grant.name, {"by": person})
        end(work, connection, grant, "returned")
    return settle(work)


def _answerable(work: Workplace, grant: Grant) -> frozenset[str]:
    """Return who answers for a service account that holds a grant."""
    account = work.registry.people.service_accounts.get(grant.person)
    return work.registry.among([account.owner]) if account else frozenset()


def revoke(work: Workplace, numbers: tuple[int, ...], reason: str) -> Settled:
    """End grants now; anybody whom people.yaml knows may, and says why.

    Raises:
        ConfigError: no reason is given.
        Refused: one has ended already.
    """
    person = work.person()
    if not reason.strip():
        raise ConfigError("a revocation needs a reason", hint="--reason 'left the team'")
    with work.database.write() as connection:
        for number in numbers:
            end(work, connection, grants.one(connection, number), f"{reason} ({person})")
    return settle(work)


def review_emergency(work: Workplace, number: int, reason: str) -> Grant:
    """Write that somebody looked at what was done with an emergency's access.

    Raises:
        Refused: it was no emergency, it was reviewed, or the reviewer had a part in it.
    """
    person = work.person()
    with work.database.write() as connection:
        grant = grants.one(connection, number)
        _require_reviewer(work, grant, person)
        work.tell(connection, "breakglass.reviewed", grant.name, {"by": person, "says": reason})
        return grants.change(connection, grant, reviewed_at=work.now(), reviewed_by=person)


def _require_reviewer(work: Workplace, grant: Grant, person: str) -> None:
    if not grant.break_glass:
        raise Refused(f"{grant.name} was no emergency", hint="opskit access list")
    if grant.reviewed_at is not None:
        raise Refused(f"{grant.name} was reviewed by {grant.reviewed_by}", hint="nothing is owed")
    names = reviewers(work, grant.gives, grant.person)
    if person not in names:
        raise Refused(
            f"{person} is no reviewer of {grant.name}",
            hint=f"ask {', '.join(names) or 'for reviewers in break_glass: of policy.yaml'}",
        )


def reviewers(work: Workplace, role: Role, beneficiary: str) -> tuple[str, ...]:
    """Return who may review an emergency of somebody."""
    rules = work.registry.policy.break_glass
    if rules is None:
        return ()
    approval = Approval(all_of=(rules.reviewers,))
    asking = Asking(beneficiary, beneficiary)
    return seats(approval, role, asking, work.registry, work.today())[0].eligible
