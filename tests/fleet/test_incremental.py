"""The incremental check on real hosts: never greener than a full check, and much less work."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.fleet import taking
from opskit.fleet.execute import hash_key
from opskit.fleet.fingerprint import Prints, Seal
from opskit.fleet.store import fingerprints, runs
from tests.conftest import CASES
from tests.fleet.repository import Checked, Repository
from tests.rig.hosts import Fleet, Host

NAMES = ("web1", "web2")
TEMPLATE = "kept by opskit for {{ inventory_hostname }}\n"
STANDARD = (CASES / "fleet" / "managed.yml").read_text()
SMALL = """---
- hosts: all
  become: false
  gather_facts: false
  tasks:
    - name: Files are as they should be
      ansible.builtin.copy: {dest: /etc/kept, content: "kept\\n", mode: "0644"}
    - name: Templates are as they should be
      ansible.builtin.template: {src: managed.j2, dest: /etc/kept.more, mode: "0644"}
    - name: Directories are there
      ansible.builtin.file: {path: /etc/kept.d, state: directory, mode: "0755"}
"""


@dataclass(frozen=True)
class Place:
    """A repository whose hosts are sealed, and what the checks until then said."""

    repository: Repository
    checks: tuple[Checked, ...]

    def seals(self) -> dict[str, Seal]:
        with closing(self.repository.database()) as database, database.read() as connection:
            newest = runs.newest_runs(connection, 1)[0]
            rows = connection.exec_driver_sql("SELECT DISTINCT basis FROM fleet_fingerprints")
            (basis,) = {row[0] for row in rows}
            return fingerprints.seals(connection, newest.standard, basis)

    def ran_ansible(self, checked: Checked) -> bool:
        with closing(self.repository.database()) as database, database.read() as connection:
            return runs.records_of(connection, checked.data["run"]) is not None

    def prints(self, seal: Seal) -> Prints | None:
        key = hash_key(self.repository.root / ".opskit")
        wanted = {seal.host: seal.looks}
        taken = taking.take(wanted, key, self.repository.root, self.repository.environment)
        return taken.get(seal.host)


@pytest.fixture(scope="module")
def sealed(own_fleet: Fleet, lay_out: Callable[..., Repository]) -> Place:
    place = lay_out(own_fleet.inventory.read_text(), SMALL)
    place.write("playbooks/managed.j2", TEMPLATE)
    converge(place)
    return Place(place, (place.check(), place.check(), place.check()))


@pytest.fixture(scope="module")
def wide(own_fleet: Fleet, lay_out: Callable[..., Repository]) -> Place:
    """Return a repository that manages much of its hosts, which are sealed."""
    place = lay_out(own_fleet.inventory.read_text(), STANDARD)
    place.write("playbooks/managed.j2", TEMPLATE)
    converge(place)
    for host in own_fleet:
        save(host)
    return Place(place, (place.check(), place.check()))


def converge(place: Repository) -> None:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    argv = [program, "-i", "inventory/hosts.ini", "playbooks/standard.yml"]
    environment = {**place.environment, "ANSIBLE_PIPELINING": "True"}
    done = subprocess.run(argv, cwd=place.root, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def proven(checked: Checked) -> dict[str, str]:
    return {host["host"]: host["proven"] for host in checked.data["hosts"]}


FINGERPRINT = dict.fromkeys(NAMES, "fingerprint")
NOBODY = dict.fromkeys(NAMES, "")


def test_hosts_are_proven_from_the_third_check_on(sealed: Place) -> None:
    assert [one.code for one in sealed.checks] == [0, 0, 0]
    assert [proven(one) for one in sealed.checks] == [NOBODY, NOBODY, FINGERPRINT]
    assert [sealed.ran_ansible(one) for one in sealed.checks] == [True, True, False]


def test_a_proven_host_says_as_much_as_a_checked_one(sealed: Place) -> None:
    _, second, third = sealed.checks
    for name in NAMES:
        full, fast = second.host(name), third.host(name)
        assert fast["tasks_observed"] == full["tasks_observed"] == fast["tasks_proven"]
        assert fast["not_evaluated"] == full["not_evaluated"]
        assert fast["fully_checked_at"] == second.data["finished_at"]
    (entry,) = sealed.repository.entries("run.finished")[-1:]
    assert '"proven":2' in entry.data.replace(" ", "")


def test_full_checks_everything(sealed: Place) -> None:
    checked = sealed.repository.check("--full", "-l", "web1")
    assert checked.code == 0
    assert {host["proven"] for host in checked.data["hosts"]} == {""}


# Every way to bend a thing: %s is the path or the name. Ansible itself waits forever for a FIFO
# in the place of a file, so these are left to a test that asks the fingerprint alone.
FILE = (
    "echo more >>%s", "truncate -s 1 %s", "truncate -s 0 %s", "sed -i s/kept/Kept/ %s",
    "chown nobody %s", "chgrp nogroup %s", "chmod 0600 %s", "chmod u+s %s", "chmod o+w %s",
    "rm %s", "rm %s && ln -s /etc/hostname %s", "rm %s && mkdir %s",
    "mv %s %s.x && ln -s %s.x %s && echo more >>%s.x", "cp %s %s.x && mv %s.x %s && chmod 0755 %s",
)  # fmt: skip
DIRECTORY = (
    "chmod 0777 %s", "chmod g+s %s", "chown nobody %s", "chgrp nogroup %s", "rmdir %s",
    "rmdir %s && ln -s /etc %s", "rmdir %s && echo x >%s", "chmod +t %s",
)  # fmt: skip
LINK = ("rm %s", "ln -sfn /etc/hostname %s", "ln -sfn /nowhere %s", "rm %s && echo x >%s")
GONE = ("echo x >%s", "mkdir %s", "ln -s /nowhere %s", "mkfifo %s")
USER = (
    "usermod -s /bin/false %s", "usermod -d /m/elsewhere %s", "gpasswd -d %s g0", "usermod -L %s",
    "usermod -p x %s", "chage -E 2020-01-01 %s", "chage -M 7 %s", "userdel %s",
    "usermod -g nogroup %s", "rm -r /m/home/%s", "usermod -c other %s",
)  # fmt: skip
BENT = {
    "Files are as they should be": FILE,
    "Templates are as they should be": FILE,
    "Lines are in their files": (*FILE[:4], FILE[9], FILE[10], "chmod 0600 %s"),
    "Blocks are in their files": (*FILE[:4], FILE[9], FILE[10], "chmod 0600 %s"),
    "Directories are there": DIRECTORY,
    "Files are closed to users": ("chmod 0644 %s", "chmod 0666 %s", "chmod o+x %s"),
    "Links lead where they should": LINK,
    "Some files are not there": GONE,
    "Users are as they should be": USER,
    "Groups are there": ("groupdel %s", "groupmod -g 7{0} %s"),
    "Kernel settings are in their file": FILE,
    "Services are wanted": LINK,
}
# Each takes half a minute; five plant more than two hundred.
ROUNDS = int(os.environ.get("OPSKIT_TEST_ROUNDS", "1"))
SAVED = "/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/sysctl.d /etc/systemd /m"


def save(host: Host) -> None:
    shell(host, f"tar -C / -cpf /saved.tar --xattrs {SAVED} 2>/dev/null")


def restore(host: Host) -> None:
    shell(host, "rm -rf /m /etc/sysctl.d; tar -C / -xpf /saved.tar --xattrs "
                "--unlink-first --recursive-unlink")  # fmt: skip


def shell(host: Host, script: str) -> None:
    done = host.run(("sh", "-c", script))
    assert done.returncode == 0, (script, done.stderr)


def bend(
    host: Host, chance: random.Random, things: Mapping[str, list[str]]
) -> list[tuple[str, str]]:
    """Bend every managed thing in one way; return (task, item) of each."""
    bent, script = [], []
    for task, items in things.items():
        for number, item in enumerate(items):
            way = chance.choice(BENT[task]).replace("{0}", str(100 + number))
            script.append(
                f"({way.replace('%s', shlex.quote(item))}) >/dev/null 2>&1 || echo {task}"
            )
            bent.append((task, item))
    shell(host, "\n".join(script))
    return bent


@pytest.fixture(scope="module")
def truth(own_fleet: Fleet, lay_out: Callable[..., Repository]) -> Repository:
    """Return a repository whose full check says all that Ansible finds, whatever fails."""
    lenient = STANDARD.replace("  become: false\n", "  ignore_errors: true\n")
    place = lay_out(own_fleet.inventory.read_text(), lenient)
    place.write("playbooks/managed.j2", TEMPLATE)
    return place


@pytest.fixture(scope="module")
def things() -> dict[str, list[str]]:
    """Return each task's items: what is managed."""
    import yaml

    (play,) = yaml.safe_load(STANDARD)
    return {task["name"]: task["loop"] for task in play["tasks"] if task["name"] in BENT}


