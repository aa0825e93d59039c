"""Tasks that no fingerprint covers are run by Ansible each time, and by their tags alone."""

from __future__ import annotations

from collections.abc import Callable

from tests.fleet.repository import LOCAL, Checked, Repository

STANDARD = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: The banner is shown
      ansible.builtin.copy: {dest: "{{ scratch }}/banner", content: "kept\\n", mode: "0644"}
      tags: ["control:OPS-BAN-01"]
    - name: The door is shut
      ansible.builtin.command: {argv: [grep, -q, shut, "{{ scratch }}/door"]}
      check_mode: false
      changed_when: false
      tags: ["control:OPS-DOOR-01"]
"""


def proven(checked: Checked) -> tuple[str, int]:
    (host,) = checked.data["hosts"]
    return host["proven"], host["tasks_proven"]


def sealed(lay_out: Callable[..., Repository], standard: str) -> Repository:
    place = lay_out(f"web1 {LOCAL}\n", standard)
    (place.scratch / "door").write_text("shut\n")
    (place.scratch / "banner").write_text("kept\n")
    (place.scratch / "banner").chmod(0o644)
    assert [proven(place.check()) for _ in range(2)] == [("", 0)] * 2
    return place


def test_what_is_not_covered_is_checked_and_the_rest_is_proven(
    lay_out: Callable[..., Repository],
) -> None:
    place = sealed(lay_out, STANDARD)
    third = place.check()
    assert (third.code, proven(third)) == (0, ("fingerprint", 1))
    assert third.host("web1")["tasks_observed"] == 2
    (place.scratch / "door").write_text("open\n")
    fourth = place.check()
    assert (fourth.code, fourth.verdicts, proven(fourth)) == (3, {"web1": "failed"}, ("", 0))


def test_a_result_that_others_read_lets_ansible_check_everything(
    lay_out: Callable[..., Repository],
) -> None:
    read = STANDARD.replace("      check_mode", "      register: door\n      check_mode")
    used = read.replace('"kept\\n"', "\"{{ 'kept' if door is undefined else 'x' }}\\n\"")
    place = sealed(lay_out, used)
    third = place.check()
    assert proven(third) == ("", 0)
    reason = "a task depends on the result door"
    assert third.data["unprovable"] == [{"reason": reason, "hosts": ["web1"]}]


def test_the_time_lets_ansible_check_everything(lay_out: Callable[..., Repository]) -> None:
    place = sealed(
        lay_out, STANDARD.replace("  tasks:", "  vars: {today: '{{ now() }}'}\n  tasks:")
    )
    third = place.opskit("fleet", "check")
    assert "always checked in full: web1, because the standard depends on the time" in third.out
