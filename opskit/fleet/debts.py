"""What an apply left undone: no later look at the host can see that it is missing. Pure.

Ansible runs a handler at the end of the play that notified it; when the play ends early the
handler is lost, and the next run, which changes nothing, does not notify it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opskit.core.transcript import Outcome, Task, TaskResult
from opskit.fleet.model import Debt, DebtKind

_RAN = frozenset({Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED, Outcome.TOO_LARGE})
_CHANGED = frozenset({Outcome.CHANGED, Outcome.TOO_LARGE})
_NONE: Mapping[str, Task] = {}


class Handlers:
    """The handlers a host is owed, with the task that notified each, as its results pass by."""

    __slots__ = ("_notified", "owed")

    def __init__(self) -> None:
        self.owed: Mapping[str, Task] = _NONE
        self._notified: Mapping[str, Task] = _NONE

    def see(self, result: TaskResult) -> None:
        """Take in one result of the host; they come in order."""
        if result.is_item:
            return
        if result.task.handler:
            names = called(result.task)
            # Several may listen to one name: it is owed again when a later one of them failed.
            failed = self._notified.keys() & names if result.outcome not in _RAN else set()
            left = {name: task for name, task in self.owed.items() if name not in names}
            self.owed = left | {name: self._notified[name] for name in sorted(failed)}
        if result.outcome in _CHANGED and result.task.notify:
            told = {_without_role(name): result.task for name in result.task.notify}
            self.owed = {**self.owed, **told}
            self._notified = {**self._notified, **told}


def called(handler: Task) -> frozenset[str]:
    """Return what a handler answers to."""
    return frozenset({_without_role(handler.name), *handler.listen})


def _without_role(name: str) -> str:
    """Return `Restart sshd` of `baseline : Restart sshd`: Ansible takes both."""
    return name.rpartition(" : ")[2]


def debts(
    host: str, handlers: Handlers, cut_off: Iterable[Task], file: Callable[[Task], str]
) -> tuple[Debt, ...]:
    """Return what a run owes a host.

    `cut_off` are the tasks of which nobody knows how far they came: a connection that was lost
    during one says as little as one that never answered. `file` says where a task is written.
    """
    lost = (
        Debt(host, DebtKind.HANDLER, file(task), task.name, name)
        for name, task in handlers.owed.items()
    )
    tasks = (Debt(host, DebtKind.IN_FLIGHT, file(task), task.name) for task in cut_off)
    return (*lost, *tasks)
