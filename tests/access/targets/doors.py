"""A system of one's own, for playbooks: a directory in which each who may enter has a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opskit.access.model import PlaybookRights, PlaybookTarget
from opskit.access.targets.kinds import Placement
from opskit.access.targets.playbooks import PlaybookKind
from opskit.core.clock import DAY, FrozenClock, Instant
from tests.conftest import LOCAL

_HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"
GRANT = f"""{_HEAD}
    - name: The door is open
      ansible.builtin.copy:
        dest: "{{{{ doors }}}}/{{{{ inventory_hostname }}}}-{{{{ opskit_account }}}}"
        content: "{{{{ opskit_grant }}}} {{{{ opskit_person }}}} {{{{ opskit_until }}}}"
        mode: "0600"
"""
REVOKE = f"""{_HEAD}
    - name: The door is closed
      ansible.builtin.file:
        path: "{{{{ doors }}}}/{{{{ inventory_hostname }}}}-{{{{ opskit_account }}}}"
        state: absent
"""
OBSERVE = f"""{_HEAD}
    - name: Look at the door
      ansible.builtin.stat:
        path: "{{{{ doors }}}}/{{{{ inventory_hostname }}}}-{{{{ opskit_account }}}}"
      register: door
    - name: Say how it stands
      ansible.builtin.set_fact:
        opskit_present: "{{{{ door.stat.exists }}}}"
"""
RIGHTS = PlaybookRights(grant="grant.yml", revoke="revoke.yml", observe="observe.yml")


@dataclass
class Doors:
    """A project with the three playbooks, two hosts and one that cannot be reached."""

    root: Path
    clock: FrozenClock

    def __post_init__(self) -> None:
        (self.root / "doors").mkdir(parents=True)
        self.write("grant.yml", GRANT)
        self.write("revoke.yml", REVOKE)
        self.write("observe.yml", OBSERVE)
        gone = "ansible_host=127.0.0.1 ansible_port=1 ansible_connection=ssh"
        self.write(
            "hosts.ini",
            f"[doors]\nweb1 {LOCAL}\nweb2 {LOCAL}\n[lost]\ngone {gone}\n"
            f"[all:vars]\ndoors={self.root}/doors\n",
        )

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    @property
    def open(self) -> list[str]:
        return sorted(path.name for path in (self.root / "doors").iterdir())

    @property
    def kind(self) -> PlaybookKind:
        targets = {
            name: PlaybookTarget(kind="playbooks", hosts=hosts)
            for name, hosts in (("doors", "doors"), ("one", "web1"), ("lost", "gone"))
        }
        inventory = (self.root / "hosts.ini",)
        runs = self.root / "state" / "access-runs"
        return PlaybookKind(targets, self.root, inventory, runs, os.environ, self.clock)

    def placement(
        self, grant: str, account: str, rights: PlaybookRights = RIGHTS, person: str = ""
    ) -> Placement:
        until = Instant(self.clock.now() + DAY)
        return Placement(grant, person or account, account, rights, until)
