"""What comes from outside is data: it arrives as it was written and is never executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet.repository import Checked, Repository

# Each would leave the file CANARY behind if anything templated it, on this machine or a host.
PAYLOADS = {
    "in_content": "{{ lookup('pipe', 'touch CANARY') }}",
    "in_name": "{% set x = lookup('pipe', 'touch CANARY') %}x",
    "in_loop": "{{ query('pipe', 'touch CANARY')[0] }}",
    "in_when": "{{ lookup('ansible.builtin.pipe', 'touch CANARY') }}",
    "in_message": "{{ ''.__class__.__mro__ }}{{ lookup('pipe', 'touch CANARY') }}",
    "in_shell": "$(touch CANARY)`touch CANARY`; touch CANARY",
    "in_path": "../../{{ lookup('pipe', 'touch CANARY') }}",
    "in_nested": '{{ \'{{ lookup("pipe", "touch CANARY") }}\' }}',
    "in_unsafe": "{\"__ansible_unsafe\": \"{{ lookup('pipe', 'touch CANARY') }}\"}",
    "in_yaml": "!vault |\n  {{ lookup('pipe', 'touch CANARY') }}\n- x: [",
    "in_json": "\"}, \"extra\": \"{{ lookup('pipe', 'touch CANARY') }}",
    "in_unicode": "\u202e{{ lookup('pipe', 'touch CANARY') }}\x1b[31m",
}
STANDARD = (
    """---
- hosts: web1
  gather_facts: false
  vars:
    lines:
"""
    + "".join(f'      {name}: "{{{{ {name} }}}}"\n' for name in PAYLOADS)
    + """
  tasks:
    - name: "Has a name {{ in_name }}"
      ansible.builtin.copy:
        dest: "{{ scratch }}/said.json"
        content: "{{ lines | to_json }}"
        mode: "0600"
    - {name: Has an item, ansible.builtin.debug: {msg: "{{ item }}"}, loop: ["{{ in_loop }}"]}
    - {name: Has a condition, ansible.builtin.debug: {msg: x}, when: in_when != ''}
    - name: Has an argument
      ansible.builtin.command: {argv: [echo, "{{ in_shell }}"]}
      check_mode: false
      changed_when: false
    - {name: Fails, ansible.builtin.fail: {msg: "{{ in_message }}"}}
"""
)


@pytest.fixture(scope="module")
def place(lay_out: Callable[..., Repository]) -> Repository:
    return lay_out(standard=STANDARD)


@pytest.fixture(scope="module")
def canary(place: Repository) -> Path:
    return place.root / "CANARY"


@pytest.fixture(scope="module")
def values(canary: Path) -> dict[str, str]:
    return {name: text.replace("CANARY", str(canary)) for name, text in PAYLOADS.items()}


@pytest.fixture(scope="module")
def checked(place: Repository, values: dict[str, str]) -> Checked:
    given = [word for name, value in values.items() for word in ("--var", f"{name}={value}")]
    return place.check(*given)


def test_nothing_was_executed(checked: Checked, canary: Path) -> None:
    assert checked.data["hosts"]
    assert not canary.exists()


def test_the_canary_would_have_shown_it(place: Repository, canary: Path) -> None:
    trusted = STANDARD.replace(
        "Has a name {{ in_name }}", f"{{{{ lookup('pipe', 'touch {canary}') }}}}"
    )
    place.write("playbooks/trusted.yml", trusted)
    place.check("-p", "playbooks/trusted.yml")
    assert canary.exists()
    canary.unlink()


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_value_arrives_as_it_was_given(
    checked: Checked, values: dict[str, str], name: str
) -> None:
    (drift,) = checked.host("web1")["drift"]
    assert json.loads(drift["after"])[name] == values[name]


def test_it_is_shown_as_it_was_given(checked: Checked, values: dict[str, str]) -> None:
    (drift,) = checked.host("web1")["drift"]
    assert drift["task"] == f"Has a name {values['in_name']}"
    assert values["in_message"] in checked.host("web1")["reason"]
