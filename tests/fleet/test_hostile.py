"""A host that means harm: what it says reaches a person, never a terminal or a template as it was.

The standard and its inventory are trusted: Ansible fills in their variables where a task uses them.
Opskit reads all of them, and must not be the one that executes what no task uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Finished
from tests.fleet.repository import Repository

# What would drive a terminal, forge a line or hide a word, in one text; and what is no text at all.
ESCAPES = "\x1b[2J\x1b]0;owned\x07 red \x9b31m \u202eabc\u2066 \x7f \r end"
NO_TEXT = b"\xff\xfe\x1b[31m\n"
DECODED = r"\udcff\udcfe\x1b[31m" + "\n"
STANDARD = """---
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.setup:
        {fact_path: "{{ scratch }}", gather_subset: ["!all", local], filter: [ansible_local]}
    - name: "{{ ansible_facts.ansible_local.hostile.text }}"
      ansible.builtin.copy:
        dest: "{{ scratch }}/defaced"
        content: "{{ ansible_facts.ansible_local.hostile.text }} {{ inventory_hostname }}\\n"
        mode: "0600"
    - name: Has items
      ansible.builtin.debug: {msg: "{{ item }}"}
      changed_when: true
      loop: ["{{ ansible_facts.ansible_local.hostile.text }}"]
"""


def shown(text: str) -> str:
    """Return TEXT as a person is shown it."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


@dataclass(frozen=True)
class Day:
    """What opskit said of the host, in every form, and where a payload would have left a file."""

    place: Repository
    payload: str
    canary: Path
    checked: dict[str, Finished]
    others: dict[str, Finished]

    @property
    def said(self) -> dict[str, Finished]:
        """All of it."""
        return self.checked | self.others


@pytest.fixture(scope="module")
def day(lay_out: Callable[..., Repository]) -> Day:
    place = lay_out("", STANDARD)
    canary = place.root / "canary"
    # Without a comma, so that it can be a host's name.
    payload = f"{{{{ lookup(*'pipe|touch {canary}'.split('|')) }}}}"
    inventory(place, payload)
    hostile(place, payload)
    checked = {"json": place.opskit("fleet", "check", "--json")}
    checked["table"] = place.opskit("fleet", "check")
    run = json.loads(checked["json"].out)
    deviation = next(one["id"] for one in run["hosts"][0]["drift"] if one["after"])
    grounds = ("--reason", f"{payload}{ESCAPES}", "--owner", payload, "--until", "30d")
    others = {
        "waive": place.opskit("fleet", "waive", deviation, *grounds),
        "waivers": place.opskit("fleet", "waivers"),
        "show": place.opskit("fleet", "show", run["run"]),
        "history": place.opskit("fleet", "history", payload),
        "plan": place.opskit("fleet", "plan", "--out", "change.plan"),
        "apply": place.opskit("fleet", "apply", "change.plan", "--yes", "--with-waived"),
        "markdown": place.opskit("fleet", "show", run["run"], "-o", "md"),
    }
    return Day(place, payload, canary, checked, others)


def inventory(place: Repository, payload: str) -> None:
    """Write an inventory with the PAYLOAD in each of its places."""
    unused = {"note": payload, "db_password": payload, "opskit_owner": payload, "ports": [payload]}
    how = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    of_group = {f"group_{name}": value for name, value in unused.items()}
    group = {"hosts": {payload: {**how, **unused}}, "vars": of_group}
    everything = {"vars": {"scratch": str(place.scratch)}, "children": {"odd": group}}
    place.write("inventory/hosts.yml", json.dumps({"all": everything}))
    settings = (place.root / "opskit.yaml").read_text().replace("hosts.ini", "hosts.yml")
    place.write("opskit.yaml", settings)


def hostile(place: Repository, payload: str) -> None:
    """Let the host have a fact and a file that mean harm."""
    place.write("scratch/hostile.fact", json.dumps({"text": f"{payload}{ESCAPES}"}))
    (place.scratch / "defaced").write_bytes(f"{payload}{ESCAPES}\n".encode() + NO_TEXT)


def test_nothing_of_it_is_executed(day: Day) -> None:
    assert day.payload in day.checked["table"].out
    assert not day.canary.exists()


def test_the_verdict_is_true(day: Day) -> None:
    assert day.checked["json"].code == day.checked["table"].code == 1
    (host,) = json.loads(day.checked["json"].out)["hosts"]
    assert (host["host"], host["verdict"]) == (day.payload, "drifted")
    defaced, item = host["drift"]
    assert (defaced["before"], defaced["after"]) == tuple(
        f"{day.payload}{shown(ESCAPES)}{end}" for end in ("\n" + DECODED, f" {day.payload}\n")
    )
    assert item["item"].startswith(day.payload)


def test_the_plan_is_applied_as_it_was_made(day: Day) -> None:
    """The file is as the plan says; the items change each time, so that a deviation is left."""
    assert {name for name, done in day.others.items() if done.code == 0} == {
        "waive", "waivers", "history",
    }  # fmt: skip
    assert {done.code for done in day.others.values()} == {0, 1}
    written = (day.place.scratch / "defaced").read_bytes().decode()
    assert written == f"{day.payload}{ESCAPES} {day.payload}\n"


def test_nothing_reaches_a_terminal_as_it_was(day: Day) -> None:
    for name, done in day.said.items():
        raw = {char for char in done.out + done.err if not char.isprintable()} - {"\n"}
        assert not raw, name


def test_the_canary_would_have_shown_it(day: Day) -> None:
    day.place.write(
        "playbooks/standard.yml", STANDARD.replace("{{ inventory_hostname }}", day.payload)
    )
    day.place.check()
    assert day.canary.exists()
