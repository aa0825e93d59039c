"""What is lost in the middle of a change, on real hosts: the verdict, what is owed, what is left.

The busy file is validated until the test opens a gate, so that each host is cut off in the middle
of the same task. A check looks at the file without validating it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import Finished
from tests.fleet.repository import DEADLINE, Checked, Repository, until
from tests.rig.hosts import Fleet, Host

BUSY = "The busy file is there"
GATE, AT_WORK = "/tmp/opskit-gate", "/tmp/opskit-at-work"  # the host's own
STANDARD = f"""---
- hosts: all
  gather_facts: false
  tasks:
    - name: The notes are closed to users
      ansible.builtin.file: {{path: /etc/opskit-notes, state: directory, mode: "0700"}}
    - name: {BUSY}
      ansible.builtin.copy:
        dest: /etc/opskit-busy
        content: "busy\\n"
        mode: "0644"
        validate: sh -c 'touch {AT_WORK}; until test -e {GATE}; do sleep 0.1; done' sh %s
"""


@dataclass(frozen=True)
class Day:
    """What opskit said when it lost web1 and the connection to web2, and then Ansible itself."""

    place: Repository
    lost: Checked
    owed: str
    settled: Checked
    killed: Checked


@pytest.fixture(scope="module")
def day(own_fleet: Fleet, lay_out: Callable[..., Repository]) -> Day:
    place = lay_out(own_fleet.inventory.read_text(), STANDARD)
    web1, web2, db1 = own_fleet
    db1.write(GATE, "")
    with place.started("fleet", "apply", "--yes", "--json") as opskit:
        until(lambda: web1.exists(AT_WORK) and web2.exists(AT_WORK), "both are at work")
        web1.switch_off()
        web2.run(("pkill", "-KILL", "-f", "sshd.*: root"))
        lost = ended(place, opskit)
    owed = place.opskit("fleet", "owed").out
    web1.switch_on()
    settled = place.check()
    web2.run(("rm", AT_WORK))
    with place.started("fleet", "apply", "--yes", "--json", "-l", "web2") as opskit:
        until(lambda: web2.exists(AT_WORK), "it is at work")
        place.oldest("ansible-playbook").kill()
        killed = ended(place, opskit)
    return Day(place, lost, owed, settled, killed)


def ended(place: Repository, opskit: subprocess.Popen[str]) -> Checked:
    """Return what was said by an opskit that ends, and see that nothing of it is left."""
    out, err = opskit.communicate(timeout=DEADLINE)
    assert not place.processes()
    assert not place.runs
    return Checked.of(Finished(opskit.returncode, out, err))


def still_at_work(host: Host) -> bool:
    """Tell whether anything of the cut off task goes on there."""
    return host.run(("pgrep", "-f", AT_WORK)).returncode == 0


def debts(day: Day, kind: str, host: str) -> list[int]:
    """Return the places in the ledger where debts of a host were opened or settled."""
    return [entry.seq for entry in day.place.entries(f"debt.{kind}") if entry.subject == host]


def test_a_host_that_is_rebooted_is_lost_and_owed_what_was_cut_off(day: Day) -> None:
    assert day.lost.code == 3, day.lost.finished.err
    assert day.lost.verdicts["web1"] == "unreachable"
    assert "web1" in day.owed
    assert f"'{BUSY}' was cut off" in day.owed


def test_a_host_whose_sshd_was_killed_is_no_better_for_answering_again(day: Day) -> None:
    assert day.lost.verdicts["web2"] == "drifted"
    assert day.lost.drift("web2") == [(BUSY, "")]
    (opened, _), (settled, *_) = debts(day, "opened", "web2"), debts(day, "settled", "web2")
    assert opened < settled, "the look that followed saw how far it came"


def test_the_others_are_changed_all_the_same(day: Day, own_fleet: Fleet) -> None:
    assert day.lost.verdicts["db1"] == "compliant"
    assert own_fleet["db1"].read("/etc/opskit-busy") == "busy\n"


def test_the_next_check_settles_it(day: Day) -> None:
    assert day.settled.code == 1
    assert day.settled.verdicts == {"web1": "drifted", "web2": "drifted", "db1": "compliant"}
    assert day.settled.drift("web1") == [(BUSY, "")]
    assert len(debts(day, "opened", "web1")) == len(debts(day, "settled", "web1")) == 1


def test_a_killed_ansible_leaves_a_debt_and_nothing_running(day: Day, own_fleet: Fleet) -> None:
    assert day.killed.code == 3, day.killed.finished.err
    assert day.killed.verdicts == {"web2": "drifted"}
    assert len(debts(day, "opened", "web2")) == 2
    (end,) = day.place.entries("run.failed")
    assert "without its statistics" in json.loads(end.data)["problem"]
    until(lambda: not any(map(still_at_work, own_fleet)), "the task ends with its connection")
    assert not own_fleet["web2"].exists("/etc/opskit-busy")


def test_no_traceback_reached_the_user(day: Day) -> None:
    said = day.lost.finished, day.settled.finished, day.killed.finished
    assert not any("Traceback" in one.err + one.out for one in said)