def test_what_the_full_check_finds_the_fingerprint_finds(
    wide: Place, truth: Repository, own_fleet: Fleet, things: Mapping[str, list[str]]
) -> None:
    chance = random.Random(20_261_122)
    seals, planted, found_by_ansible = wide.seals(), 0, 0
    for _ in range(ROUNDS):
        for name in NAMES:
            bent = bend(own_fleet[name], chance, things)
            planted += len(bent)
        checked = truth.check("--full")
        for name in NAMES:
            seal = seals[name]
            now = wide.prints(seal)
            found = set(checked.drift(name))
            found_by_ansible += len(found)
            assert found
            assert not seal.proves(now)
            missed = found - moved(seal, now)
            assert not missed, (name, missed)
        for host in own_fleet:
            restore(host)
    assert planted >= 50 * ROUNDS
    assert found_by_ansible >= planted * 0.6
    assert all(seal.proves(wide.prints(seal)) for seal in seals.values())


def moved(seal: Seal, now: Prints | None) -> set[tuple[str, str]]:
    """Return (task, item) of what a fingerprint shows as moved; all if none was taken."""
    import yaml

    (play,) = yaml.safe_load(STANDARD)
    assert seal.prints is not None
    names = {name for _, name in seal.looks.resources}
    if now is not None:
        pairs = zip(seal.looks.resources, seal.prints.values[1:], now.values[1:], strict=True)
        names = {name for (_, name), then, later in pairs if then != later}
    return {
        (task["name"], item)
        for task in play["tasks"]
        for item in task.get("loop", ())
        if item in names
    }


