"""A plan applied over ssh to real hosts: as reviewed or stopped, and what is owed afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.fleet.repository import Checked, Repository
from tests.rig import hosts
from tests.rig.hosts import Fleet
from tests.rig.plugin import require

NAMES = ("web1", "web2", "web3", "web4", "web5")
STANDARD = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: The banner is shown
      ansible.builtin.copy:
        {dest: /etc/opskit-banner, content: "authorized use only\\n", mode: "0644"}
      notify: Show it
      tags: ["control:OPS-BAN-01", "severity:high"]
    - name: The notes are closed to users
      ansible.builtin.file: {path: /etc/opskit-notes, state: directory, mode: "0700"}
      tags: ["control:OPS-FILE-01", "severity:low"]
    - name: The flag is absent
      ansible.builtin.file: {path: /etc/opskit-flag, state: absent}
  handlers:
    - name: Show it
      ansible.builtin.copy: {dest: /etc/opskit-shown, content: "shown\\n", mode: "0644"}
"""
# Each time it is run it wants something else: what was planned cannot come out.
RESTLESS = """
    - name: The number is kept
      ansible.builtin.copy:
        content: "{{ lookup('ansible.builtin.pipe', 'date +%N') }}"
        dest: /etc/opskit-number
        mode: "0644"
  handlers:
"""
FAILING = """
    - name: The impossible is there
      ansible.builtin.copy:
        {dest: /etc/opskit-impossible, content: x, mode: "0644", validate: /bin/false %s}
  handlers:
"""


