"""What a pass over alert rules costs, beside a real Prometheus with the same rules and series.

`python -m tests.bench.rules`: 200 rules over 10,000 series, of which each touches as many as said.
"""

from __future__ import annotations

import json
import re
import resource
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from opskit.alerts.evaluating import Running, rules_of
from opskit.alerts.model import Group
from opskit.alerts.promql.series import NAME, Labels, Memory, Series
from opskit.alerts.reach import reach_through
from opskit.core.errors import OpskitError
from tests.rig.prometheus import Prometheus, available

RULES, SERIES, STEP = 200, 10_000, 30_000
BACK, AHEAD = 20, 8
PASSES = 5
# One rule of each kind in turn: what is compared, a rate, a ratio, a sum by service, a window.
KINDS = (
    "{m} > 0.5",
    "rate({m}[5m]) > 2",
    "{m} / on (host) group_left () {one} > 3",
    "sum by (service) ({m}) > 1e9",
    "max_over_time({m}[5m]) > 9e9",
)


def labels(touched: int) -> Iterator[Labels]:
    """Yield 10,000 series; as many of each metric as a rule touches."""
    for number in range(SERIES):
        metric, place = divmod(number, touched)
        pairs = {"host": f"h{place}", "service": f"s{place % 20}", "team": "web", "zone": "a"}
        yield Labels.of({NAME: f"m{metric}", **pairs})


def value(number: int, step: int) -> float:
    """Return a value that moves; of each hundred series one is over its threshold."""
    return 1.0 + step if number % 100 == 0 else 0.25 + (number + step) % 2 / 8


def group(touched: int) -> Group:
    """Return the rules."""
    metrics = SERIES // touched
    rules = [
        {
            "alert": f"Rule{number}",
            "expr": KINDS[number % len(KINDS)].format(
                m=f"m{number % metrics}", one=f"m{(number + 1) % metrics}"
            ),
            "for": "5m",
            "labels": {"severity": "page"},
            "annotations": {"summary": "{{ $labels.host }} is at {{ $value }}"},
        }
        for number in range(RULES)
    ]
    return Group.model_validate({"name": "bench", "interval": "5s", "rules": rules})


def own(touched: int) -> tuple[float, int]:
    """Return the CPU seconds of a pass, samples taken in, and how many alerts there are."""
    storage, series = Memory(), list(labels(touched))
    for number, one in enumerate(series):
        points = ((step * STEP, value(number, step)) for step in range(BACK))
        storage.add(Series.made(one, points))
    rules = rules_of(group(touched))
    running, costs = Running(rules, storage), []
    reach = reach_through(rules, running.settings)
    for step in range(BACK, BACK + PASSES + 1):
        start = time.process_time()
        for number, one in enumerate(series):
            storage.append(one, step * STEP, value(number, step))
        running.turn(step * STEP)
        storage.forget(reach, step * STEP)
        costs.append(time.process_time() - start)
    return median(costs[1:]), sum(len(running.of(index)) for index in range(RULES))


def peer(touched: int, directory: Path) -> tuple[float, float, int]:
    """Return the CPU seconds of a pass of Prometheus, how long it took, and its alerts."""
    now = int(time.time()) * 1_000
    rules = group(touched).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (directory / "rules.json").write_text(json.dumps({"groups": [rules]}))
    config = "scrape_configs: []\nrule_files: [rules.json]\n"
    with Prometheus(directory, list(_lines(touched, now)), config) as server:
        before = _passes(server, 2)
        after = _passes(server, int(before[1]) + PASSES)
        cpu = (after[0] - before[0]) / (after[1] - before[1])
        return cpu, after[2], int(after[3])


def _lines(touched: int, now: int) -> Iterator[str]:
    seen = ""
    for number, one in enumerate(labels(touched)):
        pairs = dict(one.pairs)
        name = pairs.pop(NAME)
        if name != seen:
            seen = name
            yield f"# TYPE {name} unknown"
        text = ",".join(f'{key}="{text}"' for key, text in pairs.items())
        for step in range(BACK + AHEAD):
            at = (now + (step - BACK) * STEP) / 1_000
            yield f"{name}{{{text}}} {value(number, step)} {at:.3f}"


def _passes(server: Prometheus, count: int) -> tuple[float, float, float, float]:
    """Wait for so many passes; return CPU, passes, the length of the last, and alerts."""
    deadline = time.monotonic() + 120
    while True:
        with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
            page = answer.read().decode()
        done = _number(page, "prometheus_rule_group_iterations_total")
        if done >= count or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    length = _number(page, "prometheus_rule_group_last_duration_seconds")
    with urllib.request.urlopen(f"{server.url}/api/v1/alerts", timeout=20) as answer:
        alerts = len(json.load(answer)["data"]["alerts"])
    return _number(page, "process_cpu_seconds_total"), done, length, alerts


def _number(page: str, name: str) -> float:
    found = re.search(rf"^{name}(?:{{[^\n]*}})? (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def lines() -> Iterator[str]:
    """Measure both, for rules that touch few series and many."""
    missing = available()
    for touched in (50, 300, 1_000):
        cpu, alerts = own(touched)
        line = (
            f"pass over {RULES} rules, {SERIES:,} series, {touched} touched by each, CPU:"
            f" opskit {cpu * 1_000:.0f} ms, aim < 1,000 (n={PASSES})"
        )
        if missing is None:
            with tempfile.TemporaryDirectory(prefix="opskit-bench-") as name:
                theirs, length, theirs_alerts = peer(touched, Path(name))
            same = "" if alerts == theirs_alerts else f", {theirs_alerts} alerts, opskit {alerts}"
            line += (
                f", Prometheus {theirs * 1_000:.0f} ms ({length * 1_000:.0f} ms by its own clock),"
                f" ratio {cpu / theirs:.1f}{same}"
            )
        yield line
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    yield f"  {peak:.0f} MB of memory at most, aim < 300"


if __name__ == "__main__":
    try:
        for each in lines():
            print(each, flush=True)
    except OpskitError as error:
        print(error.message)
