"""What access can show for a period, in the report's words, as it stood at the period's end.

No person is named in it: a row says for which team it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.access.lifecycle import RequestState
from opskit.access.store import grants, requests, reviews, shown
from opskit.access.store.reviews import Campaign, Item
from opskit.access.store.shown import Asked, Given, Stay
from opskit.access.store.teams import Teams, teams
from opskit.access.store.trail import Step, Trail, comings, goings, trail
from opskit.core.clock import Duration, Instant
from opskit.core.evidence import (
    AccessEvidence as Shown,
    ArrivalEvidence,
    AutomatedEvidence,
    DemandEvidence,
    DepartureEvidence,
    DeskEvidence,
    EmergencyEvidence,
    Evidence,
    GrantEvidence,
    Reading,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
    only,
)
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.ledger import Entry

_ENDING = ("grant.expired", "grant.revoking", "grant.revoke_deferred", "grant.revoke_overdue")


@dataclass(frozen=True)
class AccessEvidence:
    """Reads access out of its tables. `configured` is whether its files are there.

    Read `BARE`, not all entries behind a row are named: for what is compared, not followed.
    """

    database: Database
    configured: bool
    zone: ZoneInfo
    reading: Reading = Reading.ALL

    @property
    def name(self) -> str:
        """Return what its records are called."""
        return "access asked for and given"

    def since(self) -> Instant | None:
        """Return when the first request was made; None where there was none."""
        with self.database.read() as connection:
            return requests.began_at(connection)

    def evidence(self, period: Interval) -> Evidence:
        """Return what was asked, given, taken away and reviewed within `period`."""
        with self.database.read() as connection:
            if not self.configured and not grants.any_there(connection):
                return Evidence(not_configured={"access": "access is not configured"})
            told, done = _told(connection, period, self.zone, self.reading)
            return Evidence(access=told, desk=done)


def _told(
    connection: sa.Connection, period: Interval, zone: ZoneInfo, reading: Reading
) -> tuple[Shown, DeskEvidence]:
    """Return what happened, and what of it nobody had to do by hand."""
    asked = shown.asked(connection, period)
    given = shown.given(connection, period)
    where = shown.stays(connection, period)
    held = [
        (one, reviews.items(connection, one.id))
        for one in reviews.campaigns(connection)
        if _was_held(one, period)
    ]
    # Bare, only of grants is more than an entry's number needed.
    others = (asked, [each for each, _ in held]) if reading is Reading.ALL else ()
    subjects = {one.name for rows in (given, *others) for one in rows}
    found = trail(connection, period.start, period.end, subjects, reading)
    then = _Then(period, found, teams(connection, period.end, zone), tuple(held))
    by_request = {one.request: one for one in given}
    people = then.teams.people
    told = Shown(
        tuple(_request(one, by_request.get(one.id), then) for one in asked),
        tuple(_grant(one, then) for one in given if _was_there(one, period)),
        tuple(_revocations(given, where, then)),
        tuple(_refusal(entry, data, then.teams) for entry, data in found.refusals),
        tuple(_emergencies(given, then)),
        tuple(_review(*one, then) for one in held),
        tuple(_arrivals(comings(connection, people, period.end), period)),
        tuple(_departures(goings(connection, people, period.end), then)),
    )
    return told, _done(given, told, then)


@dataclass(frozen=True)
class _Then:
    """What was known at the end of a period: its entries, and who belonged to which team."""

    period: Interval
    trail: Trail
    teams: Teams
    held: tuple[tuple[Campaign, tuple[Item, ...]], ...]

    def by(self, at: Instant | None) -> Instant | None:
        """Return an instant if it was over by the end: what came later is not known."""
        return at if at is not None and at < self.period.end else None

    def team(self, grant: Given) -> str:
        """Return the team of who was given something."""
        return self.teams.team(grant.person, grant.approved_at)

    def planned_end(self, grant: Given) -> Instant | None:
        """Return when it was to end, as it was planned before it was ended early.

        What was planned beyond the period is cut off there: it may have changed since.
        """
        planned: Instant | None = self.trail.last(
            grant.name, "grant.revoking", "grant.expired"
        ).get("planned_end", grant.ends_at)
        begun = self.by(grant.provisioned_at) is not None
        return min(planned, self.period.end) if planned is not None and begun else None

    @cached_property
    def asked_about(self) -> Mapping[int, tuple[Item, Instant]]:
        """Return which grants a review asks about, and until when it wants an answer."""
        return {item.grant_id: (item, one.due_at) for one, items in self.held for item in items}

    def review_due(self, grant: Given) -> Instant | None:
        """Return until when a review wanted to know whether it is needed, when it ended."""
        at = self.by(grant.ended_at) or self.period.end
        item, due = self.asked_about.get(grant.id, (None, None))
        waits = item is not None and (item.decided_at is None or item.decided_at >= at)
        return due if waits else None


# Requests and grants


def _request(one: Asked, grant: Given | None, then: _Then) -> RequestEvidence:
    end, found = then.period.end, then.trail
    closed_at = then.by(one.closed_at)
    state = one.state if closed_at is not None else RequestState.PENDING.value
    if closed_at is None and one.lapses_at is not None and one.lapses_at < end:
        closed_at, state = one.lapses_at, RequestState.LAPSED.value
    waited_for = not one.break_glass and one.extends is None
    waits_from = Instant(max(one.created_at, one.starts_at or 0)) if waited_for else None
    usable_at = then.by(grant.usable_at) if grant else None
    ended_at = then.by(grant.ended_at) if grant else None
    team = then.teams.team(one.beneficiary, one.created_at)
    return RequestEvidence(
        one.name, team, one.role, one.created_at, state, closed_at,
        then.by(waits_from), usable_at, ended_at if usable_at is None else None,
        (*found.of(one.name), *(found.of(grant.name, ("grant.activated",)) if grant else ())),
    )  # fmt: skip


def _was_there(one: Given, period: Interval) -> bool:
    return one.ended_at is None or one.ended_at >= period.start


def _grant(one: Given, then: _Then) -> GrantEvidence:
    ended_at = then.by(one.ended_at)
    last = ended_at or Instant(then.period.end - 1)
    return GrantEvidence(
        one.name, f"r{one.request}", then.team(one), one.role, one.approved_at,
        then.by(one.usable_at), then.planned_end(one), ended_at, then.trail.of(one.name),
        level=one.level,
        review_due=then.review_due(one),
        leaves_at=then.teams.leaves_at(one.person, last),
    )  # fmt: skip


# Revocations


def _revocations(
    given: Iterable[Given], where: Mapping[int, Iterable[Stay]], then: _Then
) -> Iterator[RevocationEvidence]:
    for grant in given:
        if grant.ends_at is None or grant.ends_at >= then.period.end:
            continue
        for stay in where.get(grant.id, ()):
            one = _revocation(grant, stay, grant.ends_at, then)
            if one.gone_at is None or one.gone_at >= then.period.start:
                yield one


def _revocation(grant: Given, stay: Stay, planned_end: Instant, then: _Then) -> RevocationEvidence:
    gone_at = then.by(stay.gone_at)
    last = then.period.end if gone_at is None else gone_at
    refs = {*then.trail.of(grant.name, _ENDING), *then.trail.gone(grant.name, stay.place)}
    return RevocationEvidence(
        grant.name, then.team(grant), stay.place, planned_end, gone_at,
        Duration(max(0, last - planned_end)),
        "" if gone_at else _why_left(grant, stay, then), tuple(sorted(refs)),
    )  # fmt: skip


def _why_left(grant: Given, stay: Stay, then: _Then) -> str:
    """Return why it was not gone, as far as it was told by then."""
    left = then.trail.last(grant.name, "grant.revoke_deferred").get("left", {})
    return then.teams.unnamed(str(left.get(stay.place, "")))


# What nobody had to do by hand

_RECORDED = only(DeskEvidence, "automated", "demand")


def _done(given: Iterable[Given], told: Shown, then: _Then) -> DeskEvidence:
    """Return the grants put on their targets and taken off, and how many that should have been.

    Those of drills are nobody's wish, and count as neither.
    """
    start = then.period.start
    drills = {one.name for one in given if then.trail.of(one.name, ("drill.started",))}
    asked_by_drills = {one.request for one in told.grants if one.name in drills}
    used = [one for one in told.grants if one.usable_at is not None and one.name not in drills]
    put = [(one.usable_at, one) for one in used if one.usable_at and one.usable_at >= start]
    gone = [(one.ended_at, one) for one in used if one.ended_at and one.ended_at >= start]
    wanted = [
        one
        for one in told.requests
        if one.outcome == "approved" and one.waits_from and one.name not in asked_by_drills
    ]
    due = {one.grant for one in told.revocations if one.planned_end >= start}
    return DeskEvidence(
        automated=(
            *_automated("grant", put, "grant.activated", then.trail),
            *_automated("revocation", gone, "grant.revoked", then.trail),
        ),
        demand=(
            _demand("grant", wanted, "requests that were approved"),
            _demand("revocation", [one for one in used if one.name in due], "ends that had come"),
        ),
        unrecorded=_RECORDED,
    )


def _automated(
    task: str, rows: Sequence[tuple[Instant, GrantEvidence]], kind: str, found: Trail
) -> Iterator[AutomatedEvidence]:
    """Yield all of a task as one row, at the last of them; none where nothing was done."""
    if rows:
        refs = {ref for _, one in rows for ref in found.of(one.name, (kind,))}
        last = max(at for at, _ in rows)
        yield AutomatedEvidence(last, task, len(rows), None, tuple(sorted(refs)))


def _demand(
    task: str, rows: Sequence[RequestEvidence | GrantEvidence], basis: str
) -> DemandEvidence:
    return DemandEvidence(task, len(rows), basis, tuple(sorted({r for o in rows for r in o.refs})))


# Refusals, emergencies, reviews

_WHY = {
    "decision.refused_self": "who wanted to decide has a part in it",
    "decision.refused_new": "who wanted to decide was made an approver less than a day before",
    "decision.refused_stranger": "who wanted to decide is no approver of it",
}


def _refusal(entry: Entry, data: Mapping[str, Any], teams: Teams) -> RefusalEvidence:
    """Return a refusal; of a request, by the role asked for and the rules that refused it."""
    subject, reason = entry.subject, _WHY.get(entry.kind, "")
    if entry.kind == "request.refused":
        subject = str(data.get("role", ""))
        rules = (_rule(str(one["rule"])) for one in data.get("refusals", ()))
        reason = ", ".join(dict.fromkeys(rules))
    elif entry.kind == "decision.refused_stale":
        reason = f"it was {data.get('state', 'over')} already"
    elif entry.kind == "target.refused":
        reason = teams.unnamed(str(data.get("reason", "")))
    return RefusalEvidence(entry.at, entry.kind, subject, reason, (entry.seq,))


def _rule(name: str) -> str:
    """Return what refused something; of an entry of people.yaml, only which key it was."""
    return f"people.yaml: {name.rpartition('.')[2]}" if name.startswith("people.") else name


def _emergencies(given: Iterable[Given], then: _Then) -> Iterator[EmergencyEvidence]:
    """Yield those of the period, and earlier ones that nobody had reviewed when it began."""
    kinds = ("breakglass.opened", "breakglass.overdue", "breakglass.reviewed")
    start = then.period.start
    for one in given:
        reviewed_before = one.reviewed_at is not None and one.reviewed_at < start
        if one.break_glass and (one.approved_at >= start or not reviewed_before):
            yield EmergencyEvidence(
                one.name, then.team(one), one.role, one.approved_at, one.review_due,
                then.by(one.reviewed_at), then.trail.of(one.name, kinds),
            )  # fmt: skip


def _was_held(one: Campaign, period: Interval) -> bool:
    return one.opened_at < period.end and (one.closed_at is None or one.closed_at >= period.start)


def _review(one: Campaign, items: Iterable[Item], then: _Then) -> ReviewEvidence:
    every = tuple(items)
    outcomes = [_outcome(item, then) for item in every]
    return ReviewEvidence(
        one.name, one.opened_at, one.due_at, then.by(one.closed_at),
        kept=outcomes.count("kept"),
        by_themselves=sum(
            said == "kept" and not item.decided_by
            for said, item in zip(outcomes, every, strict=True)
        ),
        revoked=outcomes.count("revoked"),
        suspended=outcomes.count("suspended"),
        unanswered=outcomes.count(""),
        refs=then.trail.of(one.name),
    )  # fmt: skip


def _outcome(item: Item, then: _Then) -> str:
    """Return what had become of it by the end; what is answered later was suspended, or open."""
    if then.by(item.decided_at) is not None:
        return item.outcome
    missed = then.trail.last(f"g{item.grant_id}", "review.missed")
    return "suspended" if missed.get("campaign") == f"v{item.campaign}" else ""


# Those who came and left


def _arrivals(
    found: Iterable[tuple[Step, Step | None]], period: Interval
) -> Iterator[ArrivalEvidence]:
    """Yield who came, from when it was first asked for them; by number, not by name."""
    for began, ready in found:
        ready_at = None if ready is None else Instant(int(ready.data["ready_at"]))
        if ready_at is None or ready_at >= period.start:
            refs = (began.entry.seq, *(() if ready is None else (ready.entry.seq,)))
            yield ArrivalEvidence(
                f"arrival {began.entry.seq}", str(began.data.get("team", "")), began.entry.at,
                ready_at, (), refs,
            )  # fmt: skip


def _departures(
    found: Iterable[tuple[Step, Step | None]], then: _Then
) -> Iterator[DepartureEvidence]:
    """Yield who left: from the end of their last day, or, where none is known, from being told."""
    for began, gone in found:
        gone_at = None if gone is None else gone.entry.at
        if gone_at is None or gone_at >= then.period.start:
            refs = (began.entry.seq, *(() if gone is None else (gone.entry.seq,)))
            at = began.entry.at
            left_at = then.teams.leaves_at(began.person, Instant(then.period.end - 1)) or at
            yield DepartureEvidence(
                f"departure {began.entry.seq}", then.teams.team(began.person, at), left_at,
                gone_at, refs,
            )  # fmt: skip