@pytest.fixture(scope="module")
def fleet5(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Five hosts for this module alone."""
    require(hosts.available())
    with Fleet(NAMES, tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest.fixture(scope="module")
def place(fleet5: Fleet, lay_out: Callable[..., Repository]) -> Repository:
    """Return a repository whose five hosts are as the standard says."""
    quick = "\n[all:vars]\nansible_ssh_pipelining=true\n"
    here = lay_out(fleet5.inventory.read_text() + quick, STANDARD)
    done = here.apply("--batch", "1,50%")
    assert done.verdicts == dict.fromkeys(NAMES, "compliant"), done.finished.err
    sizes = [len(batch["hosts"]) for batch in done.data["apply"]["batches"]]
    assert sizes == [1, 3, 1]
    return here


def spoil(fleet: Fleet, *names: str, text: str = "welcome, root\n") -> None:
    for name in names:
        fleet[name].write("/etc/opskit-banner", text)


def planned(place: Repository) -> tuple[str, Checked]:
    path = place.root / "change.plan"
    return str(path), Checked.of(place.opskit("fleet", "plan", "--out", str(path), "--json"))


def applied(place: Repository, *arguments: str) -> Checked:
    return Checked.of(place.opskit("fleet", "apply", *arguments, "--yes", "--json"))


def mended(place: Repository, *names: str) -> None:
    """Leave these hosts as the standard says, whatever a test did to them."""
    place.write("playbooks/standard.yml", STANDARD)
    place.apply("-l", ",".join(names))


def test_one_that_differs_among_five_is_the_odd_one_out(place: Repository, fleet5: Fleet) -> None:
    spoil(fleet5, "web3")
    shown = place.opskit("fleet", "check")
    assert shown.code == 1
    assert "on web3 (the odd one out of 5), since some time between" in shown.out
    assert "the host moved" in shown.out
    mended(place, "web3")


def test_a_plan_is_applied_as_reviewed(place: Repository, fleet5: Fleet) -> None:
    spoil(fleet5, "web1", "web2")
    path, plan = planned(place)
    assert plan.code == 1
    done = applied(place, path, "--batch", "1")
    assert done.code == 0, done.finished.err
    assert done.data["apply"]["expected"] == done.data["apply"]["changed"] == 2
    assert [batch["hosts"] for batch in done.data["apply"]["batches"]] == [["web1"], ["web2"]]
    assert fleet5["web2"].read("/etc/opskit-banner") == "authorized use only\n"
    again = place.opskit("fleet", "apply", path, "--yes", "--resume")
    assert (again.code, "is left to do" in again.err) == (5, True)


def test_a_host_that_is_not_as_planned_any_more_is_not_touched(
    place: Repository, fleet5: Fleet
) -> None:
    spoil(fleet5, "web1")
    path, _ = planned(place)
    spoil(fleet5, "web1", text="something else\n")
    refused = place.opskit("fleet", "apply", path, "--yes")
    assert refused.code == 5
    assert "web1: The banner is shown: another state than in the plan" in refused.err
    assert fleet5["web1"].read("/etc/opskit-banner") == "something else\n"
    warned = applied(place, path, "--stale", "warn")
    assert warned.code == 0
    assert warned.data["apply"]["batches"][0]["stale"]


def test_a_plan_of_another_standard_is_refused(place: Repository, fleet5: Fleet) -> None:
    spoil(fleet5, "web1")
    path, _ = planned(place)
    place.write("playbooks/standard.yml", STANDARD.replace("users", "all users"))
    refused = place.opskit("fleet", "apply", path, "--yes")
    assert refused.code == 5
    assert "the standard changed since" in refused.err
    mended(place, "web1")


def test_a_plan_that_somebody_edited_is_refused(place: Repository, fleet5: Fleet) -> None:
    spoil(fleet5, "web1")
    path, _ = planned(place)
    text = (place.root / "change.plan").read_text()
    (place.root / "change.plan").write_text(text.replace('"web1"', '"web2"'))
    refused = place.opskit("fleet", "apply", path, "--yes")
    assert refused.code == 5
    assert "was changed since it was made" in refused.err
    mended(place, "web1")


def test_a_change_that_was_not_planned_stops_the_next_batch(
    place: Repository, fleet5: Fleet
) -> None:
    place.write("playbooks/standard.yml", STANDARD.replace("  handlers:\n", RESTLESS[1:]))
    path, _ = planned(place)
    done = applied(place, path, "--stale", "warn", "--batch", "1")
    assert done.code == 4
    assert "The number is kept: changed to another state than planned" in done.finished.err
    assert done.data["apply"]["not_started"] == ["web2", "web3", "web4", "web5"]
    assert not fleet5["web2"].exists("/etc/opskit-number")
    place.write("playbooks/standard.yml", STANDARD)


def test_a_gate_that_is_shut_stops_the_next_batch(place: Repository, fleet5: Fleet) -> None:
    spoil(fleet5, "web4", "web5")
    done = applied(place, "--batch", "1", "--gate", "sh -c 'echo errors rise >&2; exit 1'")
    assert done.code == 4
    assert "errors rise" in done.data["apply"]["stopped"]
    assert done.data["apply"]["not_started"] == ["web5"]
    assert done.verdicts["web5"] == "drifted"
    mended(place, "web5")


@dataclass(frozen=True)
class Lost:
    """What was said of a host whose handler was lost."""

    failed: Checked
    looked: Checked
    owed: str


@pytest.fixture(scope="module")
def lost(place: Repository, fleet5: Fleet) -> Lost:
    place.write("playbooks/standard.yml", STANDARD.replace("  handlers:\n", FAILING[1:]))
    spoil(fleet5, "web1")
    fleet5["web1"].run(("rm", "-f", "/etc/opskit-shown"))
    failed = applied(place, "-l", "web1")
    place.write("playbooks/standard.yml", STANDARD)
    looked = place.check("-l", "web1")
    return Lost(failed, looked, place.opskit("fleet", "owed").out)


def test_a_lost_handler_is_owed_though_every_task_is_as_wanted(lost: Lost, fleet5: Fleet) -> None:
    assert lost.failed.code == 4
    assert not fleet5["web1"].exists("/etc/opskit-shown")
    assert lost.looked.drift("web1") == []
    assert lost.looked.verdicts == {"web1": "owed"}
    assert lost.looked.code == 3
    assert "'Show it' never ran after 'The banner is shown'" in lost.owed


def test_it_is_owed_until_the_handler_ran(lost: Lost, place: Repository, fleet5: Fleet) -> None:
    assert place.check("-l", "web1").verdicts == {"web1": "owed"}
    spoil(fleet5, "web1")
    assert applied(place, "-l", "web1").verdicts == {"web1": "compliant"}
    assert fleet5["web1"].exists("/etc/opskit-shown")
    assert place.opskit("fleet", "owed").code == 0
    (settled,) = place.entries("debt.settled")
    assert json.loads(settled.data)["how"] == "the handler ran"
