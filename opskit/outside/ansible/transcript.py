"""Read what the callback wrote during a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

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


def read(lines: Iterable[str], runner: RunnerSummary, *, interrupted: bool = False) -> Transcript:
    """Return the transcript of a run from the callback's lines; a torn last line is left out."""
    reader = _Reader()
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        handle = getattr(reader, f"on_{record.get('k')}", None)
        if handle is not None:
            handle(record)
    return Transcript(
        expected=reader.expected,
        plays=tuple(reader.plays),
        results=tuple(reader.results),
        stats=reader.stats,
        runner=runner,
        included=frozenset(reader.included),
        no_hosts=reader.no_hosts,
        prompt=reader.prompt,
        interrupted=interrupted,
    )


class _Reader:
    """Gathers records; one method per kind of line."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.expected: tuple[str, ...] = ()
        self.planned: dict[str, Task] = {}
        self.tasks: dict[str, Task] = {}
        self.results: list[TaskResult] = []
        self.included: set[tuple[str, str]] = set()
        self.stats: dict[str, dict[str, int]] | None = None
        self.no_hosts = False
        self.prompt = ""

    def on_expected(self, record: dict[str, Any]) -> None:
        self.expected = tuple(record["hosts"])

    def on_play(self, record: dict[str, Any]) -> None:
        # Ansible leaves the name it filled in for one batch of hosts in the plan of the next.
        tasks = tuple(
            self.planned.setdefault(fields["uuid"], _task(fields)) for fields in record["tasks"]
        )
        self.plays.append(Play(tuple(record["hosts"]), tasks))

    def on_task(self, record: dict[str, Any]) -> None:
        task = _task({key: value for key, value in record.items() if key != "k"})
        self.tasks[task.uuid] = task

    def on_result(self, record: dict[str, Any]) -> None:
        task = self.tasks.get(record["uuid"])
        if task is None:
            return
        self.results.append(
            TaskResult(
                host=record["host"],
                task=task,
                outcome=Outcome(record["outcome"]),
                item=record.get("item", ""),
                reason=record.get("reason", ""),
                diffs=tuple(Diff(**diff) for diff in record.get("diff", ())),
                delegated_to=record.get("delegated", ""),
                hidden=record.get("hidden", False),
                took=Duration(record["took"]),
                is_item="item" in record,
            )
        )

    def on_include(self, record: dict[str, Any]) -> None:
        self.included.add((record["host"], record["uuid"]))

    def on_stats(self, record: dict[str, Any]) -> None:
        self.stats = record["hosts"]

    def on_no_hosts(self, _record: dict[str, Any]) -> None:
        self.no_hosts = True

    def on_prompt(self, record: dict[str, Any]) -> None:
        self.prompt = record["name"]


def _task(fields: dict[str, Any]) -> Task:
    return Task(**{**fields, "tags": tuple(fields["tags"]), "notify": tuple(fields["notify"])})
