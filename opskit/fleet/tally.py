"""What the results of a run add up to for each host, taken in one by one as they pass. Pure.

A fleet of ten thousand hosts gives half a million results. None is kept that is as wanted: a host
is a few bit masks, and hosts that were looked at alike share their sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from opskit.core.findings import Severity
from opskit.core.transcript import Outcome, Task, TaskResult
from opskit.fleet.debts import Handlers, called
from opskit.fleet.model import Control, Drift, NotEvaluated

# What these do stays in Ansible's memory: no look at a host, and no change to it.
_IN_MEMORY = frozenset({"add_host", "gather_facts", "group_by", "setup", "validate_argument_spec"})
# Why a task was not looked at that only a real run can run.
NOT_IN_CHECK_MODE = "check mode cannot run it"
_LOOKED = frozenset({Outcome.OK, Outcome.CHANGED})

TaskKey = tuple[str, str]
K = TypeVar("K", bound=Hashable)


class KeySets(Generic[K]):
    """Sets of keys as bit masks; equal ones are given out as one and the same set."""

    def __init__(self) -> None:
        self._bits: dict[K, int] = {}
        self._sets: dict[int, frozenset[K]] = {}

    def bit(self, key: K) -> int:
        """Return the mask that holds only this key."""
        return self._bits.setdefault(key, 1 << len(self._bits))

    def of(self, mask: int) -> frozenset[K]:
        """Return the keys in a mask."""
        if mask not in self._sets:
            self._sets[mask] = frozenset(key for key, bit in self._bits.items() if bit & mask)
        return self._sets[mask]


@dataclass(slots=True)
class Tally:
    """One host so far. The masks are of tasks as planned, as named, with their item, by number."""

    results: int = 0
    reached: int = 0
    observed: int = 0
    blind: int = 0
    loops: int = 0
    drift: list[Drift] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    handlers: Handlers = field(default_factory=Handlers)
    handled: set[str] = field(default_factory=set)
    lost_at: list[Task] = field(default_factory=list)
    failed: TaskResult | None = None
    unreachable: TaskResult | None = None
    too_large: bool = False


class Tallies:
    """Every host of a run. `planned` says under which key a task, by its number, was planned.

    When a task runs, the variables in its name are filled in: `Greet {{ who }}` is the planned
    name of `Greet web1`. A role that is named twice runs once, under one of its two numbers.
    """

    def __init__(self, planned: Iterable[Task], root: Path) -> None:
        self.plan: KeySets[TaskKey] = KeySets()
        self.tasks: KeySets[TaskKey] = KeySets()
        self.leaves: KeySets[tuple[str, str, str]] = KeySets()
        self.anywhere = 0
        self.hosts: dict[str, Tally] = {}
        self._planned = {task.uuid: task.key for task in planned}
        self._numbers: KeySets[str] = KeySets()
        self._root = root
        self._files: dict[str, str] = {}

    def see(self, result: TaskResult) -> None:
        """Take one result in."""
        own = self.hosts.setdefault(result.host, Tally())
        task = result.task
        planned = self.plan.bit(self._planned.get(task.uuid, task.key))
        own.results += 1
        self.anywhere |= planned
        if not result.is_item:
            _see_end(own, result)
        if not in_memory(task.action):
            own.handlers.see(result)
        if task.handler:
            own.handled |= called(task) if result.outcome in _LOOKED else set()
            return
        own.reached |= planned
        number = self._numbers.bit(task.uuid)
        own.loops |= number if result.is_item else 0
        # Of a loop its items are told first; their sum says nothing that they do not.
        if (result.is_item or not own.loops & number) and not in_memory(task.action):
            self._see_leaf(own, result)

    def _see_leaf(self, own: Tally, result: TaskResult) -> None:
        task = result.task
        file, name = self.file(task), task.name
        if result.outcome in _LOOKED:
            own.observed |= self.tasks.bit((file, name))
        else:
            own.blind |= self.leaves.bit((file, name, result.item))
        if result.outcome is Outcome.CHANGED:
            own.drift.append(drift(result, self._root))
        why = _why_not_seen(result)
        if why:
            own.too_large |= result.outcome is Outcome.TOO_LARGE
            own.not_evaluated.append(self.not_evaluated(result.host, task, why))

    def not_evaluated(self, host: str, task: Task, reason: str) -> NotEvaluated:
        """Return that a task was not looked at on a host."""
        path = relative(task.path, self._root)
        return NotEvaluated(host, task.name, path, reason, task.action)

    def file(self, task: Task) -> str:
        """Return the file in which a task is written."""
        if task.path not in self._files:
            self._files[task.path] = relative(task.path, self._root).rpartition(":")[0]
        return self._files[task.path]


def _see_end(own: Tally, result: TaskResult) -> None:
    if result.outcome is Outcome.FAILED:
        own.failed = result
    elif result.outcome is Outcome.UNREACHABLE:
        own.unreachable = result
        own.lost_at += [] if in_memory(result.task.action) else [result.task]


def in_memory(action: str) -> bool:
    """Return whether what a module does stays in Ansible's memory."""
    return action.rpartition(".")[2] in _IN_MEMORY


def _why_not_seen(result: TaskResult) -> str:
    if result.outcome is Outcome.TOO_LARGE:
        return "output too large"
    if result.outcome is Outcome.UNSUPPORTED:
        return "skipped; no_log hides why" if result.hidden else NOT_IN_CHECK_MODE
    return ""


def drift(result: TaskResult, root: Path) -> Drift:
    """Return what a changed result deviates in, its several differences taken together."""
    told = tuple(diff for diff in result.diffs if diff.before_hash != diff.after_hash)
    note = ""
    if result.hidden:
        note = "changed, hidden by no_log"
    elif not told:
        note = "changed, no diff given"
    return Drift(
        host=result.host,
        task=result.task.name,
        path=relative(result.task.path, root),
        item=result.item,
        control=control_of(result.task.tags),
        before="".join(diff.before for diff in told),
        after="".join(diff.after for diff in told),
        before_hash=_together(diff.before_hash for diff in told),
        after_hash=_together(diff.after_hash for diff in told),
        note=note,
        delegated_to=result.delegated_to if result.delegated_to != result.host else "",
        ends=tuple(diff.after_hash for diff in told if not diff.attributes),
        comparable=bool(told) and not any(diff.attributes for diff in told),
        cut=any(diff.cut for diff in told),
    )


def _together(hashes: Iterable[str]) -> str:
    """Return one hash for several; of one it is itself."""
    one, *more = [*hashes] or [""]
    return hashlib.sha256("".join([one, *more]).encode()).hexdigest()[:32] if more else one


def relative(path: str, root: Path) -> str:
    """Return a path as it is told: from the root of the repository, where it is in it."""
    return path.removeprefix(f"{root}/")


def control_of(tags: Iterable[str]) -> Control:
    """Return the control a task's tags name: `control:OPS-SSH-01`, `severity:high`."""
    named = dict(tag.split(":", 1) for tag in tags if ":" in tag)
    severity = named.get("severity", "")
    known = severity in set(Severity)
    return Control(named.get("control", ""), Severity(severity) if known else Severity.MEDIUM)
