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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.access.hosts.model import Account, File, Group, HostState, Line
from opskit.access.rules.sudo import lint
from opskit.core.clock import Instant

HOSTS = 10_000
SHARED = 50
SIZE = 1_600
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


def hosts(contents: Iterable[str]) -> list[HostState]:
    """Return a host for each content."""
    return [
        HostState(
            f"host{at}", {"/etc/sudoers": File("/etc/sudoers", text, mode=0o440, uid=0, gid=0)},
            ACCOUNTS, GROUPS, sudo_version="1.9.13p3",
        )
        for at, text in enumerate(contents)
    ]  # fmt: skip


def linted(states: Sequence[HostState]) -> Callable[[], None]:
    """Return the work of judging hosts."""

    def work() -> None:
        found = sum(len(lint(one, NOW)[0]) for one in states)
        assert found >= len(states)

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
        paths = []
        for number in range(count):
            paths.append(Path(name, f"sudoers{number}"))
            paths[-1].write_text(content(number))
        peer = spent(converted(paths))
    rounds = {
        "distinct": hosts(content(number) for number in range(count)),
        f"sharing {SHARED}": hosts(content(count + number % SHARED) for number in range(count)),
    }
    print(f"{'hosts':<22}{'own CPU s':>10}{'peer CPU s':>11}{'ratio':>8}{'wall s':>8}")
    for title, states in rounds.items():
        own = spent(linted(states))
        print(
            f"{count:,} {title:<15}{own.cpu:>10.2f}{peer.cpu:>11.2f}"
            f"{own.cpu / peer.cpu:>8.2f}{own.wall:>8.1f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS)
