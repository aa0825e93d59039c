"""What is remembered of hosts from one run to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.fleet.model import Debt, DriftKey, Moved, Provenance, RunState


@dataclass(frozen=True, slots=True)
class Episode:
    """A deviation from the check that found it to the one that saw it gone."""

    id: int
    host: str
    path: str
    task: str
    item: str
    control: str
    severity: Severity
    last_good_at: Instant | None
    detected_at: Instant
    detected_seq: int
    fixed_at: Instant | None
    fixed_seq: int | None
    before_hash: str
    after_hash: str
    moved: Moved

    @property
    def key(self) -> DriftKey:
        """Return the same key as the drift that opened it."""
        return (self.host, self.path, self.task, self.item)


@dataclass(frozen=True, slots=True)
class Settled:
    """The state in which a thing was last seen as wanted, and how often it was put right."""

    state_hash: str
    times: int


@dataclass(frozen=True, slots=True)
class Good:
    """When a host was last seen compliant, and what was wanted of it then."""

    at: Instant
    basis: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A debt that nobody has settled, the run it comes from and when that was."""

    id: int
    debt: Debt
    run_id: str
    opened_at: Instant


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the application of a plan came: the hosts that are done, and those that failed."""

    id: str
    plan: str
    state: str
    started_at: Instant
    done: frozenset[str]
    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is stored, with its verdict counts."""

    id: str
    mode: str
    state: RunState
    standard: str
    actor: str
    started_at: Instant
    finished_at: Instant | None
    started_seq: int
    finished_seq: int | None
    problem: str
    provenance: Provenance
    verdicts: Mapping[Verdict, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run said of a host."""

    run_id: str
    at: Instant
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class HostHistory:
    """A host over time: newest first."""

    host: str
    seen: tuple[Seen, ...]
    episodes: tuple[Episode, ...]
    owed: tuple[Owed, ...]

    @property
    def streak(self) -> int:
        """Return how many runs in a row, up to the last, could not reach it."""
        lost = [one.verdict is Verdict.UNREACHABLE for one in self.seen]
        return lost.index(False) if False in lost else len(lost)


@dataclass(frozen=True, slots=True)
class HostSeen:
    """What the last check of a whole standard said of a host."""

    host: str
    standard: str
    verdict: Verdict
    at: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """A finding of a host's posture, from the run that found it to the one that saw it gone."""

    id: int
    host: str
    rule: str
    subject: str
    severity: Severity
    found_at: Instant
    found_seq: int
    gone_at: Instant | None
    gone_seq: int | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what names the same finding in another run."""
        return (self.host, self.rule, self.subject)
