"""Checks through mitogen on this machine: the same results, and nothing left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.fleet.repository import LOCAL, Checked, Repository, interrupt, until
from tests.fleet.test_stop import SLEEPS

MITOGEN = ("--strategy", "mitogen")
THREE = f"web1 {LOCAL}\nweb2 {LOCAL}\ndb1 {LOCAL}\n"
# Every kind of outcome, a task of one host only, and a play that names its own strategy.
MANY = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: Loops
      ansible.builtin.copy:
        {dest: "{{ scratch }}/{{ inventory_hostname }}.{{ item }}", content: "x\\n", mode: "0600"}
      loop: [one, two]
    - {name: Is skipped, ansible.builtin.command: "true", when: inventory_hostname == "nobody"}
    - {name: Is not looked at, ansible.builtin.command: "true"}
    - {name: Is as wanted, ansible.builtin.file: {path: "{{ scratch }}", state: directory}}
    - {name: Runs once, ansible.builtin.stat: {path: /etc/hostname}, run_once: true}
    - {name: Fails, ansible.builtin.fail: , ignore_errors: true}
    - name: Says whose child it is
      ansible.builtin.shell: tr '\\0' ' ' </proc/$PPID/cmdline >>{{ scratch }}/theirs
      check_mode: false
      changed_when: false
- hosts: db1
  gather_facts: false
  strategy: linear
  tasks:
    - name: Says it in the way of its own play
      ansible.builtin.shell: tr '\\0' ' ' </proc/$PPID/cmdline >>{{ scratch }}/its_own
      check_mode: false
      changed_when: false
"""
# The two ways do not agree on whose child a task is.
TOLD_APART = """---
- hosts: all
  gather_facts: false
  tasks:
    - {name: Is as wanted, ansible.builtin.file: {path: "{{ scratch }}", state: directory}}
    - name: Says whose child it is
      ansible.builtin.shell: tr '\\0' ' ' </proc/$PPID/cmdline
      check_mode: false
      register: parent
      changed_when: parent.stdout is search('mitogen:')
"""


def results(checked: Checked) -> Mapping[str, Any]:
    return {
        host["host"]: (
            host["verdict"],
            {drift["id"] for drift in host["drift"]},
            host["not_evaluated"],
            host["tasks_observed"],
        )
        for host in checked.data["hosts"]
    }


def test_a_check_through_mitogen_says_what_a_plain_one_says(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(THREE, MANY)
    fast = place.check(*MITOGEN)
    assert "mitogen:" in (place.scratch / "theirs").read_text()
    assert "mitogen:" not in (place.scratch / "its_own").read_text()
    made = fast.data["provenance"]
    assert (made["strategy"], made["doubt"]) == ("mitogen", "")
    assert "db1" in made["verified_on"], "nobody else has its task"
    assert results(fast) == results(place.check())
    assert not place.processes()


def test_where_the_two_ways_differ_all_is_looked_at_plainly(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(THREE, TOLD_APART)
    place.write("opskit.yaml", (place.root / "opskit.yaml").read_text() + "check_strategy: mitogen")
    done = place.opskit("fleet", "check")
    assert done.code == 0, done.out
    assert "mitogen cannot be trusted here" in done.out
    assert "Says whose child it is at playbooks/standard.yml:6: ok plainly, D-" in done.out
    assert "verified on" not in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(
    lay_out: Callable[..., Repository], number: signal.Signals
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", SLEEPS)
    with place.started("fleet", "check", *MITOGEN) as opskit:
        until(place.sleeping, "the task is at work")
        code, err = interrupt(opskit, number)
        assert code == 130
        assert "Traceback" not in err
        assert not place.processes()
        assert not place.runs
    assert place.kinds() == ["run.started", "run.interrupted"], "nothing of it was verified"


def test_a_killed_opskit_leaves_nothing_behind(lay_out: Callable[..., Repository]) -> None:
    place = lay_out(f"web1 {LOCAL}\n", SLEEPS)
    with place.started("fleet", "check", *MITOGEN) as opskit:
        until(place.sleeping, "the task is at work")
        opskit.kill()
        until(lambda: not place.processes(), "everything of the run ended")
    assert not (place.scratch / "after").exists()
