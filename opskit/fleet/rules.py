"""From what happened to what it means: verdicts, drift, what was not looked at. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome, Task, TaskResult, Transcript
from opskit.fleet.debts import called, debts
from opskit.fleet.model import Cluster, Control, Debt, Drift, HostResult, NotEvaluated

# What these do stays in Ansible's memory: no look at a host, and no change to it.
_IN_MEMORY = frozenset({"add_host", "gather_facts", "group_by", "setup", "validate_argument_spec"})
# Why a task was not looked at that only a real run can run.
NOT_IN_CHECK_MODE = "check mode cannot run it"
_LOOKED = frozenset({Outcome.OK, Outcome.CHANGED})
_NOT_SEEN = frozenset({Outcome.UNSUPPORTED, Outcome.TOO_LARGE})

TaskKey = tuple[str, str]


def evaluate(transcript: Transcript, mode: Mode, root: Path) -> tuple[HostResult, ...]:
    """Return a result for every host the standard speaks of, also those that gave no sign."""
    by_host: dict[str, list[TaskResult]] = {host: [] for host in transcript.hosts}
    for result in transcript.results:
        by_host.setdefault(result.host, []).append(result)
    planned = {task.uuid: task.key for play in transcript.plays for task in play.tasks}
    anywhere = _keys(transcript.results, planned)
    return tuple(
        _host_result(transcript, mode, root, host, results, anywhere)
        for host, results in by_host.items()
    )


def _host_result(  # one host's share of a transcript
    transcript: Transcript,
    mode: Mode,
    root: Path,
    host: str,
    results: list[TaskResult],
    anywhere: set[TaskKey],
) -> HostResult:
    own = [result for result in results if not result.task.handler]
    leaves = [result for result in _without_loop_summaries(own) if not _in_memory(result.task)]
    drift = tuple(_drift(one, root) for one in leaves if one.outcome is Outcome.CHANGED)
    missing = _never_reached(transcript, host, own, anywhere)
    too_large = any(one.outcome is Outcome.TOO_LARGE for one in leaves)
    skipped = [result for result in leaves if result.outcome in _NOT_SEEN]
    not_evaluated = (
        *(_not_evaluated(host, one.task, root, _why_skipped(one)) for one in skipped),
        *(_not_evaluated(host, task, root, _why_missing(results)) for task in missing),
    )
    keys = {one: (_file(one.task, root), one.task.name, one.item) for one in leaves}
    observed = frozenset(keys[one][:2] for one in leaves if one.outcome in _LOOKED)
    blind = frozenset(keys[one] for one in leaves if one.outcome not in _LOOKED)
    look = _Look(bool(drift), bool(missing), bool(observed), too_large)
    verdict, reason = _verdict(transcript, mode, host, results, look)
    return HostResult(
        host=host,
        verdict=verdict,
        reason=reason,
        drift=drift,
        not_evaluated=not_evaluated,
        observed=observed,
        blind=blind,
        owes=_owes(transcript, host, results, root) if mode is Mode.APPLY else (),
        handled=_handled(results),
    )


def _in_memory(task: Task) -> bool:
    return task.action.rpartition(".")[2] in _IN_MEMORY


def _owes(
    transcript: Transcript, host: str, results: list[TaskResult], root: Path
) -> tuple[Debt, ...]:
    told = [result for result in results if not _in_memory(result.task)]
    started = [task for at, task in transcript.in_flight if at == host and not _in_memory(task)]
    return debts(host, told, started, lambda task: _file(task, root))


def _handled(results: list[TaskResult]) -> frozenset[str]:
    ran = (one.task for one in results if one.task.handler and one.outcome in _LOOKED)
    return frozenset(name for handler in ran for name in called(handler))


def _without_loop_summaries(results: list[TaskResult]) -> list[TaskResult]:
    loops = {result.task.uuid for result in results if result.is_item}
    return [result for result in results if result.is_item or result.task.uuid not in loops]


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is to say of the tasks of one host."""

    drift: bool
    missing: bool
    observed: bool
    too_large: bool


def _verdict(
    transcript: Transcript,
    mode: Mode,
    host: str,
    results: list[TaskResult],
    look: _Look,
) -> tuple[Verdict, str]:
    stats = (transcript.stats or {}).get(host, {})
    unreachable = _last(results, Outcome.UNREACHABLE)
    failed = _last(results, Outcome.FAILED)
    if failed and (stats.get("failures") or not stats):
        return Verdict.FAILED, f"{failed.task.name}: {failed.reason}"
    if unreachable:
        return Verdict.UNREACHABLE, unreachable.reason
    if mode is Mode.CHECK and look.drift:
        return Verdict.DRIFTED, ""
    started = any(host in play.hosts for play in transcript.plays)
    doubts = (
        (transcript.interrupted, "the run was stopped before its end"),
        (
            not results and (look.missing or not started),
            "the run ended before it came to this host",
        ),
        (results and not stats, "no answer"),
        (look.missing, "some tasks were never reached"),
        (look.too_large, "the output of a task was too large"),
        (not look.observed, "no task of the standard looked at this host"),
        (look.drift, "changed, and not observed again yet"),
    )
    doubt = next((reason for holds, reason in doubts if holds), "")
    return (Verdict.NOT_EVALUATED if doubt else Verdict.COMPLIANT), doubt


