"""Fleet checks over ssh beside a tuned ansible-playbook: in full, and when nothing has moved."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.fleet.repository import Repository
from tests.rig import hosts
from tests.rig.hosts import Fleet

HOSTS = int(os.environ.get("OPSKIT_BENCH_HOSTS", "10"))
ROUNDS = int(os.environ.get("OPSKIT_BENCH_ROUNDS", "3"))
_FILE = """    - name: File {0}
      ansible.builtin.copy:
        {{dest: /etc/opskit-bench-{0}, content: "{{{{ inventory_hostname }}}}\\n", mode: "0644"}}
"""
_REST = """    - name: The group is there
      ansible.builtin.group: {name: bench, gid: 5000}
    - name: The user is there
      ansible.builtin.user: {name: bench, group: bench, shell: /bin/sh, home: /var/bench}
    - name: The directory is closed
      ansible.builtin.file: {path: /etc/opskit-bench.d, state: directory, mode: "0700"}
    - name: The line is there
      ansible.builtin.lineinfile: {path: /etc/opskit-bench-0.conf, line: kept, create: true}
    - name: The block is there
      ansible.builtin.blockinfile: {path: /etc/opskit-bench-1.conf, block: kept, create: true}
"""
STANDARD = (
    "- hosts: all\n  gather_facts: false\n  tasks:\n"
    + "".join(_FILE.format(number) for number in range(10))
    + _REST
)


def lines() -> Iterator[str]:
    """Measure on real sshd hosts; each line as soon as it is known."""
    reason = hosts.available()
    if reason is not None:
        yield f"fleet over ssh: not measured, {reason}"
        return
    names = tuple(f"h{number}" for number in range(HOSTS))
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as name:
        root = Path(name)
        (root / "fleet").mkdir()
        with Fleet(names, root / "fleet") as fleet:
            yield from _measured(fleet, root / "repository")


def _measured(fleet: Fleet, directory: Path) -> Iterator[str]:
    place = Repository.laid_out(directory, fleet.inventory.read_text(), STANDARD)
    playbook = [str(Path(sys.executable).with_name("ansible-playbook"))]
    playbook += ["-i", "inventory/hosts.ini", "playbooks/standard.yml"]
    look = [*playbook, "--check", "--diff"]
    tuned = [*look, "--forks", "50"]
    piped = {**place.environment, "ANSIBLE_PIPELINING": "True"}
    moved = list(fleet)[: max(1, HOSTS // 20)]

    def run(argv: list[str], environment: Mapping[str, str] = piped, code: int = 0) -> float:
        for host in fleet:
            host.login.hang_up()
        return _timed(argv, place.root, environment, code)

    def own(*words: str, code: int = 0) -> float:
        return run(place.command("fleet", "check", "--forks", "50", *words), code=code)

    def bent() -> float:
        """Return the seconds of a check that finds one file changed on a twentieth of the hosts."""
        for host in moved:
            host.write("/etc/opskit-bench-3", "by hand\n")
        seconds = own(code=1)
        for host in moved:
            host.write("/etc/opskit-bench-3", f"{host.name}\n")
        run(place.command("fleet", "check", "--forks", "50"))
        return seconds

    run([*playbook, "--forks", "50"])
    own("--full"), own("--full")  # the first learns, the second seals
    other = ("--full", "--strategy", "mitogen")
    rounds = [(own("--full"), run(tuned), own(*other), own(), bent()) for _ in range(ROUNDS)]
    full, peer, verified, same, changed = (tuple(column) for column in zip(*rounds, strict=True))
    plain = run(look, place.environment)
    yield f"{HOSTS} hosts over ssh, 15 tasks; medians in s (n={ROUNDS})"
    yield f"  ansible-playbook --check --diff, its defaults    {plain:>7.1f}  (n=1)"
    yield f"  the same, 50 forks, pipelining                   {median(peer):>7.1f}"
    yield _row("fleet check --full", full, peer, "aim <= 1.05")
    yield _row("fleet check --full --strategy mitogen", verified, peer, "verification included")
    yield _row("fleet check, nothing moved", same, peer, "aim <= 0.033 at 50 hosts")
    yield _row(f"fleet check, moved on {len(moved)}", changed, peer, "")


def _row(name: str, own: Sequence[float], peer: Sequence[float], aim: str) -> str:
    ratio = median(a / b for a, b in zip(own, peer, strict=True))
    return f"  {name:<47}{median(own):>9.2f}  {ratio:.3f} of tuned, {1 / ratio:.1f} x faster  {aim}"


def _timed(argv: list[str], directory: Path, environment: Mapping[str, str], code: int) -> float:
    start = time.perf_counter()
    done = subprocess.run(argv, cwd=directory, env=environment, capture_output=True, check=False)
    assert done.returncode == code, done.stdout[-2000:]
    return time.perf_counter() - start


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
