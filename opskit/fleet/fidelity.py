"""How far a check can be trusted: what it foretold against what then happened. Pure.

A check in Ansible's check mode can be wrong both ways. Only comparing it with the apply that
followed tells how often, task by task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opskit.fleet.model import Fidelity, HostResult, NotEvaluated, Run

# The cheapest way to let a check look at what such a task does.
_FIXES = {
    "command": "give it creates: or removes:; if it only reads, check_mode: false and"
    " changed_when: false",
    "shell": "give it creates: or removes:; if it only reads, check_mode: false and"
    " changed_when: false",
    "script": "give it creates: or removes:",
    "raw": "use a module that supports check mode",
    "get_url": "give it checksum:",
    "uri": "if it only reads, check_mode: false and changed_when: false",
}


def cheapest_fix(action: str) -> str:
    """Return what would let a check look at a task of this module; empty where nothing is known."""
    return _FIXES.get(action.rpartition(".")[2], "")


def compare(before: Run, change: Run, after: Run) -> tuple[Fidelity, ...]:
    """Return per task how a check compares with the apply after it and the look after that."""
    told = {result.host: result for result in before.hosts}
    then = {result.host: result for result in after.hosts}
    counted: dict[tuple[str, str], Counter[str]] = {}
    for result in change.hosts:
        foretold = told.get(result.host)
        if foretold is None:
            continue
        for (path, task), what in _host(foretold, result, then.get(result.host)):
            counted.setdefault((path, task), Counter())[what] += 1
    return tuple(Fidelity(path, task, **counts) for (path, task), counts in sorted(counted.items()))


def _host(
    before: HostResult, change: HostResult, after: HostResult | None
) -> Iterable[tuple[tuple[str, str], str]]:
    """Yield ((file, task), what its check was) for one host."""
    foretold = {drift.key for drift in before.drift}
    changed = {drift.key for drift in change.drift}
    wanted_again = {drift.key for drift in after.drift} if after else set()
    for key in changed:
        _, path, task, item = key
        if key in foretold:
            yield (path, task), "hit"
        else:
            yield (path, task), "liar" if before.looked_at(path, task, item) else "blind"
        if key in wanted_again:
            yield (path, task), "unsettled"
    for key in foretold - changed:
        if change.looked_at(*key[1:]):
            yield (key[1], key[2]), "false_alarm"


def blind_tasks(run: Run) -> tuple[tuple[NotEvaluated, int], ...]:
    """Return the tasks that a check could not look at for what they are, with their hosts."""
    found: dict[tuple[str, str], list[NotEvaluated]] = {}
    for result in run.hosts:
        for one in result.not_evaluated:
            if cheapest_fix(one.action):
                found.setdefault((one.path, one.task), []).append(one)
    return tuple((group[0], len(group)) for _, group in sorted(found.items()))
