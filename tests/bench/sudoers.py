"""How much CPU a lint of many hosts' sudoers takes, beside one cvtsudoers process for each file.

`python -m tests.bench.sudoers [HOSTS]`. The files are distinct, 1.6 kB each; a second round has
as many hosts that share 50 contents. Judged is everything: parsed, resolved, all rules.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.access.hosts.model import Account, File, Group, HostState, Line
from opskit.access.lint import no_search_for_cycles
from opskit.access.rules.sudo import lint
from opskit.core.clock import Instant

HOSTS = 10_000
SHARED = 50
SIZE = 1_600
PARTS = 20
NOW = Instant(1_795_000_000_000_000)
NOWHERE = Line("", 0, "")
NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
ACCOUNTS = tuple(
    Account(name, 1001 + at, 1001 + at, "", f"/home/{name}", "/bin/bash", NOWHERE)
    for at, name in enumerate(NAMES)
)
GROUPS = (Group("ops", 30, ("alice", "bob"), NOWHERE), Group("web", 20, ("carol",), NOWHERE))
COMMANDS = (
    "/usr/bin/systemctl restart nginx", "/usr/bin/systemctl status app{n}",
    "/usr/bin/journalctl -u app{n}", "/usr/bin/cat /var/log/app{n}.log",
    "/usr/bin/tail -f /var/log/app{n}/*", "/opt/app{n}/bin/deploy --now", "/bin/kill",
    "/usr/bin/apt-get update", "/usr/bin/tee /etc/app{n}.conf", "/usr/bin/rsync -a /srv/{n} /mnt",
)  # fmt: skip
HEAD = """# Managed on host {n}
Defaults env_reset, use_pty
Defaults mail_badpass
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Defaults:%ops timestamp_timeout=10

User_Alias ADMINS = alice, bob
Cmnd_Alias SERVICES = /usr/bin/systemctl restart app{n}, \\
    /usr/bin/systemctl reload app{n}

root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
ADMINS ALL=(root) SERVICES
"""


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU, of this process and its children, and of wall time."""

    cpu: float
    wall: float


def spent(work: Callable[[], None]) -> Spent:
    """Return what it cost."""
    before, start = os.times(), time.perf_counter()
    work()
    after = os.times()
    return Spent(sum(after[:4]) - sum(before[:4]), time.perf_counter() - start)


def content(number: int) -> str:
    """Return a sudoers file like those of real hosts, none like another."""
    rng = random.Random(number)
    text = HEAD.format(n=number)
    while len(text) < SIZE:
        who = rng.choice((*NAMES, "%ops", "%web"))
        tag = rng.choice(("", "", "NOPASSWD: "))
        commands = ", ".join(one.format(n=number) for one in rng.sample(COMMANDS, 2))
        text += f"{who} ALL=(root) {tag}{commands}\n"
    return text


def host(at: int, path: Path) -> HostState:
    """Return a host whose sudoers is a file."""
    file = File("/etc/sudoers", path.read_text(), mode=0o440, uid=0, gid=0)
    return HostState(f"host{at}", {file.path: file}, ACCOUNTS, GROUPS, sudo_version="1.9.13p3")


def linted(paths: Sequence[Path]) -> Callable[[], None]:
    """Return the work of reading and judging a host for each file."""

    def work() -> None:
        with no_search_for_cycles():  # as a lint of many hosts does
            found = sum(len(lint(host(at, path), NOW)[0]) for at, path in enumerate(paths))
        assert found >= len(paths)

    return work


def converted(paths: Sequence[Path]) -> Callable[[], None]:
    """Return the work of one cvtsudoers process for each file."""

    def work() -> None:
        for path in paths:
            argv = ["cvtsudoers", "-f", "json", "-o", "/dev/null", str(path)]
            subprocess.run(argv, check=True, capture_output=True)

    return work


def main(count: int) -> None:
    """Measure and print both rounds."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name, f"sudoers{number}") for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(content(number))
        rounds = {"distinct": paths, f"sharing {SHARED}": paths[:SHARED] * (count // SHARED)}
        print(f"{'hosts':<22}{'own CPU s':>10}{'peer CPU s':>11}{'ratio':>8}{'wall s':>8}")
        for title, files in rounds.items():
            own, peer = in_turn(files)
            ratio = own.cpu / peer.cpu
            print(
                f"{count:,} {title:<15}{own.cpu:>10.2f}{peer.cpu:>11.2f}{ratio:>8.3f}"
                f"{own.wall:>8.1f}"
            )


def in_turn(files: Sequence[Path]) -> tuple[Spent, Spent]:
    """Return what both cost, a part of the files each in turn: a busy machine is busy for both."""
    sums = {linted: Spent(0, 0), converted: Spent(0, 0)}
    size = max(1, len(files) // PARTS)
    for start in range(0, len(files), size):
        for work, so_far in sums.items():
            part = spent(work(files[start : start + size]))
            sums[work] = Spent(so_far.cpu + part.cpu, so_far.wall + part.wall)
    return sums[linted], sums[converted]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS)
