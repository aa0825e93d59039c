"""Mistakes between the files are found when they are read, each where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from opskit.access.consistency import Places, consistency
from opskit.access.repository import Names, checked, repository
from opskit.core.findings import Location, Severity
from opskit.outside.files import content_root
from tests.access.world import OFFICE, registry

TODAY = date(2026, 10, 1)


def at(name: str) -> Any:
    return lambda path: Location(f"{name}:{'.'.join(map(str, path))}")


PLACES = Places(at("people"), at("roles"), at("policy"))
ROLE = {"purpose": "One.", "owners": ["platform"], "targets": ["web"], "linux": {}}
BOTH = [{"among": ["owners"]}, {"among": ["manager"]}]


def found(**changes: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Return rule, severity and place of what is wrong with the office once it was changed."""
    return [
        (one.rule, one.severity.value, str(one.location))
        for one in consistency(registry(**changes), PLACES, TODAY)
    ]


def test_the_office_holds_together_but_for_who_has_nobody_above_them() -> None:
    assert {rule for rule, _, _ in found()} == {"access-unsatisfiable"}
    assert {severity for _, severity, _ in found()} == {"medium"}


def test_the_shipped_files_hold_together() -> None:
    files = repository(content_root(), Names(), TODAY)
    assert files.registry is not None
    assert list(checked(files)) == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"teams": {"web": {"purpose": "Web.", "bundle": ["nobody-made-it"]},
                       "platform": {"purpose": "P."}}},
            ("access-unknown-role", "high", "people:teams.web.bundle.0"),
        ),
        (
            {"service_accounts": {"deploy": {"purpose": "D.", "owner": "wbe"}}},
            ("access-unknown-person", "high", "people:service_accounts.deploy.owner.0"),
        ),
        (
            {"service_accounts": {"alice": {"purpose": "D.", "owner": "web"}}},
            ("access-name-twice", "high", "people:service_accounts.alice"),
        ),
        (
            {"service_accounts": {"deploy": {"purpose": "D.", "owner": "web", "account": "bob"}}},
            ("access-account-twice", "high", "people:service_accounts.deploy.account"),
        ),
    ],
)  # fmt: skip
def test_people(changes: Mapping[str, object], wanted: tuple[str, str, str]) -> None:
    assert wanted in found(people=changes)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"owners": ["plattform"]}, ("access-unknown-person", "high", "roles:roles.one.owners.0")),
        ({"targets": ["wbe"]}, ("access-unknown-target", "high", "roles:roles.one.targets.0")),
        ({"approval": "tow"}, ("access-unknown-approval", "high", "roles:roles.one.approval.0")),
        (
            {"linux": None, "postgres": {"member_of": ["readers"]}},
            ("access-role-empty", "high", "roles:roles.one.targets.0"),
        ),
    ],
)
def test_roles(change: Mapping[str, object], wanted: tuple[str, str, str]) -> None:
    roles = {**registry().roles.model_dump(mode="json")["roles"], "one": {**ROLE, **change}}
    assert wanted in found(roles={"roles": roles})


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (
            {"rules": [{"name": "x", "who": ["wbe"]}]},
            ("access-unknown-person", "high", "policy:rules.0.who.0"),
        ),
        (
            {"rules": [{"name": "x", "who": ["web"], "roles": ["nginx"]}]},
            ("access-unknown-role", "high", "policy:rules.0.roles.0"),
        ),
        (
            {"rules": [{"name": "x", "who": ["web"], "targets": ["wbe"]}]},
            ("access-unknown-target", "high", "policy:rules.0.targets.0"),
        ),
        (
            {"rules": [{"name": "x", "who": ["web"], "approval": "tow"}]},
            ("access-unknown-approval", "high", "policy:rules.0.approval.0"),
        ),
        (
            {"approvals": {"default": {"all_of": [{"among": ["ownres"]}]}}},
            ("access-unknown-person", "high", "policy:approvals.default.all_of.0.among.0"),
        ),
        (
            {"separation": [{"name": "x", "roles": ["auditor", "adm"], "because": "So."}]},
            ("access-unknown-role", "high", "policy:separation.0.roles.1"),
        ),
        (
            {"break_glass": {"who": ["web"], "roles": ["adm"], "reviewers": {"among": ["bob"]}}},
            ("access-unknown-role", "high", "policy:break_glass.roles.0"),
        ),
    ],
)
def test_the_policy(changes: Mapping[str, object], wanted: tuple[str, str, str]) -> None:
    assert wanted in found(policy=changes)


def test_what_nobody_could_approve_for_anybody_is_a_mistake() -> None:
    alone = {"all_of": [{"among": ["manager"]}, {"among": ["charlie"]}]}
    rules = [{"name": "x", "who": ["alice"], "roles": ["auditor"]}]
    one = next(
        one
        for one in consistency(
            registry(policy={"approvals": {"default": alone, "two": alone}, "rules": rules}),
            PLACES,
            TODAY,
        )
        if one.rule == "access-unsatisfiable"
    )
    assert one.severity is Severity.HIGH
    assert one.message == "nobody could approve auditor for alice"


def test_who_has_left_approves_nothing_and_asks_for_nothing() -> None:
    rules = [{"name": "x", "who": ["eve"], "roles": ["auditor"]}]
    assert found(policy={"rules": rules}) == []
    only_eve = {"default": {"all_of": [{"among": ["eve"]}]}, "two": {"all_of": BOTH}}
    wanted = [{"name": "x", "who": ["alice"], "roles": ["auditor"]}]
    told = found(policy={"approvals": only_eve, "rules": wanted})
    assert ("access-unsatisfiable", "high", "policy:rules.0") in told


def test_a_role_that_one_person_alone_could_approve_is_told_of() -> None:
    roles = {"one": {**ROLE, "owners": ["bob"]}}
    rules = [{"name": "x", "who": ["alice"]}]
    assert found(roles={"roles": roles}, policy={"rules": rules, "separation": [],
                 "break_glass": None}) == [
        ("FLOW-SOLE-ADMIN", "high", "roles:roles.one")
    ]  # fmt: skip


def test_a_key_that_is_none_is_found_before_anybody_waits() -> None:
    files = repository(OFFICE.parent / "broken", Names(people="people.yaml"), TODAY)
    assert [one.rule for one in checked(files)] == ["access-key"]
