"""`access reconcile` of real sshd hosts beside one `ansible -m ping` of them, run in turn.

    python -m tests.bench.reconcile [HOSTS [ROUNDS]]

Each host has an account with a key and a sudo rule by a grant, so that there is something to hold
against what is there. The peer only shows that the hosts answer, with the same number of forks and
with pipelining, and neither finds a connection that somebody left open. Last come the parts of it:
what Ansible takes to start and end with no host to ask, and what a fix of a stray rule on every
host takes: a look, one run that removes, a second look.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from opskit.outside.ansible.door import default_forks
from tests.access.targets.deputy import Key
from tests.fleet.repository import Repository
from tests.rig import hosts
from tests.rig.hosts import Fleet

HOSTS, ROUNDS = 50, 3
_STRAY = "carol ALL=(root) NOPASSWD: /usr/bin/id\n"
_ROLE = {
    "purpose": "Looks around as root.", "owners": ["platform"], "targets": ["hosts"],
    "linux": {"sudo": [{"commands": ["/usr/bin/id -u"]}]},
}  # fmt: skip


def lines(count: int = HOSTS, rounds: int = ROUNDS) -> Iterator[str]:
    """Measure; each line as soon as it is known."""
    reason = hosts.available()
    if reason is not None:
        yield f"reconcile: not measured, {reason}"
        return
    names = tuple(f"h{number}" for number in range(count))
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as name:
        root = Path(name)
        (root / "fleet").mkdir()
        with Fleet(names, root / "fleet") as fleet:
            yield from _measured(fleet, root, rounds)


def _measured(fleet: Fleet, root: Path, rounds: int) -> Iterator[str]:
    place = _office(fleet, root)
    forks = str(default_forks())
    program = str(Path(sys.executable).with_name("ansible"))
    ping = [program, "-i", "inventory/hosts.ini", "--forks", forks]

    def timed(argv: Sequence[str], code: int = 0, pipelining: str = "True") -> float:
        for host in fleet:
            host.login.hang_up()
        start = time.perf_counter()
        done = subprocess.run(
            argv,
            cwd=place.root,
            env={**place.environment, "ANSIBLE_PIPELINING": pipelining},
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, (done.stdout + done.stderr)[-2000:]
        return time.perf_counter() - start

    def own(*words: str, code: int = 0) -> float:
        return timed(place.command("access", "reconcile", *words), code)

    def peer(pipelining: str = "True") -> float:
        return timed([*ping, "all", "-m", "ping"], pipelining=pipelining)

    own(), peer()
    pairs = [(own(), peer()) for _ in range(rounds)]
    ratio = median(a / b for a, b in pairs)
    count = len(list(fleet))
    yield f"{count} hosts over ssh, {forks} forks; medians in s (n={rounds})"
    yield _row("ansible -m ping, pipelining", [b for _, b in pairs])
    yield _row("access reconcile", [a for a, _ in pairs], f"{ratio:.2f} of it, aim <= 2")
    plain = [peer("False") for _ in range(rounds)]
    yield _row("ansible -m ping, its defaults", plain)
    alone = [timed([*ping, "localhost", "-m", "meta", "-a", "noop"]) for _ in range(rounds)]
    yield _row("ansible, with no host to ask", alone)
    for host in fleet:
        host.run(("useradd", "-M", "carol"))
        host.write("/etc/sudoers.d/stray", _STRAY)
        host.run(("chmod", "440", "/etc/sudoers.d/stray"))
    yield _row("access reconcile --fix of a rule on every host", [own("--fix", "--yes")], "(n=1)")


def _row(name: str, seconds: Sequence[float], told: str = "") -> str:
    return f"  {name:<47}{median(seconds):>7.2f}  {told}".rstrip()


def _office(fleet: Fleet, root: Path) -> Repository:
    """Lay out a repository in which alice has a grant on every host."""
    place = Repository.laid_out(root / "repository", fleet.inventory.read_text())
    control = fleet.key.with_name(fleet.key.name + ".pub").read_text().strip()
    alice = Key.made(root / "alice").public
    # JSON is YAML as well.
    files = {
        "people": {
            "people": {
                "alice": {"name": "Alice", "team": "web", "keys": [{"key": alice}]},
                "bob": {"name": "Bob", "team": "platform"},
            },
            "teams": {"web": {"purpose": "Web."}, "platform": {"purpose": "Platform."}},
            "service_accounts": {
                "opskit": {"purpose": "Logs in.", "owner": "bob", "keys": [{"key": control}]}
            },
        },
        "roles": {"roles": {"looker": _ROLE}},
        "targets": {"targets": {"hosts": {"kind": "linux", "hosts": "all"}}},
        "policy": {
            "approvals": {"default": {"all_of": [{"among": ["owners"]}], "signed": False}},
            "rules": [{"name": "web", "who": ["web"]}],
        },
    }  # fmt: skip
    for name, data in files.items():
        place.write(f"access/{name}.yaml", json.dumps(data))
    words = ("access", "request", "looker", "--for", "8h", "--reason", "OPS-412")
    for who, command in (("alice", words), ("bob", ("access", "approve", "r1", "--yes"))):
        done = place.opskit(*command, SUDO_USER=who)
        assert done.code == 0, done.err
    return place


if __name__ == "__main__":
    given = dict(enumerate(map(int, sys.argv[1:])))
    for line in lines(given.get(0, HOSTS), given.get(1, ROUNDS)):
        print(line, flush=True)
