"""What was seen on a host against what was granted there: each case a directory of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from opskit.access.comparison import Compared, Expected, Office, compare
from opskit.access.databases.model import DatabaseState, Role
from opskit.access.hosts.model import File, HostState, Remains
from opskit.access.hosts.reading import Facts, Given, state_of
from opskit.access.model import LinuxRights, People
from opskit.access.repair import step
from opskit.access.rules.roster import Roster, roster_of
from opskit.access.rules.unmanaged import Leaver, family
from opskit.access.targets.kinds import (
    Part,
    Placement,
    Presence,
    Session,
    Sight,
    Standing,
    Unmanaged,
)
from opskit.core.clock import HOUR, Instant, parse_instant
from opskit.outside.models import read
from tests.conftest import CASES

FOLDER = CASES / "access" / "reconcile"
NOW = parse_instant("2026-11-22T12:00:00", ZoneInfo("UTC"))
DIRECTORIES = frozenset({"/etc/sudoers.d", "/etc/ssh/sshd_config.d", "/home", "/root"})
NAMES = sorted(one.parent.name for one in FOLDER.glob("*/case.yaml"))


@pytest.fixture(scope="module")
def people() -> People:
    return read(FOLDER / "people.yaml", People)


def files(name: str) -> dict[str, File]:
    found: dict[str, File] = {}
    for root in (FOLDER / "base", FOLDER / name):
        for path in root.rglob("*"):
            where = f"/{path.relative_to(root)}"
            if path.is_file() and path.name != "case.yaml":
                owner = 0 if not where.startswith("/home/") else 1000
                found[where] = File(where, path.read_text(), where, 0o440, owner, owner)
    return found


def state(name: str, case: dict[str, Any]) -> HostState:
    remains = tuple(Remains(who, *what) for who, what in case.get("remains", {}).items())
    facts = Facts(sudo_version="Sudo version 1.9.13p3", remains=remains)
    return state_of("web1", Given(files(name), DIRECTORIES), facts)


def placement(one: dict[str, Any], people: People) -> Placement:
    sudo = [{"commands": one["sudo"]}] if "sudo" in one else []
    rights = LinuxRights.model_validate({"groups": one.get("groups", []), "sudo": sudo})
    keys = [key.key for name in one.get("keys", ()) for key in people.people[name].keys]
    short = tuple(" ".join(key.split()[:2]) for key in keys)
    until = Instant(NOW + HOUR)
    return Placement(one["grant"], one["account"], one["account"], rights, until, short)


def standing(one: dict[str, Any]) -> Standing:
    stands = one.get("stands", "present")
    both = {"partial": (Presence.PRESENT, Presence.PARTIAL)}
    parts = both.get(stands, (Presence(stands),))
    return Standing(one["grant"], tuple(Part("sudo rules", each) for each in parts))


def compared(name: str, people: People) -> tuple[Compared, dict[str, Any]]:
    case: dict[str, Any] = yaml.safe_load((FOLDER / name / "case.yaml").read_text())
    held, coming = case.get("grants", []), case.get("underway", [])
    gone = case.get("gone", {})
    expected = Expected(
        "web1", "linux",
        tuple(placement(one, people) for one in held),
        tuple(placement(one, people) for one in coming),
        gone, frozenset({"root", *case.get("administrators", ())}),
    )  # fmt: skip
    grants = {one["grant"] for one in (*held, *coming)} | gone.keys() | set(case.get("known", ()))
    leavers = {who: Leaver(who, why) for who, why in case.get("leavers", {}).items()}
    office = Office(
        NOW, roster_of(people), leavers, case.get("former", {}), frozenset(grants)
    )  # fmt: skip
    sight = Sight(
        "web1", NOW,
        standings={one["grant"]: standing(one) for one in (*held, *coming)},
        sessions=tuple(Session(who, what) for who, what in case.get("sessions", {}).items()),
        state=state(name, case),
    )  # fmt: skip
    return compare(sight, expected, office), case


@pytest.mark.parametrize("name", NAMES)
def test_a_host_differs_from_what_was_granted_as_its_case_says(name: str, people: People) -> None:
    done, case = compared(name, people)

    assert sorted((one.finding.rule, one.finding.subject, step(one)) for one in done.found) == (
        sorted((one["rule"], one["subject"], one["step"]) for one in case["expect"])
    )
    assert done.unseen == case.get("unseen", "")
    assert done.not_evaluated == ()


@pytest.mark.parametrize("rule", [one.id for one in family.rules])
def test_each_rule_finds_what_its_cases_say_and_nothing_in_a_clean_host(
    rule: str, people: People
) -> None:
    text = next(one for one in family.rules if one.id == rule).documentation
    for part in ("\nWhat: ", "\nWhy: ", "\nFix: ", "\nBad::\n", "\nGood::\n"):
        assert part in text
    found = {name for name in NAMES if rule in {
        one.finding.rule for one in compared(name, people)[0].found
    }}  # fmt: skip
    assert found
    assert "clean" not in found


def test_a_finding_names_the_line_and_the_way_to_the_right(people: People) -> None:
    done, _ = compared("group-member", people)

    finding = done.found[0].finding

    assert finding.path[:2] == ("bob", "member of sudo")
    assert finding.evidence[0].file == "/etc/sudoers"
    assert finding.evidence[0].line == 2
    assert finding.message == (
        "bob may run every command as ALL:ALL, and no grant gives it"
    )  # fmt: skip


def test_a_fingerprint_does_not_depend_on_where_a_rule_stands(people: People) -> None:
    there, other = compared("rogue-rule", people)[0], compared("two-rules-of-one-file", people)[0]
    prints = {one.finding.fingerprint for one in (*there.found, *other.found)}
    assert len(prints) == 3


def test_what_was_not_reached_or_not_read_is_no_clean_host() -> None:
    expected, office = Expected("web1", "linux"), Office(NOW, Roster({}, {}))

    lost = compare(Sight("web1", NOW, reached=False, reason="no route"), expected, office)
    silent = compare(Sight("web1", NOW), expected, office)
    torn = compare(Sight("web1", NOW, reason="/etc/passwd: too large"), expected, office)
    bare = compare(Sight("web1", NOW, state=HostState("web1", {})), expected, office)

    assert lost.unseen == "could not be reached: no route"
    assert "said nothing of its files" in silent.unseen
    assert "/etc/passwd: too large" in torn.unseen
    assert {one.rule for one in bare.not_evaluated} == {
        "SUDO-UNMANAGED", "SSH-KEY-UNGRANTED", "ACC-LEAVER", "SSH-KEY-UNKNOWN",
    }  # fmt: skip


def test_in_a_database_memberships_and_logins_of_leavers_are_told() -> None:
    database = DatabaseState("db", 150000, roles=(Role("eve", 17, login=True), Role("dba", 18)))
    unmanaged = (
        Unmanaged("membership", "eve in readers", "eve", "readers"),
        Unmanaged("attribute", "dba SUPERUSER", "dba", "SUPERUSER"),
    )
    sight = Sight("db", NOW, unmanaged=unmanaged, state=database)
    office = Office(NOW, Roster({}, {}), {"eve": Leaver("eve", "left on 2026-09-30")})

    done = compare(sight, Expected("db", "postgres", administrators=frozenset({"dba"})), office)

    assert [(one.finding.rule, one.person, step(one)) for one in done.found] == [
        ("ACC-LEAVER", "eve", "take LOGIN of eve"),
        ("PG-UNMANAGED", "eve", "remove membership eve in readers"),
    ]


def test_every_case_is_read() -> None:
    assert {one.name for one in FOLDER.iterdir() if one.is_dir()} == {*NAMES, "base"}
    assert Path(FOLDER / "README.md").exists()
