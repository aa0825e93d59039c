"""`make bench`: how fast opskit is beside a peer, measured in one run, printed as a table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

from opskit.core.clock import SystemClock
from opskit.outside.ansible.door import default_forks
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger, verify
from tests.bench import crowd, exposition, fleet, reconcile, report, rules

HOSTS = 10
CONTENT = Path(__file__).resolve().parents[2] / "playbooks"
PYTHON = sys.executable


@dataclass(frozen=True)
class Ratio:
    """How long two commands took, run in turn."""

    name: str
    own: Sequence[float]
    peer: Sequence[float]
    aim: str

    def line(self) -> str:
        """Return the row: medians in ms and the median of the pairwise ratios."""
        ratio = median(a / b for a, b in zip(self.own, self.peer, strict=True))
        own, peer = median(self.own) * 1000, median(self.peer) * 1000
        return (
            f"{self.name:<58}{own:>9.0f}{peer:>9.0f}{ratio:>8.2f}  {self.aim} (n={len(self.own)})"
        )


def timed(argv: Sequence[str], directory: Path, environment: dict[str, str]) -> float:
    """Return the wall seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(argv, cwd=directory, env=environment, capture_output=True, check=False)
    return time.perf_counter() - start


def paired(
    name: str, own: Callable[[], float], peer: Callable[[], float], n: int, aim: str
) -> Ratio:
    """Run both in turn after one warm-up each."""
    own(), peer()
    pairs = [(own(), peer()) for _ in range(n)]
    return Ratio(name, [a for a, _ in pairs], [b for _, b in pairs], aim)


def repository(root: Path) -> Path:
    """Lay out ten local hosts, converged to the demo standard, and a catalogue."""
    for name in ("inventory", "playbooks"):
        (root / name).mkdir(parents=True)
    shutil.copyfile(CONTENT / "demo.yml", root / "playbooks" / "demo.yml")
    hosts = "".join(f"h{i} opskit_root={root}/hosts/h{i}\n" for i in range(HOSTS))
    local = "ansible_connection=local\nansible_python_interpreter={{ ansible_playbook_python }}\n"
    (root / "inventory" / "hosts.ini").write_text(f"{hosts}\n[all:vars]\n{local}")
    for i in range(HOSTS):
        (root / "hosts" / f"h{i}").mkdir(parents=True)
    (root / "opskit.yaml").write_text(
        "standard: playbooks/demo.yml\ninventory: [inventory/hosts.ini]\n"
    )
    (root / "services.yaml").write_text(
        "services:\n  shop:\n    owner: web\n    probes:\n"
        "      - {kind: tcp, address: '127.0.0.1:9'}\n"
    )
    return root


def commands(root: Path, environment: dict[str, str]) -> Iterator[Ratio]:
    """Measure start-up and fleet checks; each row as soon as it is known."""
    program = str(Path(PYTHON).with_name("opskit"))
    playbook = str(Path(PYTHON).with_name("ansible-playbook"))
    bare = [playbook, "-i", "inventory/hosts.ini", "--check", "--diff", "playbooks/demo.yml"]
    tuned = [*bare, "--forks", str(default_forks())]
    piped = {**environment, "ANSIBLE_PIPELINING": "True"}

    def run(*argv: str, env: dict[str, str] = environment) -> Callable[[], float]:
        return lambda: timed(argv, root, env)

    click = run(PYTHON, "-c", "import click")
    help_, status = run(program, "--help"), run(program, "monitor", "status")
    yield paired("opskit --help / python -c 'import click'", help_, click, 20, "aim <= 2.5")
    yield paired("opskit monitor status / the same", status, click, 20, "")
    run(program, "fleet", "apply", "--yes")()
    full, hosts = run(program, "fleet", "check", "--full"), f"{HOSTS} hosts"
    yield paired(f"fleet check --full, {hosts} / ansible-playbook --check", full, run(*bare), 3,
                 "aim <= 1.15")  # fmt: skip
    same = run(*tuned, env=piped)
    yield paired("the same / with pipelining and the same forks", full, same, 3, "")
    check = run(program, "fleet", "check")
    yield paired("fleet check, nothing moved / the same", check, same, 3, "")


def ledger(directory: Path) -> list[str]:
    """Measure appends, each in a transaction on the disk, and verification."""
    database = Database.open(sqlite_url(directory / "ledger.db"))
    own = Ledger(SystemClock(), "person:bench")
    count = 1_000
    start = time.perf_counter()
    for number in range(count):
        with database.write() as connection:
            own.append(connection, "run.finished", f"run-{number}", {"hosts": number})
    single = count / (time.perf_counter() - start)
    with database.write() as connection:
        for number in range(99_000):
            own.append(connection, "run.finished", f"run-{number}", {"hosts": number})
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        rates.append(verify(database).checked / (time.perf_counter() - start))
    database.close()
    return [
        f"ledger appends, one transaction each: {single:,.0f} a second (n={count})",
        f"ledger verified: {median(rates):,.0f} entries a second, aim >= 100,000 (n=5)",
    ]


def main() -> None:
    """Print every figure."""
    environment = {**os.environ, "COLUMNS": "100"}
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as name:
        root = repository(Path(name) / "ops")
        print(f"{'':<58}{'opskit':>9}{'peer':>9}{'ratio':>8}  medians, ms")
        for ratio in commands(root, environment):
            print(ratio.line(), flush=True)
        for line in ledger(Path(name)):
            print(line, flush=True)
    parts = (
        exposition.lines(), crowd.lines(), fleet.lines(), reconcile.lines(HOSTS), report.lines(),
        rules.lines(),
    )  # fmt: skip
    for line in chain(*parts):
        print(line, flush=True)


if __name__ == "__main__":
    main()
