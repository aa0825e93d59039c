"""Three playbooks of the user's own give, take and look; only what the look says is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.access.model import PlaybookRights, PlaybookTarget
from opskit.access.targets.kinds import EnforcedBy, Order, Part, Presence, Unmanaged
from opskit.core.clock import FrozenClock, iso
from tests.access.targets.doors import OBSERVE, RIGHTS, Doors

TRAP = "{{ lookup('pipe', 'touch ROOT/trapped') }}"


@pytest.fixture
def doors(tmp_path: Path, home: Path, clock: FrozenClock) -> Doors:
    return Doors(tmp_path / "project", clock)


def test_what_a_playbook_gives_is_seen_and_what_it_is_told_is_never_run(doors: Doors) -> None:
    trap = TRAP.replace("ROOT", str(doors.root))
    grant = doors.placement("g1", "alice", person=trap)
    answer = doors.kind.carry_out([Order("doors", (grant,))])["doors"]
    assert answer.failed == ""
    standing = answer.sight.standings["g1"]
    assert standing.parts == (Part("on web1", Presence.PRESENT), Part("on web2", Presence.PRESENT))
    assert (standing.enforced_by, standing.fence_until) == (EnforcedBy.NONE, None)
    written = (doors.root / "doors" / "web1-alice").read_text()
    assert written == f"g1 {trap} {iso(grant.until)}"
    assert not (doors.root / "trapped").exists()
    assert list((doors.root / "state" / "access-runs").iterdir()) == []
    # One host lost it, by whoever's hand: that is neither there nor gone.
    (doors.root / "doors" / "web2-alice").unlink()
    standing = doors.kind.observe(["doors"], {"doors": [grant]})["doors"].standings["g1"]
    assert standing.presence is Presence.PARTIAL


# What a look says, and what is made of it.
LOOKS = {
    "text": ('ansible.builtin.set_fact: {opskit_present: "yes, it is"}', ""),
    "nothing": ("ansible.builtin.debug: {msg: all is well}", ""),
    "failed": ('ansible.builtin.fail: {msg: "no such system"}', "web1: no such system"),
    "a module of the host": ("claims:", ""),
}
# A host that is not ours any more says what it likes.
CLAIMS = """#!/bin/sh
echo '{"changed": false, "ansible_facts": {"opskit_present": false}}'
"""


@pytest.mark.parametrize("how", LOOKS)
def test_what_is_not_said_in_so_many_words_is_unknown(doors: Doors, how: str) -> None:
    task, reason = LOOKS[how]
    (doors.root / "library").mkdir()
    doors.write("library/claims", CLAIMS)
    (doors.root / "library" / "claims").chmod(0o755)
    doors.write("observe.yml", f"- hosts: all\n  gather_facts: false\n  tasks:\n    - {task}\n")
    grant = doors.placement("g1", "alice")
    sight = doors.kind.observe(["one"], {"one": [grant]})["one"]
    assert (sight.reached, sight.standings) == (False, {})
    assert sight.reason == reason or (not reason and sight.reason == "no host said anything")


def test_a_look_that_failed_and_was_rescued_has_looked(doors: Doors) -> None:
    doors.write(
        "observe.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - block: [{ansible.builtin.fail: {msg: not there}}]\n"
        "      rescue: [{ansible.builtin.set_fact: {opskit_present: false}}]\n",
    )
    sight = doors.kind.observe(["one"], {"one": [doors.placement("g1", "alice")]})["one"]
    assert sight.standings["g1"].presence is Presence.ABSENT


def test_a_playbook_that_is_not_there_or_lies_elsewhere_is_not_run(doors: Doors) -> None:
    for name in ("nowhere.yml", "../outside.yml"):
        (doors.root.parent / "outside.yml").write_text(OBSERVE)
        rights = PlaybookRights(grant=RIGHTS.grant, revoke=RIGHTS.revoke, observe=name)
        grant = doors.placement("g1", "alice", rights)
        sight = doors.kind.observe(["one"], {"one": [grant]})["one"]
        assert (sight.reached, sight.reason) == (False, f"there is no playbook {name}")


def test_a_revocation_that_fails_is_told_and_stays_present(doors: Doors) -> None:
    (doors.root / "doors" / "web1-alice").write_text("")
    doors.write(
        "revoke.yml", '- hosts: all\n  gather_facts: false\n  tasks:\n    - fail: {msg: "no"}\n'
    )
    answer = doors.kind.carry_out([Order("one", absent=(doors.placement("g1", "alice"),))])["one"]
    assert answer.failed == "revoke.yml for g1: web1: no"
    assert answer.sight.standings["g1"].presence is Presence.PRESENT


def test_a_target_is_this_machine_unless_it_says_otherwise(doors: Doors) -> None:
    """Also where the inventory does not know this machine."""
    doors.write("grant.yml", "- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
    doors.write(
        "observe.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.set_fact:\n"
        "        opskit_present: \"{{ opskit_grant == 'g1' and not opskit_end_sessions }}\"\n",
    )
    kind = replace(doors.kind, targets={"here": PlaybookTarget(kind="playbooks")})
    grants = [doors.placement(name, "alice") for name in ("g1", "g2")]
    sight = kind.observe(["here"], {"here": grants})["here"]
    assert {name: one.presence.value for name, one in sight.standings.items()} == {
        "g1": "present",
        "g2": "absent",
    }


def test_what_nobody_granted_is_not_its_to_take(doors: Doors) -> None:
    answer = doors.kind.remove({"one": [Unmanaged("account", "bob", "bob", "")]})["one"]
    assert answer.failed == "playbooks cannot take bob"
