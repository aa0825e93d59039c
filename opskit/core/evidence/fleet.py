"""What the fleet shows: deviations, runs, and how the hosts stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.evidence.rows import settle_order
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict


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

    def __post_init__(self) -> None:
        """Put verdicts into the order of their names."""
        settle_order(self, "verdicts")


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """A host as the last check of the whole standard saw it."""

    host: str
    standard: str
    verdict: Verdict
    at: Instant
    refs: tuple[int, ...] = ()
