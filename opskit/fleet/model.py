"""Runs, host results and drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.core.clock import Instant
from opskit.core.errors import ExitCode, worst
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict


class RunState(StrEnum):
    """Where a run is. `LOST` is one whose opskit died before it could write the end."""

    RUNNING = "running"
    FINISHED = "finished"
    BROKEN = "broken"
    INTERRUPTED = "interrupted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Control:
    """What a task stands for: its id and severity, from its tags."""

    id: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing on one host that is not as the standard says, or that an apply changed.

    `note` says what a missing diff means: hidden by `no_log`, or changed without a diff.
    """

    host: str
    task: str
    path: str
    item: str
    control: Control
    before: str
    after: str
    before_hash: str
    after_hash: str
    note: str = ""
    delegated_to: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what names the same deviation in another run: the line number may move."""
        return (self.host, self.path.rpartition(":")[0], self.task, self.item)

    @property
    def transition(self) -> tuple[str, str, str, str]:
        """Return what equal changes on different hosts have in common."""
        return (self.path, self.task, self.item, self.before_hash + self.after_hash)


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A task that was not looked at on a host, and why."""

    host: str
    task: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class HostResult:
    """What a run says of one host.

    `observed` are the (path, task) that really were looked at, `blind` the (path, task, item)
    that failed, were skipped or could not be run.
    """

    host: str
    verdict: Verdict
    reason: str
    drift: tuple[Drift, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    observed: frozenset[tuple[str, str]]
    blind: frozenset[tuple[str, str, str]] = frozenset()

    def looked_at(self, path: str, task: str, item: str) -> bool:
        """Return whether this run can say of a former deviation that it is gone.

        An item that the standard no longer names is gone with the rest of its loop.
        """
        return (path, task) in self.observed and (path, task, item) not in self.blind


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result depends on, so that two results can be compared."""

    standard: str
    policy_commit: str
    inventory_hash: str
    limit: str
    tags: tuple[str, ...]
    opskit_version: str
    ansible_version: str

    def as_json(self) -> dict[str, object]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__} | {"tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run over the fleet. `problem` says why it cannot be trusted whole."""

    id: str
    mode: str
    state: RunState
    actor: str
    started_at: Instant
    finished_at: Instant
    provenance: Provenance
    hosts: tuple[HostResult, ...]
    problem: str = ""
    first_seen: Mapping[tuple[str, str, str, str], FirstSeen] | None = None

    @property
    def counts(self) -> dict[Verdict, int]:
        """Return how many hosts got each verdict, zeros included."""
        seen = Counter(result.verdict for result in self.hosts)
        return {verdict: seen[verdict] for verdict in Verdict}

    @property
    def drift(self) -> tuple[Drift, ...]:
        """Return every deviation of every host."""
        return tuple(drift for result in self.hosts for drift in result.drift)

    @property
    def exit_code(self) -> ExitCode:
        """Return what a command that made this run ends with."""
        codes = [result.verdict.exit_code for result in self.hosts]
        if self.problem or self.state is not RunState.FINISHED:
            codes.append(ExitCode.UNDETERMINED)
        return worst(codes)


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """When a deviation came to be: after `last_good_at`, at the latest at `detected_at`."""

    last_good_at: Instant | None
    detected_at: Instant


@dataclass(frozen=True, slots=True)
class Cluster:
    """The same transition on several hosts, shown once."""

    drift: Drift
    hosts: tuple[str, ...]
