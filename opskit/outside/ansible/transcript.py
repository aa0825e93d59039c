"""Read what the callback wrote during a run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
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

# How much of the records is unpacked at once.
_CHUNK = 16_384


def record(lines: Iterable[str], runner: RunnerSummary, *, interrupted: bool = False) -> Transcript:
    """Return the transcript of a run from the callback's lines, with its records to replay it."""
    end = {"k": "end", "interrupted": interrupted, **asdict(runner)}
    press = zlib.compressobj()
    packed = bytearray()

    def pressed() -> Iterator[str]:
        for line in chain(lines, [json.dumps(end)]):
            packed.extend(press.compress(f"{line}\n".encode()))
            yield line
        packed.extend(press.flush())

    transcript = _read(pressed())
    return _with(transcript, bytes(packed))


def replay(records: bytes) -> Transcript:
    """Return the transcript of a recorded run, read anew."""
    return _with(_read(lines_of(records)), records)


def _with(transcript: Transcript, records: bytes) -> Transcript:
    return replace(transcript, records=records, results=_Results(records))


def lines_of(records: bytes) -> Iterator[str]:
    """Yield the lines of a recorded run, a little at a time."""
    press, rest = zlib.decompressobj(), b""
    for start in range(0, len(records), _CHUNK):
        *whole, rest = (rest + press.decompress(records[start : start + _CHUNK])).split(b"\n")
        yield from (line.decode() for line in whole)


@dataclass(frozen=True, slots=True)
class _Results:
    """The results in the records of a run, read anew each time."""

    records: bytes

    def __iter__(self) -> Iterator[TaskResult]:
        reader = _Reader()
        for record in _records(lines_of(self.records)):
            if record["k"] == "task":
                reader.on_task(record)
            elif record["k"] == "result" and record["uuid"] in reader.tasks:
                yield _result(record, reader.tasks[record["uuid"]])


def _records(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield what the lines say; a torn one is left out."""
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "k" in record:
            yield record


def _read(lines: Iterable[str]) -> Transcript:
    """Return the transcript of a run from its lines, without its results."""
    reader = _Reader()
    for record in _records(lines):
        handle = getattr(reader, f"on_{record['k']}", None)
        if handle is not None:
            handle(record)
    return Transcript(
        expected=reader.expected,
        plays=tuple(reader.plays),
        results=(),
        stats=reader.stats,
        runner=reader.runner,
        included=frozenset(reader.included),
        in_flight=tuple(reader.in_flight.values()),
        posture=tuple(reader.posture.values()),
        told={host: tuple(told) for host, told in reader.told.items()},
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
        self.included: set[tuple[str, str]] = set()
        self.posture: dict[str, HostFacts] = {}
        self.told: dict[str, list[str]] = {}
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
        if "item" not in record:
            self.in_flight.pop((record["host"], record["uuid"]), None)

    def on_include(self, record: dict[str, Any]) -> None:
        self.included.add((record["host"], record["uuid"]))
        self.in_flight.pop((record["host"], record["uuid"]), None)

    def on_posture(self, record: dict[str, Any]) -> None:
        host, ports = record["host"], record.get("ports")
        declared = None if ports is None else tuple(str(port) for port in ports)
        self.posture[host] = HostFacts(host, record["facts"], record.get("owner", ""), declared)

    def on_told(self, record: dict[str, Any]) -> None:
        self.told.setdefault(record["host"], []).append(record["told"])

    def on_stats(self, record: dict[str, Any]) -> None:
        self.stats = record["hosts"]

    def on_no_hosts(self, _record: dict[str, Any]) -> None:
        self.no_hosts = True

    def on_prompt(self, record: dict[str, Any]) -> None:
        self.prompt = record["name"]

    def on_end(self, record: dict[str, Any]) -> None:
        self.interrupted = record.pop("interrupted")
        self.runner = RunnerSummary(**{name: record[name] for name in record if name != "k"})


def _result(record: Mapping[str, Any], task: Task) -> TaskResult:
    return TaskResult(
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


def _task(fields: dict[str, Any]) -> Task:
    several = {name: tuple(fields.get(name, ())) for name in ("tags", "notify", "listen")}
    return Task(**{**fields, **several})