def _last(results: list[TaskResult], outcome: Outcome) -> TaskResult | None:
    return next(
        (
            result
            for result in reversed(results)
            if result.outcome is outcome and not result.is_item
        ),
        None,
    )


def _keys(results: Iterable[TaskResult], planned: Mapping[str, TaskKey]) -> set[TaskKey]:
    """Return which tasks gave a result, under the name they were planned by.

    When a task runs, the variables in its name are filled in: `Greet {{ who }}` is the planned
    name of `Greet web1`. A role that is named twice runs once, under one of its two numbers.
    """
    return {planned.get(result.task.uuid, result.task.key) for result in results}


def _never_reached(
    transcript: Transcript, host: str, own: list[TaskResult], anywhere: set[TaskKey]
) -> list[Task]:
    planned = [task for play in transcript.plays if host in play.hosts for task in play.tasks]
    seen = _keys(own, {task.uuid: task.key for task in planned})
    seen |= {task.key for task in planned if (host, task.uuid) in transcript.included}
    return [
        task
        for key, task in {task.key: task for task in planned}.items()
        if key not in seen and not (task.run_once and key in anywhere)
    ]


def _why_skipped(result: TaskResult) -> str:
    if result.outcome is Outcome.TOO_LARGE:
        return "output too large"
    return "skipped; no_log hides why" if result.hidden else NOT_IN_CHECK_MODE


def _why_missing(results: list[TaskResult]) -> str:
    if _last(results, Outcome.UNREACHABLE):
        return "the host was lost"
    return "an earlier task failed" if _last(results, Outcome.FAILED) else "the run ended before it"


def _not_evaluated(host: str, task: Task, root: Path, reason: str) -> NotEvaluated:
    return NotEvaluated(host, task.name, _relative(task.path, root), reason, task.action)


def _drift(result: TaskResult, root: Path) -> Drift:
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
        path=_relative(result.task.path, root),
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
    )


def _together(hashes: Iterable[str]) -> str:
    """Return one hash for several; of one it is itself."""
    one, *more = [*hashes] or [""]
    return hashlib.sha256("".join([one, *more]).encode()).hexdigest()[:32] if more else one


def _file(task: Task, root: Path) -> str:
    return _relative(task.path, root).rpartition(":")[0]


def _relative(path: str, root: Path) -> str:
    return path.removeprefix(f"{root}/")


def control_of(tags: Iterable[str]) -> Control:
    """Return the control a task's tags name: `control:OPS-SSH-01`, `severity:high`."""
    named = dict(tag.split(":", 1) for tag in tags if ":" in tag)
    severity = named.get("severity", "")
    known = severity in set(Severity)
    return Control(named.get("control", ""), Severity(severity) if known else Severity.MEDIUM)


def clusters(drift: Iterable[Drift]) -> tuple[Cluster, ...]:
    """Return each transition once with its hosts: most severe first, then most hosts."""
    grouped: dict[tuple[str, str], list[Drift]] = {}
    for one in drift:
        grouped.setdefault((one.id, one.path), []).append(one)
    found = [Cluster(group[0], tuple(one.host for one in group)) for group in grouped.values()]
    return tuple(
        sorted(found, key=lambda c: (-c.drift.control.severity.rank, -len(c.hosts), c.drift.path))
    )


_CAUSES: Mapping[str, str] = {
    "syntax": "ansible-playbook --syntax-check shows it as well",
    "yaml parsing": "ansible-playbook --syntax-check shows it as well",
    "could not be found": "check the path in opskit.yaml, or name it: --playbook PATH",
    "inventory": "check it with: ansible-inventory --list -i FILE",
}


def broken(transcript: Transcript) -> tuple[str, str]:
    """Return why a run never got going, and the next step; two empty strings if it did."""
    if transcript.plays or transcript.no_hosts or transcript.interrupted:
        return "", ""
    lines = [line.strip() for line in transcript.runner.output.splitlines()]
    # Ansible prints the error first; what follows shows its place in the file.
    errors = [
        line.removeprefix("[ERROR]:").removeprefix("ERROR!").strip()
        for line in lines
        if "ERROR" in line
    ]
    origin = next((line for line in lines if line.startswith("Origin:")), "")
    message = " ".join(
        filter(
            None, [errors[0] if errors else (lines[-1:] or ["Ansible did not start"])[0], origin]
        )
    )
    hint = next(
        (hint for word, hint in _CAUSES.items() if word in message.lower()), "opskit doctor"
    )
    return message, hint
