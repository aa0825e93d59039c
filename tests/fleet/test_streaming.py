"""A run of many hosts and tasks is evaluated as it passes: what is as wanted is not kept."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, RunnerSummary
from opskit.fleet.dependence import Dependence
from opskit.fleet.fingerprint import Standard, looks_of
from opskit.fleet.model import HostResult
from opskit.fleet.rules import evaluate
from opskit.outside.ansible.transcript import lines_of, record

ROOT = Path("/ops")
HOSTS = 200


def lines(tasks: int) -> Iterator[str]:
    """Yield a check of HOSTS hosts that finds all as wanted, as the callback writes it."""
    names = [f"h{number}" for number in range(HOSTS)]
    planned = [
        {"uuid": f"u{n}", "name": f"Task {n}", "path": f"/ops/site.yml:{n}", "action": "copy",
         "tags": ["t"], "handler": False, "run_once": False, "notify": []}
        for n in range(tasks)
    ]  # fmt: skip
    yield json.dumps({"k": "play", "hosts": names, "tasks": planned})
    for name in names:
        yield json.dumps({"k": "connection", "host": name, "way": 0, "plugin": "local",
                          "python": "/usr/bin/python3"})  # fmt: skip
    for task in planned:
        yield json.dumps({"k": "task", **task})
        for name in names:
            yield json.dumps({"k": "start", "host": name, "uuid": task["uuid"]})
            looked = {"outcome": "ok", "took": 5, "way": 0, "look": [["file", task["path"]]]}
            yield json.dumps({"k": "result", "host": name, "uuid": task["uuid"], **looked})
    yield json.dumps({"k": "stats", "hosts": {name: {"ok": tasks} for name in names}})


def evaluated(tasks: int) -> tuple[int, tuple[HostResult, ...]]:
    """Return the peak of memory in bytes of reading and judging such a check, and its results."""
    summary = RunnerSummary(counts={f"h{number}": {"ok": tasks} for number in range(HOSTS)})
    standard = Standard(Dependence(), "", "/ops", "/ops")
    tracemalloc.start()
    try:
        transcript = record(lines(tasks), summary)
        assert not transcript.disagreement
        hosts = evaluate(transcript, Mode.CHECK, ROOT)
        looks = looks_of(lines_of(transcript.records), hosts, standard)
        assert len(looks["h0"].resources) == tasks
        return tracemalloc.get_traced_memory()[1], hosts
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("few", "many"), [(20, 200)])
def test_ten_times_the_results_take_little_more_memory(few: int, many: int) -> None:
    small, _ = evaluated(few)
    large, hosts = evaluated(many)
    assert {one.verdict for one in hosts} == {Verdict.COMPLIANT}
    assert large - small < HOSTS * (many - few) * 60, "bytes of each result that are kept"


def test_hosts_that_were_looked_at_alike_share_what_was_seen() -> None:
    _, hosts = evaluated(3)
    assert len({id(one.observed) for one in hosts}) == 1
    assert {path for path, _ in hosts[0].observed} == {"site.yml"}
