"""What access can show for a period, in the report's words, as it stood at the period's end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opskit.access.lifecycle import RequestState
from opskit.access.store import grants, places, requests, reviews
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.store.requests import Request
from opskit.access.store.reviews import Campaign, Item
from opskit.access.store.trail import Trail, trail
from opskit.core.clock import Duration, Instant
from opskit.core.evidence import (
    AccessEvidence as Shown,
    EmergencyEvidence,
    Evidence,
    GrantEvidence,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
)
from opskit.core.interval import Interval
from opskit.outside.database import Database

_ENDING = ("grant.expired", "grant.revoking", "grant.revoke_deferred", "grant.revoke_overdue")


@dataclass(frozen=True)
class AccessEvidence:
    """Reads access out of its tables. `configured` is whether its files are there."""

    database: Database
    configured: bool

    def evidence(self, period: Interval) -> Evidence:
        """Return what was asked, given, taken away and reviewed within `period`."""
        with self.database.read() as connection:
            given = grants.everything(connection)
            if not self.configured and not given:
                return Evidence(not_configured={"access": "access is not configured"})
            asked = requests.created_within(connection, period.start, period.end)
            where = places.of_grants(connection, [one.id for one in given])
            held = [
                (one, reviews.items(connection, one.id)) for one in reviews.campaigns(connection)
            ]
            found = trail(connection, period.start, period.end)
        there = [one for one in given if one.approved_at < period.end]
        by_request = {one.request: one for one in there}
        return Evidence(
            access=Shown(
                tuple(_request(one, by_request.get(one.id), period, found) for one in asked),
                tuple(_grant(one, period, found) for one in there if _was_there(one, period)),
                tuple(_revocations(there, where, period, found)),
                tuple(_refusals(found)),
                tuple(_emergencies(there, period, found)),
                tuple(_review(*one, period, found) for one in held if _was_held(one[0], period)),
            )
        )


def _before(at: Instant | None, end: Instant) -> Instant | None:
    """Return an instant if it was over by the end of the period: what came later is not known."""
    return at if at is not None and at < end else None


# Requests and grants


def _request(one: Request, grant: Grant | None, period: Interval, found: Trail) -> RequestEvidence:
    ask, end = one.ask, period.end
    closed_at = _before(one.closed_at, end)
    state = one.state if closed_at is not None else RequestState.PENDING
    if closed_at is None and one.lapses_at is not None and one.lapses_at < end:
        closed_at, state = one.lapses_at, RequestState.LAPSED
    waited_for = not ask.break_glass and ask.extends is None
    waits_from = Instant(max(one.created_at, ask.starts_at or 0)) if waited_for else None
    usable_at = _before(grant.usable_at, end) if grant else None
    ended_at = _before(grant.ended_at, end) if grant else None
    return RequestEvidence(
        one.name, ask.beneficiary, ask.role, one.created_at, state.value, closed_at,
        _before(waits_from, end), usable_at, ended_at if usable_at is None else None,
        (*found.of(one.name), *(found.of(grant.name, ("grant.activated",)) if grant else ())),
    )  # fmt: skip


def _was_there(one: Grant, period: Interval) -> bool:
    return one.ended_at is None or one.ended_at >= period.start


def _grant(one: Grant, period: Interval, found: Trail) -> GrantEvidence:
    return GrantEvidence(
        one.name, f"r{one.request}", one.person, one.role, one.approved_at,
        _before(one.usable_at, period.end), one.ends_at, _before(one.ended_at, period.end),
        found.of(one.name),
    )  # fmt: skip


# Revocations


def _revocations(
    given: Iterable[Grant], where: Mapping[int, Iterable[Place]], period: Interval, found: Trail
) -> Iterator[RevocationEvidence]:
    for grant in given:
        if grant.ends_at is None or grant.ends_at >= period.end:
            continue
        for place in where[grant.id]:
            one = _revocation(grant, place, grant.ends_at, period, found)
            if one.gone_at is None or one.gone_at >= period.start:
                yield one


def _revocation(
    grant: Grant, place: Place, planned_end: Instant, period: Interval, found: Trail
) -> RevocationEvidence:
    gone_at = _before(place.footing.gone_at(), period.end)
    last = period.end if gone_at is None else gone_at
    refs = {*found.of(grant.name, _ENDING), *found.gone(grant.name, place.place)}
    return RevocationEvidence(
        grant.name, grant.person, place.place, planned_end, gone_at,
        Duration(max(0, last - planned_end)), "" if gone_at else place.reason, tuple(sorted(refs)),
    )  # fmt: skip


# Refusals, emergencies, reviews


def _refusals(found: Trail) -> Iterator[RefusalEvidence]:
    for entry, data in found.refusals:
        reasons = [one["message"] for one in data.get("refusals", ())]
        reason = "; ".join(reasons) or str(data.get("reason") or data.get("approver") or "")
        yield RefusalEvidence(entry.at, entry.kind, entry.subject, reason, (entry.seq,))


def _emergencies(
    given: Iterable[Grant], period: Interval, found: Trail
) -> Iterator[EmergencyEvidence]:
    """Yield those of the period, and earlier ones that nobody had reviewed when it began."""
    kinds = ("breakglass.opened", "breakglass.overdue", "breakglass.reviewed")
    for one in given:
        reviewed_before = one.reviewed_at is not None and one.reviewed_at < period.start
        if one.break_glass and (one.approved_at >= period.start or not reviewed_before):
            reviewed_at = _before(one.reviewed_at, period.end)
            yield EmergencyEvidence(
                one.name, one.person, one.role, one.reason, one.approved_at, one.review_due,
                reviewed_at, one.reviewed_by if reviewed_at else "", found.of(one.name, kinds),
            )  # fmt: skip


def _was_held(one: Campaign, period: Interval) -> bool:
    return one.opened_at < period.end and (one.closed_at is None or one.closed_at >= period.start)


def _review(one: Campaign, items: Iterable[Item], period: Interval, found: Trail) -> ReviewEvidence:
    every = tuple(items)
    said = [item for item in every if _before(item.decided_at, period.end) is not None]
    outcomes = [item.outcome for item in said]
    return ReviewEvidence(
        one.name, one.opened_at, one.due_at, _before(one.closed_at, period.end),
        kept=outcomes.count("kept"),
        by_themselves=sum(item.outcome == "kept" and not item.decided_by for item in said),
        revoked=outcomes.count("revoked"),
        suspended=outcomes.count("suspended"),
        unanswered=len(every) - len(said),
        refs=found.of(one.name),
    )  # fmt: skip
