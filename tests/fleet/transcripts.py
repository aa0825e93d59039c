"""Runs as they could have happened, without Ansible: what the rules and the journal are given."""

from __future__ import annotations

from collections.abc import Mapping

from opskit.core.clock import Duration
from opskit.core.transcript import (
    Diff,
    Outcome,
    Play,
    RunnerSummary,
    Task,
    TaskResult,
    Transcript,
)

_WORDS = {
    Outcome.CHANGED: "ok",
    Outcome.IGNORED: "failed",
    Outcome.UNSUPPORTED: "skipped",
}
# A host's results: the outcome of each (task, item), in order.
Results = Mapping[tuple[str, str], Outcome]


def task(name: str, *tags: str, uuid: str = "", path: str = "/ops/site.yml") -> Task:
    """Return a task of the standard; its line is made of its name."""
    line = sum(map(ord, name))
    return Task(uuid or f"uuid of {name}", name, f"{path}:{line}", "debug", tags, False, False, ())


def result(
    host: str,
    done: Task,
    outcome: Outcome,
    item: str = "",
    *,
    reason: str = "",
    state: str = "as found",
) -> TaskResult:
    """Return what a task did; a change has a difference, from STATE to what is wanted."""
    diff = Diff(f"{state}\n", "wanted\n", f"hash of {state}", "hash of wanted", cut=False)
    return TaskResult(
        host=host,
        task=done,
        outcome=outcome,
        item=item,
        reason=reason,
        diffs=(diff,) if outcome is Outcome.CHANGED else (),
        delegated_to="",
        hidden=False,
        took=Duration(1_000),
        is_item=bool(item),
    )


def transcript(
    hosts: Mapping[str, Results],
    *,
    tags: Mapping[str, tuple[str, ...]] | None = None,
    complete: bool = True,
    interrupted: bool = False,
    agree: bool = True,
    states: Mapping[str, str] | None = None,
) -> Transcript:
    """Return a run over HOSTS; every task named for one host is planned for all."""
    named = dict.fromkeys(name for results in hosts.values() for name, _ in results)
    tasks = {name: task(name, *(tags or {}).get(name, ())) for name in named}
    results = [
        result(host, tasks[name], outcome, item, state=(states or {}).get(host, "as found"))
        for host, outcomes in hosts.items()
        for (name, item), outcome in outcomes.items()
    ]
    counts = {host: _counted(host, results) for host in hosts}
    failures = {
        host: sum(one.host == host and one.outcome is Outcome.FAILED for one in results)
        for host in hosts
    }
    stats = {host: {"failures": failures[host], "ok": 1} for host in hosts}
    return Transcript(
        plays=(Play(tuple(hosts), tuple(tasks.values())),),
        results=tuple(results),
        stats=stats if complete and not interrupted else None,
        runner=RunnerSummary("successful", 0, counts if agree else {"nobody": {"ok": 1}}),
        interrupted=interrupted,
    )


def _counted(host: str, results: list[TaskResult]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in results:
        if one.host == host and not one.is_item:
            word = _WORDS.get(one.outcome, str(one.outcome))
            counts[word] = counts.get(word, 0) + 1
    return counts
