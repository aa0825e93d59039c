"""Read what the callback wrote during a run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from opskit.core.clock import Duration
from opskit.core.transcript import (
    Diff,
    HostFacts,
    Outcome,
    Play,
    RunnerSummary,
    Task,
    TaskResult,
    Transcript,
)


def record(lines: Iterable[str], runner: RunnerSummary, *, interrupted: bool = False) -> Transcript:
    """Return the transcript of a run from the callback's lines, with its records to replay it."""
    end = {"k": "end", "interrupted": interrupted, **asdict(runner)}
    press = zlib.compressobj()
    packed: list[bytes] = []

    def pressed() -> Iterator[str]:
        for line in (*lines, json.dumps(end)):
            packed.append(press.compress(f"{line}\n".encode()))
            yield line

    transcript = read(pressed())
    return replace(transcript, records=b"".join([*packed, press.flush()]))


def replay(records: bytes) -> Transcript:
    """Return the transcript of a recorded run, read anew."""
    lines = zlib.decompress(records).decode().splitlines()
    return replace(read(lines), records=records)


def read(lines: Iterable[str]) -> Transcript:
    """Return the transcript of a run from its lines; a torn last line is left out."""
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
        runner=reader.runner,
        included=frozenset(reader.included),
        in_flight=tuple(reader.in_flight.values()),
        posture=tuple(reader.posture.values()),
        no_hosts=reader.no_hosts,
        prompt=reader.prompt,
        interrupted=reader.interrupted,
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
        self.posture: dict[str, HostFacts] = {}
        self.in_flight: dict[tuple[str, str], tuple[str, Task]] = {}
        self.stats: dict[str, dict[str, int]] | None = None
        self.no_hosts = False
        self.prompt = ""
        self.runner = RunnerSummary()
        self.interrupted = False

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

    def on_start(self, record: dict[str, Any]) -> None:
        task = self.tasks.get(record["uuid"])
        if task is not None:
            self.in_flight[record["host"], task.uuid] = (record["host"], task)

    def on_result(self, record: dict[str, Any]) -> None:
        task = self.tasks.get(record["uuid"])
        if task is None:
            return
        if "item" not in record:
            self.in_flight.pop((record["host"], task.uuid), None)
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
        self.in_flight.pop((record["host"], record["uuid"]), None)

    def on_posture(self, record: dict[str, Any]) -> None:
        host, ports = record["host"], record.get("ports")
        declared = None if ports is None else tuple(str(port) for port in ports)
        self.posture[host] = HostFacts(host, record["facts"], record.get("owner", ""), declared)

    def on_stats(self, record: dict[str, Any]) -> None:
        self.stats = record["hosts"]

    def on_no_hosts(self, _record: dict[str, Any]) -> None:
        self.no_hosts = True

    def on_prompt(self, record: dict[str, Any]) -> None:
        self.prompt = record["name"]

    def on_end(self, record: dict[str, Any]) -> None:
        self.interrupted = record.pop("interrupted")
        self.runner = RunnerSummary(**{name: record[name] for name in record if name != "k"})


def _task(fields: dict[str, Any]) -> Task:
    several = {name: tuple(fields.get(name, ())) for name in ("tags", "notify", "listen")}
    return Task(**{**fields, **several})
