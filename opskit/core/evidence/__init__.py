"""What happened, in the words every slice shares: the report reads these and nothing else.

Each row names the ledger entries behind it (`refs`, their sequence numbers), so that a figure can
be followed to its evidence. A slice fills the groups it knows of; a group that nobody fills is
None: nothing can be said, which is not the same as nothing happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from opskit.core.clock import Instant
from opskit.core.evidence.access import (
    AccessEvidence,
    ArrivalEvidence,
    DepartureEvidence,
    EmergencyEvidence,
    GrantEvidence,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
    UseEvidence,
)
from opskit.core.evidence.fleet import DriftEvidence, HostEvidence, RunEvidence
from opskit.core.evidence.incidents import IncidentEvidence, PageEvidence
from opskit.core.evidence.rows import Rows, bare, only, recorded, settle_order
from opskit.core.evidence.services import Blip, ServiceEvidence
from opskit.core.evidence.warnings import (
    DrillEvidence,
    FiringEvidence,
    PredictionEvidence,
    RenewalEvidence,
    TrendEvidence,
)
from opskit.core.evidence.word import (
    LEAST_GROUP,
    ConfirmationEvidence,
    FocusEvidence,
    FrictionEvidence,
    GrayAreaEvidence,
    HandoverEvidence,
    OutcomeEvidence,
    RiskEvidence,
    WantedEvidence,
    WinEvidence,
)
from opskit.core.evidence.work import (
    AutomatedEvidence,
    DemandEvidence,
    FixUseEvidence,
    IntakeEvidence,
    ProcessEvidence,
    TimedEvidence,
    UpkeepEvidence,
    WorkClass,
    WorkEvidence,
)
from opskit.core.interval import Interval

__all__ = [
    "LEAST_GROUP",
    "AccessEvidence",
    "ArrivalEvidence",
    "AutomatedEvidence",
    "Blip",
    "ConfirmationEvidence",
    "DemandEvidence",
    "DepartureEvidence",
    "DeskEvidence",
    "DriftEvidence",
    "DrillEvidence",
    "EmergencyEvidence",
    "Evidence",
    "EvidenceSource",
    "FiringEvidence",
    "FixUseEvidence",
    "FocusEvidence",
    "FrictionEvidence",
    "GrantEvidence",
    "GrayAreaEvidence",
    "HandoverEvidence",
    "HostEvidence",
    "IncidentEvidence",
    "IntakeEvidence",
    "OutcomeEvidence",
    "PageEvidence",
    "PredictionEvidence",
    "ProcessEvidence",
    "Reading",
    "RefusalEvidence",
    "RenewalEvidence",
    "RequestEvidence",
    "ReviewEvidence",
    "RevocationEvidence",
    "RiskEvidence",
    "RunEvidence",
    "ServiceEvidence",
    "TimedEvidence",
    "TrendEvidence",
    "UpkeepEvidence",
    "UseEvidence",
    "WantedEvidence",
    "WarningEvidence",
    "WinEvidence",
    "WordEvidence",
    "WorkClass",
    "WorkEvidence",
    "only",
    "recorded",
    "unreferred",
]


@dataclass(frozen=True, slots=True)
class WarningEvidence(Rows):
    """What alerting shows: what was told beforehand, and whether telling works."""

    predictions: tuple[PredictionEvidence, ...] = ()
    trends: tuple[TrendEvidence, ...] = ()
    renewals: tuple[RenewalEvidence, ...] = ()
    drills: tuple[DrillEvidence, ...] = ()
    pages: tuple[PageEvidence, ...] = ()
    firings: tuple[FiringEvidence, ...] = ()
    unrecorded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskEvidence(Rows):
    """What the desk shows: incidents, requests, fixes, and the work they made.

    `commands` are uses of sudo, and `logins` those of sshd.
    """

    incidents: tuple[IncidentEvidence, ...] = ()
    intakes: tuple[IntakeEvidence, ...] = ()
    fixes: tuple[FixUseEvidence, ...] = ()
    processes: tuple[ProcessEvidence, ...] = ()
    work: tuple[WorkEvidence, ...] = ()
    automated: tuple[AutomatedEvidence, ...] = ()
    demand: tuple[DemandEvidence, ...] = ()
    timed: tuple[TimedEvidence, ...] = ()
    upkeep: tuple[UpkeepEvidence, ...] = ()
    commands: tuple[UseEvidence, ...] = ()
    logins: tuple[UseEvidence, ...] = ()
    unrecorded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordEvidence(Rows):
    """What people said."""

    focus: tuple[FocusEvidence, ...] = ()
    wins: tuple[WinEvidence, ...] = ()
    outcomes: tuple[OutcomeEvidence, ...] = ()
    friction: tuple[FrictionEvidence, ...] = ()
    handovers: tuple[HandoverEvidence, ...] = ()
    confirmations: tuple[ConfirmationEvidence, ...] = ()
    risks: tuple[RiskEvidence, ...] = ()
    gray_areas: tuple[GrayAreaEvidence, ...] = ()
    wanted: tuple[WantedEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the slices can show for a period. An empty tuple means: looked, none there.

    A group is None where nothing can be said of it; `not_configured` then says why.
    """

    services: tuple[ServiceEvidence, ...] = ()
    drifts: tuple[DriftEvidence, ...] = ()
    runs: tuple[RunEvidence, ...] = ()
    not_configured: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[HostEvidence, ...] = ()
    access: AccessEvidence | None = None
    warnings: WarningEvidence | None = None
    desk: DeskEvidence | None = None
    word: WordEvidence | None = None

    def __post_init__(self) -> None:
        """Put not_configured into the order of their names."""
        settle_order(self, "not_configured")

    def __add__(self, other: Evidence) -> Evidence:
        """Return both taken together."""
        return Evidence(
            self.services + other.services,
            self.drifts + other.drifts,
            self.runs + other.runs,
            {**self.not_configured, **other.not_configured},
            self.hosts + other.hosts,
            _both(self.access, other.access),
            _both(self.warnings, other.warnings),
            _both(self.desk, other.desk),
            _both(self.word, other.word),
        )

    @property
    def rows(self) -> int:
        """Return how many rows there are of all kinds."""
        own = (self.services, self.drifts, self.runs, self.hosts)
        groups = (self.access, self.warnings, self.desk, self.word)
        return sum(map(len, own)) + sum(one.count for one in groups if one is not None)


