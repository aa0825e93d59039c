"""Fleet checks over ssh beside a tuned ansible-playbook: in full, and when nothing has moved."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "--forks", "50"]
    playbook += ["-i", "inventory/hosts.ini", "playbooks/standard.yml"]

    def hang_up() -> None:
        for host in fleet:
            host.login.hang_up()

    def peer() -> float:
        return _timed(hang_up, [*playbook, "--check", "--diff"], place)

    def own(*words: str) -> float:
        return _timed(hang_up, place.command("fleet", "check", "--forks", "50", *words), place)

    _timed(hang_up, playbook, place)
    full = [own("--full"), own("--full")]
    rounds = [(own(), peer()) for _ in range(ROUNDS)]
    fast, slow = [one for one, _ in rounds], [other for _, other in rounds]
    told = f"{HOSTS} hosts over ssh, 15 tasks; medians, s"
    yield f"{told}: tuned ansible-playbook --check --diff {median(slow):.1f} (n={ROUNDS})"
    yield f"  fleet check --full {median(full):.1f}, ratio {median(full) / median(slow):.2f} (n=2)"
    ratio = median(other / one for one, other in rounds)
    yield f"  fleet check, nothing moved {median(fast):.2f}: {ratio:.0f} x faster (n={ROUNDS})"


def _timed(before: Callable[[], None], argv: list[str], place: Repository) -> float:
    before()
    environment = {**place.environment, "ANSIBLE_PIPELINING": "True"}
    start = time.perf_counter()
    done = subprocess.run(argv, cwd=place.root, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return time.perf_counter() - start


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
