"""Runs, host results and drift."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from opskit.core.clock import Instant
from opskit.core.errors import ExitCode, worst
from opskit.core.findings import Finding, Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import HostFacts

# Host, file, task and item.
DriftKey = tuple[str, str, str, str]


class Moved(StrEnum):
    """Who moved when a deviation appeared: told from the last state seen as wanted.

    `HOST` wants correcting, `STANDARD` was intended. `FIRST_SEEN` has nothing to be told from.
    """

    HOST = "host"
    STANDARD = "standard"
    BOTH = "both"
    FIRST_SEEN = "first seen"


class Delta(StrEnum):
    """How a deviation stands against the last check: `WORSE` moved on since it was found."""

    NEW = "new"
    OPEN = "still open"
    WORSE = "worse"


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

    `note` says what a missing diff means: hidden by `no_log`, or changed without a diff. The texts
    of one that was `cut` are not whole. `ends` are the hashes of the contents it will have;
    `comparable` says that there is nothing else to it, so that a state of another time or of an
    apply can be told from it.
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
    ends: tuple[str, ...] = ()
    comparable: bool = False
    cut: bool = False

    @property
    def key(self) -> DriftKey:
        """Return what names the same deviation in another run: the line number may move."""
        return (self.host, self.path.rpartition(":")[0], self.task, self.item)

    @property
    def id(self) -> str:
        """Return the short name of the transition; equal changes on several hosts share it."""
        file, task, item = self.key[1:]
        parts = (file, task, item, self.before_hash, self.after_hash, self.note)
        return "D-" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A task that was not looked at on a host, and why."""

    host: str
    task: str
    path: str
    reason: str
    action: str = ""


class DebtKind(StrEnum):
    """What a run left undone: a handler that never ran, or a task that was cut off."""

    HANDLER = "handler"
    IN_FLIGHT = "in flight"


@dataclass(frozen=True, slots=True)
class Debt:
    """Something a run owes a host: no look at the host can see that it is missing."""

    host: str
    kind: DebtKind
    path: str
    task: str
    handler: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        if self.kind is DebtKind.HANDLER:
            return f"{self.handler!r} never ran after {self.task!r}"
        return f"{self.task!r} was cut off"


@dataclass(frozen=True, slots=True)
class HostResult:
    """What a run says of one host.

    `observed` are the (path, task) that really were looked at, `blind` the (path, task, item)
    that failed, were skipped or could not be run. `owes` is what an apply left undone, `handled`
    the names of the handlers that ran. `proven` task-checks were proven by a fingerprint that is
    the same as when all were made last, at `proven_at`.
    """

    host: str
    verdict: Verdict
    reason: str
    drift: tuple[Drift, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    observed: frozenset[tuple[str, str]]
    blind: frozenset[tuple[str, str, str]] = frozenset()
    owes: tuple[Debt, ...] = ()
    handled: frozenset[str] = frozenset()
    proven: int = 0
    proven_at: Instant | None = None

    def looked_at(self, path: str, task: str, item: str) -> bool:
        """Return whether this run can say of a former deviation that it is gone.

        An item that the standard no longer names is gone with the rest of its loop.
        """
        return (path, task) in self.observed and (path, task, item) not in self.blind


@dataclass(frozen=True, slots=True)
class Way:
    """How Ansible looked: the strategy, and the hosts on which another gave the very same result.

    `strategy` is empty where Ansible was not asked at all. `doubt` says why the one that was
    wished for was not trusted.
    """

    strategy: str = ""
    verified_on: tuple[str, ...] = ()
    doubt: str = ""

    def __or__(self, other: Way) -> Way:
        """Return how a run looked that did so in two parts."""
        used = {self.strategy, other.strategy} - {""}
        hosts = dict.fromkeys((*self.verified_on, *other.verified_on))
        return Way(" and ".join(sorted(used)), tuple(hosts), self.doubt or other.doubt)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result depends on, so that two results can be compared.

    What does not say what must be true is no part of the basis: `strategy`, `verified_on` and
    `doubt` are how it was looked at, as in `Way`.
    """

    standard: str
    policy_commit: str
    inventory_hash: str
    limit: str
    tags: tuple[str, ...]
    opskit_version: str
    ansible_version: str
    standard_hash: str = ""
    config_hash: str = ""
    strategy: str = ""
    verified_on: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def basis(self) -> str:
        """Return one hash of all that says what must be true; equal bases want the same."""
        parts = (self.standard, self.standard_hash, self.inventory_hash, self.config_hash)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def looked_at(self, way: Way) -> Provenance:
        """Return it with how it was looked at."""
        return replace(self, strategy=way.strategy, verified_on=way.verified_on, doubt=way.doubt)

    def as_json(self) -> dict[str, object]:
        """Return it for JSON."""
        lists = {"tags": list(self.tags), "verified_on": list(self.verified_on)}
        return {name: getattr(self, name) for name in self.__slots__} | lists

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """Return it from `as_json`; what an older opskit did not note is empty."""
        known = {name: data.get(name, "") for name in cls.__slots__}
        lists = {name: tuple(data.get(name, ())) for name in ("tags", "verified_on")}
        return cls(**{**known, **lists})


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run over the fleet. `problem` says why it cannot be trusted whole.

    `unprovable` are the hosts that no fingerprint can stand for next time, by the reason.
    """

    id: str
    mode: str
    state: RunState
    actor: str
    started_at: Instant
    finished_at: Instant
    provenance: Provenance
    hosts: tuple[HostResult, ...]
    problem: str = ""
    standing: Mapping[DriftKey, Standing] = field(default_factory=dict)
    gone: tuple[DriftKey, ...] = ()
    findings: tuple[Finding, ...] = ()
    posture: tuple[HostFacts, ...] = ()
    unprovable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        codes += [ExitCode.FINDINGS for _ in self.findings[:1]]
        codes += [ExitCode.UNDETERMINED] if self.untrusted else []
        return worst(codes)

    @property
    def untrusted(self) -> bool:
        """Return whether the run cannot be trusted whole."""
        return bool(self.problem) or self.state is not RunState.FINISHED


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a deviation beside what one run shows.

    It came to be after `last_good_at`, at the latest at `detected_at`. `waiver` names the one that
    accepts it; `fixed_before` is how often the same thing was put right already.
    """

    last_good_at: Instant | None
    detected_at: Instant
    moved: Moved = Moved.FIRST_SEEN
    delta: Delta = Delta.NEW
    waiver: str = ""
    fixed_before: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """The same transition on several hosts, shown once."""

    drift: Drift
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How often a task's check told the truth, counted over hosts and items.

    hit: foretold and changed; false alarm: foretold and not changed; blind: could not look, and it
    changed; liar: said as wanted, and it changed; unsettled: changed, and wants it again.
    """

    COUNTED: ClassVar[tuple[str, ...]] = ("hit", "false_alarm", "blind", "liar", "unsettled")

    path: str
    task: str
    hit: int = 0
    false_alarm: int = 0
    blind: int = 0
    liar: int = 0
    unsettled: int = 0
