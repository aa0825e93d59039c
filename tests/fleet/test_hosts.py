"""The whole loop over ssh, on real hosts: converge, drift by hand, loss of a host and of trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fleet.repository import Checked, Repository
from tests.rig.hosts import Fleet
from tests.rig.plugin import NAMES

STANDARD = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: The banner is shown
      ansible.builtin.copy:
        {dest: /etc/opskit-banner, content: "authorized use only\\n", mode: "0644"}
      tags: ["control:OPS-BAN-01", "severity:high"]
    - name: The notes are closed to users
      ansible.builtin.file: {path: /etc/opskit-notes, state: directory, mode: "0700"}
      tags: ["control:OPS-FILE-01", "severity:low"]
"""


@dataclass(frozen=True)
class Week:
    """What opskit said while the hosts went through a bad week."""

    place: Repository
    converged: Checked
    drifted: Checked
    lost: Checked
    unknown: Checked


@pytest.fixture(scope="module")
def week(own_fleet: Fleet, lay_out: Callable[..., Repository]) -> Week:
    place = lay_out(own_fleet.inventory.read_text(), STANDARD)
    converged = place.apply()
    own_fleet["web2"].write("/etc/opskit-banner", "welcome, root\n")
    drifted = place.check()
    own_fleet["db1"].switch_off()
    own_fleet["web1"].replace_host_key()
    lost = place.check()
    empty = place.write("known_hosts", "")
    asks = own_fleet.inventory.read_text().replace("-o StrictHostKeyChecking=yes", "")
    place.write("inventory/unknown.ini", asks.replace(str(own_fleet.known_hosts), str(empty)))
    own_fleet["web2"].login.hang_up()
    unknown = place.check("-i", "inventory/unknown.ini", "-l", "web2")
    return Week(place, converged, drifted, lost, unknown)


def test_hosts_are_made_as_the_standard_says_and_looked_at_again(
    week: Week, own_fleet: Fleet
) -> None:
    assert week.converged.code == 0
    assert week.converged.verdicts == dict.fromkeys(NAMES, "compliant")
    assert own_fleet["web1"].read("/etc/opskit-banner") == "authorized use only\n"
    kinds = week.place.kinds()
    assert kinds[: kinds.index("drift.fixed")].count("drift.found") == 6


def test_a_file_edited_by_hand_is_found_and_nothing_else(week: Week) -> None:
    assert week.drifted.code == 1
    assert week.drifted.verdicts == {"web1": "compliant", "web2": "drifted", "db1": "compliant"}
    (drift,) = week.drifted.host("web2")["drift"]
    assert (drift["task"], drift["control"]) == ("The banner is shown", "OPS-BAN-01")
    assert (drift["before"], drift["after"]) == ("welcome, root\n", "authorized use only\n")
    assert drift["last_good_at"] == week.converged.data["finished_at"]


def test_a_lost_host_is_unreachable_and_the_others_are_still_judged(week: Week) -> None:
    assert week.lost.code == 3
    assert week.lost.verdicts == {"web1": "unreachable", "web2": "drifted", "db1": "unreachable"}
    assert "No route to host" in week.lost.host("db1")["reason"]


def test_a_host_with_another_key_is_not_trusted(week: Week) -> None:
    reason = week.lost.host("web1")["reason"]
    assert "IDENTIFICATION HAS CHANGED" in reason
    assert "Host key verification failed" in reason


def test_a_host_with_an_unknown_key_is_not_trusted_and_nobody_is_asked(week: Week) -> None:
    assert week.unknown.code == 3
    assert week.unknown.verdicts == {"web2": "unreachable"}
    assert "Host key verification failed" in week.unknown.host("web2")["reason"]


def test_what_could_not_be_looked_at_is_not_closed(week: Week) -> None:
    fixed = [entry.subject for entry in week.place.entries("drift.fixed")]
    assert sorted(fixed) == sorted([*NAMES, *NAMES])
    (found,) = week.place.entries("drift.found")[6:]
    assert json.loads(found.data)["task"] == "The banner is shown"
