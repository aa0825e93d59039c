"""The records of a check of many hosts that finds all as wanted: what Ansible would have told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from opskit.core.transcript import Mode, RunnerSummary
from opskit.fleet.dependence import Dependence
from opskit.fleet.fingerprint import Standard, looks_of
from opskit.fleet.model import HostResult
from opskit.fleet.rules import evaluate
from opskit.outside.ansible.transcript import lines_of, record

ROOT = Path("/ops")


def lines(hosts: int, tasks: int) -> Iterator[str]:
    """Yield the lines as the callback writes them."""
    names = [f"h{number}" for number in range(hosts)]
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


def judged(hosts: int, tasks: int) -> tuple[HostResult, ...]:
    """Return each host's result, read, judged, and looked at for its fingerprint."""
    counts = {f"h{number}": {"ok": tasks} for number in range(hosts)}
    transcript = record(lines(hosts, tasks), RunnerSummary(counts=counts))
    assert not transcript.disagreement
    found = evaluate(transcript, Mode.CHECK, ROOT)
    standard = Standard(Dependence(), "", str(ROOT), str(ROOT))
    looks = looks_of(lines_of(transcript.records), found, standard)
    assert len(looks["h0"].resources) == tasks
    return found
