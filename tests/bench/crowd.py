"""How much memory it takes to read and judge a check of many simulated hosts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

_PROGRAM = """
import resource, sys, time
from tests.fleet.crowd import judged
start = time.perf_counter()
judged(int(sys.argv[1]), int(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, time.perf_counter() - start)
"""


def lines() -> Iterator[str]:
    """Measure growing numbers of hosts and tasks, each in a process of its own."""
    yield "a check's records read and judged, simulated: peak memory of the process"
    for hosts, tasks in ((100, 15), (1_000, 15), (1_000, 150), (10_000, 15), (10_000, 54)):
        words = [sys.executable, "-c", _PROGRAM, str(hosts), str(tasks)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        memory, seconds = done.stdout.split()
        results = f"{hosts:>7,} hosts x {tasks:>3} tasks"
        yield f"  {results}: {memory:>5} MB, {float(seconds):.1f} s (n=1)"


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
