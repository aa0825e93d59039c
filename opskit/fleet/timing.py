"""Where the time of a run went. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from opskit.core.clock import Duration
from opskit.core.transcript import TaskResult, Transcript


@dataclass(frozen=True, slots=True)
class Spent:
    """The time of one task over its hosts, or of one host over its tasks."""

    name: str
    times: int
    middle: Duration
    longest: Duration
    total: Duration


def slowest_tasks(transcript: Transcript, most: int) -> tuple[Spent, ...]:
    """Return the tasks that took longest, by their sum over all hosts."""
    return _slowest(((one.task.name, one.took) for one in _whole(transcript)), most)


def slowest_hosts(transcript: Transcript, most: int) -> tuple[Spent, ...]:
    """Return the hosts that took longest."""
    return _slowest(((one.host, one.took) for one in _whole(transcript)), most)


def _whole(transcript: Transcript) -> Iterable[TaskResult]:
    return (one for one in transcript.results if not one.is_item)


def _slowest(took: Iterable[tuple[str, int]], most: int) -> tuple[Spent, ...]:
    grouped: dict[str, list[int]] = {}
    for name, length in took:
        grouped.setdefault(name, []).append(length)
    found = [
        Spent(
            name, len(all_), Duration(round(median(all_))), Duration(max(all_)), Duration(sum(all_))
        )
        for name, all_ in grouped.items()
    ]
    return tuple(sorted(found, key=lambda spent: (-spent.total, spent.name))[:most])
