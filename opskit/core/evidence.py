"""What happened, in the words every slice shares: the report reads these and nothing else.

Each row names the ledger entries behind it (`refs`, their sequence numbers), so that a figure can
be followed to its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from opskit.core.clock import NOTHING, Duration, Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, Timeline
from opskit.core.leadtime import Wait


@dataclass(frozen=True, slots=True)
class Blip:
    """A failed try that the next try did not confirm: no downtime, yet worth a line."""

    at: Instant
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServiceEvidence:
    """How a service did. `timeline` covers the whole period, gaps as unknown or excluded.

    `edge` is how far the outage edges may be off altogether: each lies between two probes.
    """

    name: str
    owner: str
    kind: str
    objective: Fraction | None
    timeline: Timeline
    blips: tuple[Blip, ...] = ()
    edge: Duration = NOTHING
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftEvidence:
    """One deviation of one host, from the check that found it to the check that saw it gone."""

    host: str
    control: str
    severity: Severity
    task: str
    last_good_at: Instant | None
    detected_at: Instant
    fixed_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """One run over the fleet and what it said of its hosts."""

    run_id: str
    mode: str
    standard: str
    state: str
    started_at: Instant
    finished_at: Instant | None
    verdicts: Mapping[Verdict, int]
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """A host as the last check of the whole standard saw it."""

    host: str
    standard: str
    verdict: Verdict
    at: Instant
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestEvidence:
    """A request for access, as it stood at the end of the period.

    `outcome` is pending, approved, denied, withdrawn or lapsed; `closed_at` is when that was said.
    `waits_from` is when it was asked, or the start it asked for if that is later; None where
    nobody waits: an emergency, or more time with what one has. `usable_at` is when it was seen on
    all targets, `gone_at` when it ended without ever having been.
    """

    name: str
    beneficiary: str
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
    """A grant that was there in the period. `ends_at` is the planned end."""

    name: str
    request: str
    person: str
    role: str
    approved_at: Instant
    usable_at: Instant | None
    ends_at: Instant | None
    ended_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RevocationEvidence:
    """Access that was to be gone from one place by `planned_end`.

    `gone_at` is when it was seen gone, or ended by the target itself, whichever came first; None
    while neither has come by the end of the period. `exposure` is how long it outlived its planned
    end, up to then.
    """

    grant: str
    person: str
    place: str
    planned_end: Instant
    gone_at: Instant | None
    exposure: Duration
    reason: str = ""
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalEvidence:
    """Something that was refused: a request by the files, a decision, a change by a target."""

    at: Instant
    kind: str
    subject: str
    reason: str
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyEvidence:
    """Access taken without waiting, and whether somebody looked at it afterwards."""

    grant: str
    person: str
    role: str
    reason: str
    opened_at: Instant
    review_due: Instant | None
    reviewed_at: Instant | None
    reviewed_by: str
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
class AccessEvidence:
    """What access shows. An empty tuple means: looked, none there."""

    requests: tuple[RequestEvidence, ...] = ()
    grants: tuple[GrantEvidence, ...] = ()
    revocations: tuple[RevocationEvidence, ...] = ()
    refusals: tuple[RefusalEvidence, ...] = ()
    emergencies: tuple[EmergencyEvidence, ...] = ()
    reviews: tuple[ReviewEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the slices can show for a period. An empty tuple means: looked, none there."""

    services: tuple[ServiceEvidence, ...] = ()
    drifts: tuple[DriftEvidence, ...] = ()
    runs: tuple[RunEvidence, ...] = ()
    not_configured: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[HostEvidence, ...] = ()
    # None where nothing can be said of access; `not_configured` then says why.
    access: AccessEvidence | None = None

    def __add__(self, other: Evidence) -> Evidence:
        """Return both taken together."""
        return Evidence(
            self.services + other.services,
            self.drifts + other.drifts,
            self.runs + other.runs,
            {**self.not_configured, **other.not_configured},
            self.hosts + other.hosts,
            self.access or other.access,
        )


class EvidenceSource(Protocol):
    """A slice that can say what happened."""

    def evidence(self, period: Interval) -> Evidence:
        """Return what happened within `period`."""
        ...
