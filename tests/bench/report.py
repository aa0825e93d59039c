"""A month's report of a large shop: how long, how much memory, how large.

    python -m tests.bench.report [DIRECTORY]

1,000 services, 90,000 grants, 10,000 runs and 1,000,000 ledger entries over thirteen months (see
`tests.bench.office`); kept in DIRECTORY, if one is named, for the next time. Whole processes are
timed. The peer is what nobody could do without: the sqlite3 of Python reads the ledger and the rows
of the month, and json writes the month.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from opskit.report.statistics.draws import Triangular
from opskit.report.statistics.ranges import Line, Term, sample
from tests.bench.office import MONTHS, REPORTED, lay_out

_PEER = """
import json, sqlite3, sys
path, start, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with sqlite3.connect(path) as connection:
    for _ in connection.execute("SELECT * FROM ledger ORDER BY seq"):
        pass
    rows = {
        table: connection.execute(f"SELECT * FROM {table} WHERE {at} >= ? AND {at} < ?",
                                  (start, end)).fetchall()
        for table, at in (("access_requests", "created_at"), ("access_grants", "approved_at"),
                          ("fleet_runs", "started_at"), ("fleet_episodes", "detected_at"),
                          ("monitor_spells", "began_at"), ("ledger", "at"))
    }
json.dump(rows, sys.stdout)
"""
_INPUTS, _ROUNDS = 30, 10_000


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds on the clock and of processor, and memory at its peak."""

    seconds: float
    worked: float
    megabytes: float

    def __str__(self) -> str:
        """Return it in one line."""
        return (
            f"{self.seconds:.1f} s, of which {self.worked:.1f} s of processor, "
            f"{self.megabytes:.0f} MB"
        )


def cost(argv: list[str], directory: Path) -> Cost:
    """Run a process to its end; how it ends is no matter here."""
    start = time.perf_counter()
    with subprocess.Popen(
        argv, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    worked = used.ru_utime + used.ru_stime
    return Cost(time.perf_counter() - start, worked, used.ru_maxrss / 1024)


def lines(directory: Path | None = None) -> Iterator[str]:
    """Measure; each line as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as name:
        root = directory or Path(name) / "office"
        if not (root / "opskit.db").exists():
            _planted(root)
        yield from _measured(root)
    yield _draws()


def _planted(root: Path) -> None:
    """Lay the office out in a process of its own: what is begun later starts with our memory."""
    process = get_context("spawn").Process(target=lay_out, args=(root,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _measured(root: Path) -> Iterator[str]:
    program = str(Path(sys.executable).with_name("opskit"))
    month = [str(MONTHS[-1].start), str(MONTHS[-1].end)]
    peer = cost([sys.executable, "-c", _PEER, str(root / "opskit.db"), *month], root)
    yield f"report, the peer reads the same rows: {peer}"
    for form in ("json", "html", "pdf"):
        file = root / f"report.{form}"
        build = [program, "report", "build", "--month", REPORTED, "-o", form]
        own = cost([*build, "--output-file", str(file)], root)
        size = file.stat().st_size / 1e6 if file.exists() else 0
        aim = "aim < 5 s, < 500 MB" if form != "pdf" else "aim < 2 s more"
        ratio = own.worked / peer.worked
        yield f"report build -o {form}: {own}, file {size:.1f} MB, {ratio:.1f} x peer; {aim}"
    for form in ("json", "html"):
        own = cost([program, "report", "verify", str(root / f"report.{form}")], root)
        yield f"report verify report.{form}: {own}; aim < 10 s"


def _draws() -> str:
    inputs = {f"i{n}": Triangular(n, n + 2, n + 9) for n in range(_INPUTS)}
    line = Line(tuple(Term(1.0, (name,)) for name in inputs))
    took = []
    for _ in range(5):
        start = time.process_time()
        sample([line], inputs, _ROUNDS)
        took.append(time.process_time() - start)
    return f"{_ROUNDS:,} draws of {_INPUTS} inputs: {sorted(took)[2]:.2f} s; aim < 0.3 s (n=5)"


if __name__ == "__main__":
    for told in lines(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(told, flush=True)
