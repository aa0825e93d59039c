"""What access shows: asked, given, taken away in time, looked at.

Rows say for which team something was, never for whom: no person is named in any of them, nor are
people's own words repeated, which may name others. `team` is empty where it is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.clock import Duration, Instant
from opskit.core.evidence.rows import Rows
from opskit.core.leadtime import Wait


@dataclass(frozen=True, slots=True)
class RequestEvidence:
    """A request for access, as it stood at the end of the period.

    `outcome` is pending, approved, denied, withdrawn or lapsed; `closed_at` is when that was said.
    `waits_from` is when it was asked, or the start it asked for if that is later; None where
    nobody waits: an emergency, or more time with what one has. `usable_at` is when it was seen on
    all targets, `gone_at` when it ended without ever having been.
    """

    name: str
    team: str
    role: str
    asked_at: Instant
    outcome: str
    closed_at: Instant | None
    waits_from: Instant | None
    usable_at: Instant | None = None
    gone_at: Instant | None = None
    refs: tuple[int, ...] = ()

    def wait(self, end: Instant) -> Wait | None:
        """Return how long was waited for access that can be used, or still is at `end`.

        None for who waited for nothing: it was denied, taken back, lapsed, or needed no waiting.
        """
        if self.waits_from is None or self.outcome not in {"pending", "approved"}:
            return None
        last = self.usable_at or self.gone_at or end
        return Wait(Duration(max(0, last - self.waits_from)), over=self.usable_at is not None)


@dataclass(frozen=True, slots=True)
class GrantEvidence:
    """A grant that was there in the period. `ends_at` is the planned end, None for standing access.

    `level` is the risk of its role. `review_due` is when it would next have been asked whether it
    is still needed, `leaves_at` when its holder leaves; None where that is not known.
    """

    name: str
    request: str
    team: str
    role: str
    approved_at: Instant
    usable_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    refs: tuple[int, ...] = ()
    level: str = ""
    review_due: Instant | None = None
    leaves_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class RevocationEvidence:
    """Access that was to be gone from one place by `planned_end`.

    `gone_at` is when it was seen gone, or ended by the target itself, whichever came first; None
    while neither has come by the end of the period. `exposure` is how long it outlived its planned
    end, up to then.
    """

    grant: str
    team: str
    place: str
    planned_end: Instant
    gone_at: Instant | None
    exposure: Duration
    reason: str = ""
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalEvidence:
    """Something that was refused: a request by the files, a decision, a change by a target.

    `subject` is the role that was asked for, the request that was decided, or the place; `reason`
    the rules that refused, or why in words.
    """

    at: Instant
    kind: str
    subject: str
    reason: str
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyEvidence:
    """Access taken without waiting, and whether somebody looked at it afterwards."""

    grant: str
    team: str
    role: str
    opened_at: Instant
    review_due: Instant | None
    reviewed_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewEvidence:
    """A look at all access: how many grants were kept, revoked, suspended or not answered for.

    `by_themselves` of those kept needed no human.
    """

    name: str
    opened_at: Instant
    due_at: Instant
    closed_at: Instant | None
    kept: int
    by_themselves: int
    revoked: int
    suspended: int
    unanswered: int
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ArrivalEvidence:
    """Somebody who came: from the first day to the moment all was in place; None if it is not."""

    name: str
    team: str
    starts_at: Instant
    ready_at: Instant | None
    missing: tuple[str, ...] = ()
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DepartureEvidence:
    """Somebody who left: from the last moment to when the last access was seen gone."""

    name: str
    team: str
    left_at: Instant
    gone_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UseEvidence:
    """How often the accounts of a team used access on one day, as logs of hosts tell.

    `at` is the start of the day in the zone of opskit, `hosts` on how many of them. `granted` of
    `times` were by grants of opskit. `team` is empty where the account is nobody's that is known.
    """

    at: Instant
    team: str
    times: int
    granted: int
    hosts: int
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessEvidence(Rows):
    """What access shows. An empty tuple means: looked, none there."""

    requests: tuple[RequestEvidence, ...] = ()
    grants: tuple[GrantEvidence, ...] = ()
    revocations: tuple[RevocationEvidence, ...] = ()
    refusals: tuple[RefusalEvidence, ...] = ()
    emergencies: tuple[EmergencyEvidence, ...] = ()
    reviews: tuple[ReviewEvidence, ...] = ()
    arrivals: tuple[ArrivalEvidence, ...] = ()
    departures: tuple[DepartureEvidence, ...] = ()