def test_each_deviation_alone_moves_the_fingerprint(
    wide: Place, own_fleet: Fleet, things: Mapping[str, list[str]]
) -> None:
    chance, host = random.Random(1), own_fleet["web1"]
    seal = wide.seals()["web1"]
    for task, ways in BENT.items():
        item = things[task][0]
        way = chance.choice(ways).replace("{0}", "100").replace("%s", shlex.quote(item))
        shell(host, f"({way}) >/dev/null 2>&1; true")
        assert not seal.proves(wide.prints(seal)), (task, way)
        restore(host)
    shell(host, "rm /m/copy0 && mkfifo /m/copy0")
    assert not seal.proves(wide.prints(seal))
    restore(host)
    assert seal.proves(wide.prints(seal))


def test_drift_is_found_on_the_host_that_moved_and_the_other_is_proven(
    sealed: Place, own_fleet: Fleet
) -> None:
    own_fleet["web2"].write("/etc/kept", "welcome\n")
    fast, full = sealed.repository.check(), sealed.repository.check("--full")
    own_fleet["web2"].write("/etc/kept", "kept\n")
    assert fast.code == full.code == 1
    assert fast.verdicts == full.verdicts == {"web1": "compliant", "web2": "drifted"}
    assert fast.drift("web2") == full.drift("web2")
    assert proven(fast) == {"web1": "fingerprint", "web2": ""}
    again = sealed.repository.check()
    assert proven(again) == {"web1": "fingerprint", "web2": ""}, "an open deviation"
    assert again.verdicts == dict.fromkeys(NAMES, "compliant")


def test_what_mitogen_saw_and_a_plain_look_verified_seals(sealed: Place) -> None:
    checked = sealed.repository.check("--full", "--strategy", "mitogen")
    made = checked.data["provenance"]
    assert (checked.code, made["strategy"], made["doubt"]) == (0, "mitogen", "")
    assert len(made["verified_on"]) == 1
    assert proven(sealed.repository.check()) == FINGERPRINT


def test_another_basis_is_checked_in_full(sealed: Place) -> None:
    checked = sealed.repository.check("--var", "color=blue")
    assert proven(checked) == NOBODY


def test_a_lost_host_is_judged_by_ansible(own_fleet: Fleet, sealed: Place) -> None:
    for _ in range(3):
        checked = sealed.repository.check()
    assert proven(checked) == FINGERPRINT
    own_fleet["web1"].replace_host_key()
    own_fleet["web2"].switch_off()
    lost = sealed.repository.check()
    assert lost.code == 3
    assert lost.verdicts == dict.fromkeys(NAMES, "unreachable")
    assert "IDENTIFICATION HAS CHANGED" in lost.host("web1")["reason"]
