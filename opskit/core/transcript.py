"""A playbook run as it happened: plays, tasks, results, and what the runner said of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opskit.core.clock import Duration
from opskit.core.text import clean

# What the last line of a traceback has in front of its message.
_EXCEPTION = re.compile(r"^\w+Error: (?:\[Errno \d+\] )?")


class Mode(StrEnum):
    """Look, or change."""

    CHECK = "check"
    APPLY = "apply"


class Strategy(StrEnum):
    """How Ansible takes tasks to hosts.

    `PLAIN` is its own way, a process on the host for each task. `MITOGEN` keeps one process on
    each host, which is faster, and is not Ansible's own.
    """

    PLAIN = "plain"
    MITOGEN = "mitogen"


class Outcome(StrEnum):
    """How one task, or one item of its loop, ended on one host.

    `UNSUPPORTED` is a task that check mode did not run: it was not looked at. `TOO_LARGE` gave more
    output than can be kept, so that nothing can be said of it.
    """

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    IGNORED = "ignored"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the standard. `path` is `file:line`; (path, name) identifies it across runs.

    A task names the handlers it notifies; a handler is called by its name or by what it listens to.
    """

    uuid: str
    name: str
    path: str
    action: str
    tags: tuple[str, ...]
    handler: bool
    run_once: bool
    notify: tuple[str, ...]
    listen: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Return what stays the same when Ansible numbers the task anew."""
        return (self.path, self.name)


@dataclass(frozen=True, slots=True)
class Diff:
    """One difference, redacted; the keyed hashes are of the texts before redaction.

    Of `attributes`, as owner and mode, a check tells less than the apply after it: only contents
    can be compared between the two.
    """

    before: str
    after: str
    before_hash: str
    after_hash: str
    cut: bool
    attributes: bool = False


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task did on a host. `delegated_to` is where it really acted, if elsewhere."""

    host: str
    task: Task
    outcome: Outcome
    item: str
    reason: str
    diffs: tuple[Diff, ...]
    delegated_to: str
    hidden: bool
    took: Duration
    is_item: bool


@dataclass(frozen=True, slots=True)
class Play:
    """A play's hosts and the tasks it means to run on them, rescue sections left out."""

    hosts: tuple[str, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host said of its exposure, and what the inventory says should be."""

    host: str
    facts: Mapping[str, Any]
    owner: str = ""
    ports: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class RunnerSummary:
    """What ansible-runner says of the same run: the first truth."""

    status: str = ""
    rc: int | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    output: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A run as it happened. `stats` is `None` where Ansible did not get to the end.

    `expected` are the hosts of every play, also of those that an earlier failure kept from
    starting, as far as they could be told before the first. `included` holds (host, task uuid)
    of includes that were followed: they give no result. `in_flight` are (host, task) that were
    started and gave no result: how far they came nobody knows. `records` are the compressed lines
    all this was read from. `results` come in the order they were told, as often as they are asked
    for; those of a real run are read from the records each time, as a large fleet gives too many
    to keep. `told` holds what opskit's own modules had to say of a host, one text for each.
    """

    plays: tuple[Play, ...]
    results: Iterable[TaskResult]
    stats: Mapping[str, Mapping[str, int]] | None
    runner: RunnerSummary
    expected: tuple[str, ...] = ()
    included: frozenset[tuple[str, str]] = frozenset()
    in_flight: tuple[tuple[str, Task], ...] = ()
    posture: tuple[HostFacts, ...] = ()
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    no_hosts: bool = False
    prompt: str = ""
    interrupted: bool = False
    records: bytes = field(default=b"", repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return every host the standard speaks of here, in inventory order."""
        started = (host for play in self.plays for host in play.hosts)
        return tuple(dict.fromkeys([*self.expected, *started]))

    @property
    def broke_off(self) -> str:
        """Return why Ansible did not get to its end, in one line; empty if it did or had to."""
        if self.stats is not None or self.interrupted:
            return ""
        last = self.runner.output.strip().splitlines()[-1:]
        said = [_EXCEPTION.sub("", line) for line in last]
        return clean(": ".join(["Ansible ended without its statistics", *said]))

    @property
    def disagreement(self) -> str:
        """Return where the two truths differ, in one line; empty where they agree.

        Compared per host are tasks ok, failed, skipped and unreachable. `changed` is not:
        runner loses it under `no_log`.
        """
        own: dict[str, Counter[str]] = {}
        for result in self.results:
            if not result.is_item:
                own.setdefault(result.host, Counter())[_RUNNER_WORD[result.outcome]] += 1
        for host in sorted(own.keys() | self.runner.counts.keys()):
            ours, theirs = dict(own.get(host, {})), dict(self.runner.counts.get(host, {}))
            if ours != theirs:
                return f"{host}: the callback saw {ours}, ansible-runner {theirs}"
        return ""


_RUNNER_WORD = {
    Outcome.OK: "ok",
    Outcome.CHANGED: "ok",
    Outcome.FAILED: "failed",
    Outcome.IGNORED: "failed",
    Outcome.UNREACHABLE: "unreachable",
    Outcome.SKIPPED: "skipped",
    Outcome.UNSUPPORTED: "skipped",
    Outcome.TOO_LARGE: "ok",
}
