"""`access review`: all access looked at again; what nobody answers for is suspended, then gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from opskit.access.approvers import Asking, seats
from opskit.access.judge import judge
from opskit.access.lifecycle import GrantState
from opskit.access.model import Approval, Approvers
from opskit.access.recertify import Circumstances, reasons, rubber_stamps
from opskit.access.registry import digest
from opskit.access.revocation import fence
from opskit.access.settling import Settled, end, settle
from opskit.access.store import grants, places, requests, reviews, usage
from opskit.access.store.grants import Grant
from opskit.access.store.reviews import Campaign, Item
from opskit.access.targets.kinds import Presence
from opskit.access.workplace import Workplace
from opskit.core.clock import Instant, parse_duration
from opskit.core.errors import ConfigError, Conflict, Refused

# What is in force, or is on its way to be.
_REVIEWED = (GrantState.PROVISIONING, GrantState.ACTIVE, GrantState.PARTIAL, GrantState.FAILED)
Answer = Literal["keep", "revoke"]
_SHOW = "opskit access review show v{}"


@dataclass(frozen=True, slots=True)
class CampaignSeen:
    """A campaign with what it looks at, and who answered without looking."""

    campaign: Campaign
    items: tuple[Item, ...]

    @property
    def stamps(self) -> tuple[str, ...]:
        """Return who kept everything faster than one can read."""
        return rubber_stamps(self.items)

    @property
    def unanswered(self) -> tuple[Item, ...]:
        """Return what nobody has said anything about."""
        return tuple(one for one in self.items if one.outcome in {"", "suspended"})


def open_(work: Workplace) -> CampaignSeen:
    """Open a campaign over everything in force.

    Raises:
        Refused: one is open already.
    """
    person, now = work.person(), work.now()
    policy = work.registry.policy.reviews
    with work.database.write() as connection:
        for one in reviews.campaigns(connection, still_open=True):
            raise Refused(f"{one.name} is open", hint=f"opskit access review show {one.name}")
        due_at = Instant(now + parse_duration(policy.within))
        revoke_at = Instant(due_at + parse_duration(policy.revoke_after))
        campaign = reviews.open_campaign(
            connection, opened_at=now, opened_by=person, due_at=due_at, revoke_at=revoke_at
        )
        found = [
            _item(work, connection, campaign, grant)
            for grant in grants.in_states(connection, _REVIEWED)
        ]
        for item in found:
            reviews.add(connection, item)
        asked = [f"g{item.grant_id}" for item in found if not item.outcome]
        told = {"by": person, "grants": len(found), "asked": asked, "due_at": due_at}
        work.tell(connection, "review.opened", campaign.name, told)
        return CampaignSeen(campaign, tuple(found))


def _item(work: Workplace, connection: sa.Connection, campaign: Campaign, grant: Grant) -> Item:
    known = _circumstances(work, connection, grant)
    unused_after = parse_duration(work.registry.policy.reviews.unused_after)
    why = tuple(reasons(known, unused_after, work.now()))
    if not why:
        told = {"campaign": campaign.name, **known.as_json()}
        work.tell(connection, "review.item_kept", grant.name, told)
    return Item(
        campaign.id, grant.id, _reviewers(work, connection, grant), why, known.as_json(),
        "" if why else "kept", "", None if why else work.now(), "",
    )  # fmt: skip


def _circumstances(work: Workplace, connection: sa.Connection, grant: Grant) -> Circumstances:
    given = digest(grant.gives.model_dump(mode="json"))
    role = work.registry.role(grant.role)
    used = usage.of_grant(connection, grant.id)
    ask = requests.one(connection, grant.request).ask
    return Circumstances(
        grant.role,
        given,
        allowed=not judge(ask, work.registry, work.today()).refusals,
        unchanged=role is not None and work.registry.role_digest(grant.role) == given,
        risk=grant.gives.risk,
        break_glass=grant.break_glass,
        last_used_at=max((one.last_at for one in used), default=None),
        covered=_covered(work, connection, grant),
    )


def _covered(work: Workplace, connection: sa.Connection, grant: Grant) -> bool:
    """Return whether the logs of all its places were read for the whole time that counts."""
    span = parse_duration(work.registry.policy.reviews.unused_after)
    start = max(work.now() - span, grant.provisioned_at or 0)
    rows = places.of_grant(connection, grant.id)
    if not rows or work.now() - start < span:
        return False
    return all(_whole(connection, row.place, Instant(start), work.now()) for row in rows)


def _whole(connection: sa.Connection, place: str, start: Instant, now: Instant) -> bool:
    reached = start
    for one in usage.covered(connection, place):
        if one.start <= reached:
            reached = max(reached, one.end)
    return reached >= now


def _reviewers(work: Workplace, connection: sa.Connection, grant: Grant) -> tuple[str, ...]:
    """Return who answers for a grant: the role's owners, else the manager.

    Nobody looks at what they hold or asked for.
    """
    requester = requests.one(connection, grant.request).ask.requester
    asking = Asking(requester, grant.person)
    for among in ("owners", "manager"):
        approval = Approval(all_of=(Approvers(among=(among,)),))
        found = seats(approval, grant.gives, asking, work.registry, work.today())[0].eligible
        gone = work.gone(connection, found)
        if set(found) - gone:
            return tuple(name for name in found if name not in gone)
    return ()


def decide(work: Workplace, number: int, grant_id: int, answer: Answer, reason: str) -> Settled:
    """Keep or revoke a grant that a campaign asks about.

    Raises:
        Refused: it is answered, or somebody else is asked.
        ConfigError: the campaign does not ask about it.
    """
    person = work.person()
    with work.database.write() as connection:
        item, grant = _asked(connection, number, grant_id), grants.one(connection, grant_id)
        # Asked anew: who answers by the files as they are may be others than were told of it.
        if person not in set(item.reviewers) & set(_reviewers(work, connection, grant)):
            names = ", ".join(item.reviewers)
            raise Refused(f"{person} is not asked about g{grant_id}", hint=f"ask {names}")
        if item.outcome not in {"", "suspended"}:
            raise Refused(f"g{grant_id} is {item.outcome} already", hint="nothing is left to say")
        if answer == "keep" and (grant.state.is_ending or grant.is_over(work.now())):
            raise Refused(
                f"g{grant_id} is over: nothing is left to keep", hint=_SHOW.format(number)
            )
        outcome = {"keep": "kept", "revoke": "revoked"}[answer]
        _write(work, connection, item, outcome, by=person, reason=reason)
        if answer == "revoke" and not grant.state.is_ending:
            end(work, connection, grant, f"review v{number}: {reason or 'not needed'} ({person})")
        elif grant.state is GrantState.SUSPENDED:
            _resumed(work, connection, grant)
    return settle(work)


def _asked(connection: sa.Connection, number: int, grant_id: int) -> Item:
    reviews.campaign(connection, number)
    for item in reviews.items(connection, number):
        if item.grant_id == grant_id:
            return item
    raise ConfigError(f"v{number} does not ask about g{grant_id}", hint=_SHOW.format(number))


def _write(
    work: Workplace, connection: sa.Connection, item: Item, outcome: str, *, by: str, reason: str
) -> None:
    kinds = {
        "kept": "review.item_kept",
        "revoked": "review.item_revoked",
        "suspended": "review.missed",
    }
    told = {"campaign": f"v{item.campaign}", "by": by, "reason": reason, **item.evidence}
    work.tell(connection, kinds[outcome], f"g{item.grant_id}", told)
    settled = reviews.settle_item(
        connection, item, item.outcome,
        outcome=outcome, decided_by=by, decided_at=work.now(), reason=reason,
    )  # fmt: skip
    if not settled:
        raise Conflict(f"g{item.grant_id} was answered just now", hint=_SHOW.format(item.campaign))


def _resumed(work: Workplace, connection: sa.Connection, grant: Grant) -> None:
    """Put a suspended grant back; its end stays what it was."""
    now = work.now()
    for place in places.of_grant(connection, grant.id):
        places.want(connection, place, Presence.PRESENT, now)
    work.tell(connection, "grant.provisioning", grant.name, {"until": grant.ends_at})
    grants.advance(connection, grant, GrantState.PROVISIONING)


def close(work: Workplace, number: int) -> CampaignSeen:
    """Close a campaign that everything is said of.

    Raises:
        Refused: something is not.
    """
    with work.database.write() as connection:
        found = CampaignSeen(
            reviews.campaign(connection, number), reviews.items(connection, number)
        )
        if found.campaign.closed_at is not None:
            raise Refused(f"{found.campaign.name} is closed", hint="opskit access review list")
        if found.unanswered:
            left = ", ".join(f"g{one.grant_id}" for one in found.unanswered)
            raise Refused(
                f"{left} are not answered",
                hint=f"opskit access review decide {found.campaign.name} GRANT --keep or --revoke",
            )
        outcomes = [one.outcome for one in found.items]
        told = {
            "kept": outcomes.count("kept"),
            "revoked": outcomes.count("revoked"),
            "by_themselves": sum(not one.decided_by for one in found.items),
            "rubber_stamps": list(found.stamps),
        }
        work.tell(connection, "review.closed", found.campaign.name, told)
        reviews.close(connection, number, work.now())
        return found


def seen(work: Workplace, number: int) -> CampaignSeen:
    """Return a campaign."""
    with work.database.read() as connection:
        return CampaignSeen(reviews.campaign(connection, number), reviews.items(connection, number))


def all_campaigns(work: Workplace) -> tuple[CampaignSeen, ...]:
    """Return every campaign there was, oldest first."""
    with work.database.read() as connection:
        return tuple(
            CampaignSeen(one, reviews.items(connection, one.id))
            for one in reviews.campaigns(connection)
        )


def go_on(work: Workplace) -> None:
    """Suspend what nobody answered in time, and end what stayed suspended."""
    now = work.now()
    with work.database.write() as connection:
        for campaign in reviews.campaigns(connection, still_open=True):
            for item in reviews.items(connection, campaign.id):
                if item.outcome not in {"", "suspended"}:
                    continue
                grant = grants.one(connection, item.grant_id)
                if grant.state.is_ending:
                    _write(work, connection, item, "revoked", by="", reason="it ended meanwhile")
                elif item.outcome == "" and campaign.due_at <= now:
                    _missed(work, connection, item, grant)
                elif item.outcome == "suspended" and campaign.revoke_at <= now:
                    _given_up(work, connection, item, grant)


def _missed(work: Workplace, connection: sa.Connection, item: Item, grant: Grant) -> None:
    """Suspend a grant: off its targets, and back as soon as somebody keeps it."""
    _write(work, connection, item, "suspended", by="", reason="nobody answered in time")
    fence(work, connection, grant, f"review v{item.campaign}: nobody answered")
    for place in places.of_grant(connection, grant.id):
        places.want(connection, place, Presence.ABSENT, work.now())
    work.tell(connection, "grant.suspended", grant.name, {"campaign": f"v{item.campaign}"})
    grants.advance(connection, grant, GrantState.SUSPENDED)


def _given_up(work: Workplace, connection: sa.Connection, item: Item, grant: Grant) -> None:
    _write(work, connection, item, "revoked", by="", reason="nobody answered while suspended")
    end(work, connection, grant, f"review v{item.campaign}: nobody answered")
