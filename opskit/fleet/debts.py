"""What an apply left undone: no later look at the host can see that it is missing. Pure.

Ansible runs a handler at the end of the play that notified it; when the play ends early the
handler is lost, and the next run, which changes nothing, does not notify it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from opskit.core.transcript import Outcome, Task, TaskResult
from opskit.fleet.model import Debt, DebtKind

_RAN = frozenset({Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED, Outcome.TOO_LARGE})
_CHANGED = frozenset({Outcome.CHANGED, Outcome.TOO_LARGE})


def lost_handlers(results: Iterable[TaskResult]) -> dict[str, Task]:
    """Return the handlers a host was owed at the end of a run, with the task that notified each.

    `results` are those of one host, in the order they came.
    """
    owed: dict[str, Task] = {}
    notified: dict[str, Task] = {}
    for result in results:
        if result.is_item:
            continue
        if result.task.handler:
            names = called(result.task)
            # Several may listen to one name: it is owed again when a later one of them failed.
            failed = notified.keys() & names if result.outcome not in _RAN else set()
            owed = {name: task for name, task in owed.items() if name not in names}
            owed |= {name: notified[name] for name in sorted(failed)}
        if result.outcome in _CHANGED:
            told = {_without_role(name): result.task for name in result.task.notify}
            owed |= told
            notified |= told
    return owed


def called(handler: Task) -> frozenset[str]:
    """Return what a handler answers to."""
    return frozenset({_without_role(handler.name), *handler.listen})


def _without_role(name: str) -> str:
    """Return `Restart sshd` of `baseline : Restart sshd`: Ansible takes both."""
    return name.rpartition(" : ")[2]


def cut_off(results: Iterable[TaskResult], in_flight: Iterable[Task]) -> tuple[Task, ...]:
    """Return the tasks of which nobody knows how far they came on a host.

    A connection that was lost during a task says as little as a task that never answered.
    """
    lost = (one.task for one in results if one.outcome is Outcome.UNREACHABLE and not one.is_item)
    return tuple({task.uuid: task for task in (*lost, *in_flight)}.values())


def debts(
    host: str,
    results: Sequence[TaskResult],
    in_flight: Iterable[Task],
    file: Callable[[Task], str],
) -> tuple[Debt, ...]:
    """Return what a run owes a host; `file` says where a task is written."""
    handlers = (
        Debt(host, DebtKind.HANDLER, file(task), task.name, name)
        for name, task in lost_handlers(results).items()
    )
    tasks = (
        Debt(host, DebtKind.IN_FLIGHT, file(task), task.name)
        for task in cut_off(results, in_flight)
    )
    return (*handlers, *tasks)
