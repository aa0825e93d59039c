"""`opskit check` says before a host is touched what a run could not do, or would do in a check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fleet.repository import LOCAL, Repository

GOOD = """---
- hosts: all
  gather_facts: false
  tasks:
    - {name: Only reads, ansible.builtin.command: uptime, check_mode: false, changed_when: false}
    - {name: Reads as well, ansible.builtin.command: uptime, check_mode: no, changed_when: no}
    - {name: Waits a while, ansible.builtin.pause: {seconds: 1}}
"""
# Each line of findings is: rule, line in the file, subject.
BAD = """---
- hosts: all
  gather_facts: false
  vars_prompt: [{name: answer, prompt: well}]
  tasks:
    - name: Acts in a check
      ansible.builtin.command: reboot
      check_mode: false
    - name: Acts as well
      ansible.builtin.command: reboot
      check_mode: no
    - name: Holds one that acts
      block:
        - name: Acts deep inside
          ansible.builtin.command: reboot
          check_mode: false
          changed_when: true
    - name: Waits for somebody
      ansible.builtin.pause: {prompt: go on?}
    - name: Waits for anybody
      pause:
"""
FINDINGS = {
    ("fleet-asks", 4, "a task"),
    ("fleet-acts-in-check", 8, "Acts in a check"),
    ("fleet-acts-in-check", 11, "Acts as well"),
    ("fleet-acts-in-check", 16, "Acts deep inside"),
    ("fleet-asks", 19, "Waits for somebody"),
    ("fleet-asks", 21, "Waits for anybody"),
}


def findings(place: Repository, *, code: int = 1) -> list[dict[str, Any]]:
    """Return what `opskit check` says of the fleet."""
    done = place.opskit("check", "--json")
    assert done.code == code, done.err
    said: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return [finding for finding in said if finding["rule"].startswith(("fleet-", "file-"))]


def test_a_standard_that_only_looks_is_well_formed(lay_out: Callable[..., Repository]) -> None:
    place = lay_out(f"web1 {LOCAL}\n", GOOD)
    assert not [one for one in findings(place) if one["rule"].startswith("fleet-")]


def test_what_would_act_or_wait_in_a_check_is_found_with_its_place(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", GOOD)
    place.write("playbooks/roles/one/tasks/main.yml", BAD)
    found = [one for one in findings(place) if one["rule"].startswith("fleet-")]
    assert {(one["rule"], one["location"]["line"], one["subject"]) for one in found} == FINDINGS
    assert {one["location"]["path"] for one in found} == {"playbooks/roles/one/tasks/main.yml"}
    assert all(one["fix"] for one in found)


@pytest.mark.parametrize(
    ("name", "text", "rule", "says"),
    [
        ("inventory/hosts.ini", "", "fleet-inventory-empty", "no host in it"),
        ("inventory/hosts.ini", "web1 no such = thing\n", "fleet-inventory", "inventory"),
        ("inventory/hosts.ini", None, "fleet-inventory", "there is no"),
        ("playbooks/standard.yml", None, "fleet-standard", "no such playbook"),
        ("playbooks/standard.yml", GOOD + "  roles: [absent]\n", "fleet-syntax", "absent"),
    ],
    ids=["empty-inventory", "broken-inventory", "no-inventory", "no-standard", "unknown-role"],
)
def test_what_ansible_could_not_start_with_is_found(
    lay_out: Callable[..., Repository], name: str, text: str | None, rule: str, says: str
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", GOOD)
    if text is None:
        (place.root / name).unlink()
    else:
        place.write(name, text)
    (found,) = [one for one in findings(place) if one["rule"] == rule]
    assert says in found["message"]
    assert found["location"]["path"] == name


def test_yaml_that_is_none_is_found_with_its_place(lay_out: Callable[..., Repository]) -> None:
    place = lay_out(f"web1 {LOCAL}\n", GOOD)
    place.write("playbooks/broken.yml", "- hosts: all\n  tasks: [\n")
    place.write("playbooks/twice.yml", "- hosts: all\n  hosts: web\n")
    found = {(one["location"]["path"], one["rule"]) for one in findings(place)}
    assert {path for path, _ in found} >= {"playbooks/broken.yml", "playbooks/twice.yml"}
