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
class Evidence:
    """Everything the slices can show for a period. An empty tuple means: looked, none there."""

    services: tuple[ServiceEvidence, ...] = ()
    drifts: tuple[DriftEvidence, ...] = ()
    runs: tuple[RunEvidence, ...] = ()
    not_configured: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[HostEvidence, ...] = ()

    def __add__(self, other: Evidence) -> Evidence:
        """Return both taken together."""
        return Evidence(
            self.services + other.services,
            self.drifts + other.drifts,
            self.runs + other.runs,
            {**self.not_configured, **other.not_configured},
            self.hosts + other.hosts,
        )


class EvidenceSource(Protocol):
    """A slice that can say what happened."""

    def evidence(self, period: Interval) -> Evidence:
        """Return what happened within `period`."""
        ...
