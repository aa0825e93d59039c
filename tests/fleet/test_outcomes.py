"""What a check makes of every way a task can end: `tests/cases/fleet/outcomes*.yml`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.conftest import CASES, Finished
from tests.fleet.repository import Checked, Repository

EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load(
    (CASES / "fleet" / "outcomes.expected.yml").read_text()
)
INVENTORY = (CASES / "fleet" / "outcomes.ini").read_text() + (
    "\n[all:vars]\nansible_connection=local\n"
    'ansible_python_interpreter="{{ ansible_playbook_python }}"\n'
)


@pytest.fixture(scope="module")
def place(lay_out: Callable[..., Repository]) -> Repository:
    here = lay_out(INVENTORY)
    here.take("outcomes.yml", "included.yml", "imported.yml")
    shutil.copytree(CASES / "fleet" / "roles", here.root / "playbooks" / "roles")
    return here


@pytest.fixture(scope="module")
def checked(place: Repository) -> Checked:
    return place.check("-p", "playbooks/outcomes.yml")


def test_every_host_is_accounted_for(checked: Checked) -> None:
    assert set(checked.verdicts) == set(EXPECTED)
    assert sum(checked.data["counts"].values()) == len(EXPECTED)


def test_the_two_truths_agree(checked: Checked) -> None:
    assert not checked.data["problem"]
    assert checked.data["state"] == "finished"


@pytest.mark.parametrize("name", EXPECTED)
def test_the_host_is_judged_as_it_is(checked: Checked, name: str) -> None:
    expected, found = EXPECTED[name], checked.host(name)
    assert found["verdict"] == expected["verdict"]
    assert expected.get("reason", "") in found["reason"]
    assert bool(found["reason"]) == (expected["verdict"] in {"failed", "not evaluated"})
    assert checked.drift(name) == [tuple(pair) for pair in expected.get("drift", ())]
    assert checked.not_evaluated(name) == [tuple(pair) for pair in expected.get("blind", ())]
    assert found["tasks_observed"] == expected.get("observed", found["tasks_observed"])


def test_a_change_on_another_host_names_it(checked: Checked) -> None:
    (drift,) = checked.host("delegating")["drift"]
    assert drift["delegated_to"] == "steady"


def test_a_hidden_change_says_that_it_is_hidden(checked: Checked) -> None:
    assert {drift["note"] for drift in checked.host("hidden")["drift"]} == {
        "changed, hidden by no_log"
    }


def test_nothing_from_a_host_reaches_the_terminal_as_it_was(
    place: Repository, checked: Checked
) -> None:
    some = "remembering,strange,binary,spare,last"
    only = ("-l", some, "-p", "playbooks/outcomes.yml")
    for finished in (place.opskit("fleet", "check", *only), checked.finished):
        assert "owned" in finished.out
        assert not unprintable(finished)


def unprintable(finished: Finished) -> set[str]:
    return {char for char in finished.out + finished.err if not char.isprintable()} - {"\n"}


ABORTS = """---
- hosts: steady,failing,spare
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - {name: Looks, ansible.builtin.debug: {msg: looked}}
    - {name: Fails, ansible.builtin.fail: {msg: no luck}, when: inventory_hostname == 'failing'}
    - {name: Comes after, ansible.builtin.debug: {msg: looked}}
- hosts: last
  gather_facts: false
  tasks: [{name: Is not reached, ansible.builtin.debug: {msg: x}}]
"""
SERIAL = """---
- hosts: failing,steady,last
  gather_facts: false
  serial: 1
  tasks:
    - {name: Fails, ansible.builtin.fail: {msg: no luck}, when: inventory_hostname == 'failing'}
    - {name: Looks, ansible.builtin.debug: {msg: looked}}
"""
ONCE = """---
- hosts: failing,steady
  gather_facts: false
  tasks:
    - {name: Looks, ansible.builtin.debug: {msg: looked}}
    - {name: Fails once, ansible.builtin.fail: {msg: no luck}, run_once: true}
    - {name: Comes after, ansible.builtin.debug: {msg: looked}}
"""


@pytest.mark.parametrize(
    ("standard", "others"),
    [
        pytest.param(ABORTS, {"steady", "spare", "last"}, id="any-errors-fatal"),
        pytest.param(SERIAL, {"steady", "last"}, id="serial"),
        pytest.param(ONCE, {"steady"}, id="run-once"),
    ],
)
def test_hosts_behind_an_abort_are_not_evaluated(
    place: Repository, standard: str, others: set[str]
) -> None:
    place.write("playbooks/abort.yml", standard)
    checked = place.check("-p", "playbooks/abort.yml")
    assert checked.code == 3
    assert checked.verdicts == {"failing": "failed", **dict.fromkeys(others, "not evaluated")}
    assert all(checked.host(name)["reason"] for name in others)


def test_a_play_for_an_unknown_group_is_no_green_result(place: Repository) -> None:
    nobody = "- hosts: no_such_group\n  tasks: [{ansible.builtin.debug: {msg: x}}]\n"
    play = "- hosts: steady\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: x}}]\n"
    place.write("playbooks/unknown_group.yml", play + nobody)
    checked = place.check("-p", "playbooks/unknown_group.yml")
    assert checked.code == 3
    assert "no_such_group" in checked.data["problem"]
    assert checked.verdicts == {"steady": "not evaluated"}


TAGGED = """---
- hosts: steady,spare
  gather_facts: false
  tasks:
    - {name: Has the tag, ansible.builtin.debug: {msg: x}, tags: [one]}
    - {name: Has another, ansible.builtin.fail: {msg: x}, tags: [two]}
    - name: Holds both
      tags: [one]
      block:
        - {name: Inherits the tag, ansible.builtin.debug: {msg: x}}
        - {name: Has two tags, ansible.builtin.debug: {msg: x}, tags: [two]}
    - {name: Comes always, ansible.builtin.debug: {msg: x}, tags: [always]}
"""


def test_tags_leave_nothing_out_that_they_ask_for(place: Repository) -> None:
    place.write("playbooks/tagged.yml", TAGGED)
    checked = place.check("-p", "playbooks/tagged.yml", "-t", "one")
    assert checked.verdicts == {"steady": "compliant", "spare": "compliant"}
    assert checked.host("spare")["tasks_observed"] == 4
    assert not checked.not_evaluated("spare")


def test_tags_that_match_nothing_are_no_green_result(place: Repository) -> None:
    place.write("playbooks/untagged.yml", TAGGED.replace("always", "other"))
    checked = place.check("-p", "playbooks/untagged.yml", "-t", "no-such-tag")
    assert checked.code == 3
    assert checked.host("steady")["reason"] == "no task of the standard looked at this host"
