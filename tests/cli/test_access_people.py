"""Reconciling, onboarding and offboarding from the command line: what is said, and the code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from opskit.core.clock import SystemClock
from opskit.granting import Granting
from tests.access.town import Town, key_of, keyed
from tests.access.world import OFFICE, PLACES
from tests.cli.inside import Inside, inside
from tests.conftest import Finished

Run = Callable[..., Finished]
ROGUE = "bob ALL=(ALL) NOPASSWD: ALL\n"
TMP = "/etc/sudoers.d/tmp"


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    """Put hosts in memory in the place of every kind."""
    found = Town(SystemClock())
    monkeypatch.setattr(Granting, "_kind", lambda _self, _registry, _name: found)
    monkeypatch.setattr(Granting, "_places", lambda _self, _registry, name: PLACES[name])
    return found


@pytest.fixture
def access(
    ops: Path, town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `opskit access` as somebody of the office."""
    del town
    shutil.copytree(OFFICE, ops / "access")
    target = {"kind": "linux", "hosts": "web", "administrators": ["root", "ops"]}
    targets = {"targets": {"web": target, "staging": {**target, "hosts": "staging"}}}
    teams = {"web": {"purpose": "Web.", "bundle": ["nginx-operator"]},
             "platform": {"purpose": "Platform."}}  # fmt: skip
    people = {**keyed().people.model_dump(mode="json"), "teams": teams}
    for name, data in (("people", people), ("targets", targets)):
        (ops / "access" / f"{name}.yaml").write_text(f"---\n{yaml.safe_dump(data)}")
    call: Inside = inside(ops, monkeypatch, capsys)

    def run(who: str, *arguments: str) -> Finished:
        monkeypatch.setattr("opskit.outside.process.account", lambda: who)
        return call("access", *arguments)

    return run


def test_a_clean_place_a_found_one_and_a_lost_one_have_a_code_of_their_own(
    access: Run, town: Town
) -> None:
    clean = access("bob", "reconcile")
    town.at("web1")[TMP] = ROGUE
    found = access("bob", "reconcile", "web")
    junit = access("bob", "reconcile", "web", "-o", "junit").out
    assert '<testsuites name="opskit access reconcile"' in junit
    town.unreachable.add("web2")
    lost = access("bob", "reconcile")

    assert (clean.code, found.code, lost.code) == (0, 1, 3)
    assert "3 places: all as granted" in clean.err
    assert "bob may run every command" in found.out
    assert "opskit access reconcile --fix" in found.err
    assert "could not be reached: no route to host" in lost.out


def test_fix_shows_what_it_would_do_and_asks_and_says_what_a_second_look_found(
    access: Run, town: Town
) -> None:
    town.at("web1")[TMP] = ROGUE
    asked = access("bob", "reconcile", "--fix")
    assert (asked.code, town.removed) == (5, [])
    assert "remove sudo /etc/sudoers.d/tmp:1 of bob" in " ".join(asked.err.split())

    fixed = access("bob", "reconcile", "--fix", "--yes")

    assert fixed.code == 0
    assert "1 settled, 0 left" in fixed.out
    assert access("bob", "reconcile").code == 0


def test_what_fix_could_not_settle_is_4_and_what_is_left_to_a_person_1(
    access: Run, town: Town
) -> None:
    town.at("web1")[TMP] = f"ops, {ROGUE}"
    by_hand = access("bob", "reconcile", "--fix", "--yes")
    town.at("web1")[TMP] = ROGUE
    town.refusal = "it would leave nobody"
    refused = access("bob", "reconcile", "--fix", "--yes", "--json")

    assert by_hand.code == 1
    assert "edit it by hand" in " ".join(by_hand.out.split())
    assert "opskit does none of it by itself" in by_hand.err
    assert refused.code == 4
    assert json.loads(refused.out)["left"][0]["why"] == "it would leave nobody"


def test_other_forms_hold_the_same(access: Run, town: Town) -> None:
    town.at("web1")[TMP] = ROGUE
    data = json.loads(access("bob", "reconcile", "--json").out)
    sarif = json.loads(access("bob", "reconcile", "-o", "sarif").out)
    junit = ET.fromstring(access("bob", "reconcile", "-o", "junit").out)

    assert data["findings"][0]["rule"] == "SUDO-UNMANAGED"
    assert data["findings"][0]["evidence"][0] == {"file": TMP, "line": 1, "raw": ROGUE.strip()}
    assert sarif["runs"][0]["results"][0]["ruleId"] == "SUDO-UNMANAGED"
    assert junit.attrib["failures"] == "1"


def test_a_database_from_yesterday_is_said_to_be_one(access: Run, town: Town) -> None:
    town.at("web1")["/etc/sudoers.d/opskit-g12"] = "alice ALL=(root) /usr/bin/id\n"
    found = access("bob", "reconcile")
    assert found.code == 1
    assert "the database does not know g12" in found.err
    assert "restored from an older state" in found.err


def test_somebody_new_is_ready_once_all_is_approved(access: Run, town: Town) -> None:
    first = access("dora", "onboard", "alice")
    approved = access("bob", "approve", "r1", "--yes")
    then = access("dora", "onboard", "alice", "--json")

    assert first.code == 3
    assert "opskit access approve r1" in " ".join(first.out.split())
    assert "1 role to go" in first.err
    assert approved.code == 0, approved.err
    assert then.code == 0
    assert json.loads(then.out)["roles"][0]["state"] == "usable"
    assert town.opens("web1", "alice")


def test_a_leaver_is_gone_with_a_proof_and_what_is_to_be_handed_over(
    access: Run, town: Town
) -> None:
    access("dora", "onboard", "alice")
    access("bob", "approve", "r1", "--yes")
    town.at("web2")["/home/bob/.ssh/authorized_keys"] = f"{key_of('alice')}\n"

    asked = access("bob", "offboard", "alice")
    done = access("bob", "offboard", "alice", "--yes", "--reason", "left")

    assert asked.code == 5
    assert "g1 nginx-operator" in asked.err
    assert done.code == 0, done.err
    assert "g1 nginx-operator" in done.out
    assert "nothing of alice is left" in done.err
    assert "set ends: for alice" in done.err
    assert not town.opens("web1", "alice")
    manager = access("bob", "offboard", "charlie", "--yes", "--json")
    assert json.loads(manager.out)["hand_over"][0] == {
        "what": "manager of alice, bob, dora", "where": "access/people.yaml manager:",
    }  # fmt: skip


def test_what_is_left_of_a_leaver_or_could_not_be_looked_at_is_no_success(
    access: Run, town: Town
) -> None:
    town.at("web1")["/etc/sudoers.d/alice"] = "alice ALL=(ALL) ALL\n"
    town.refusal = "it would leave nobody"
    left = access("bob", "offboard", "alice", "--yes")
    town.refusal = ""
    town.unreachable.add("web2")
    lost = access("bob", "offboard", "alice", "--yes")
    nobody = access("bob", "offboard", "zoe", "--yes")

    assert (left.code, lost.code, nobody.code) == (4, 3, 2)
    assert "LEFT: it would leave nobody" in " ".join(left.out.split())
    assert "unknown: could not be reached" in " ".join(lost.out.split())
    assert "--account" in nobody.err