def unreferred(evidence: Evidence) -> Evidence:
    """Return evidence of an earlier month without the entries behind what is only compared.

    What a month is compared with is told as a number, and it has a report of its own to follow it
    in: naming all entries of a year would make each report twelve times as large.
    """
    return replace(
        evidence,
        services=tuple(map(_bare_service, evidence.services)),
        drifts=tuple(map(bare, evidence.drifts)),
        runs=tuple(map(bare, evidence.runs)),
        hosts=tuple(map(bare, evidence.hosts)),
        access=None if evidence.access is None else evidence.access.unreferred,
        desk=None if evidence.desk is None else _bare_desk(evidence.desk),
    )


def _bare_service(one: ServiceEvidence) -> ServiceEvidence:
    if any(stretch.refs for stretch in one.timeline):
        one = replace(one, timeline=tuple(map(bare, one.timeline)))
    return bare(one)


def _bare_desk(desk: DeskEvidence) -> DeskEvidence:
    return replace(
        desk,
        automated=tuple(map(bare, desk.automated)),
        demand=tuple(map(bare, desk.demand)),
    )


Group = TypeVar("Group", bound=Rows)


def _both(one: Group | None, other: Group | None) -> Group | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


class Reading(StrEnum):
    """What evidence is read for: to follow each row to its entries, or only for its rows.

    Read `BARE`, rows may lack entries behind them: for what is compared, not followed.
    """

    ALL = "all"
    BARE = "bare"


class EvidenceSource(Protocol):
    """A slice that can say what happened."""

    @property
    def name(self) -> str:
        """Return what its records are called."""
        ...

    def since(self) -> Instant | None:
        """Return when its first record was made; None where there is none."""
        ...

    def evidence(self, period: Interval) -> Evidence:
        """Return what happened within `period`."""
        ...
