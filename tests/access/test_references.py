"""People and teams: whoever is named is somebody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from opskit.access.model import People
from opskit.access.references import owners, references
from opskit.core.findings import Finding, Location, Severity
from opskit.monitor.catalogue import Catalogue
from opskit.outside.documents import parse
from opskit.outside.files import content_root
from opskit.outside.models import read, validate
from tests.cli.cases import Case, cases

PATH = "access/people.yaml"
ALICE = {"name": "Alice Example", "team": "web"}
WEB = {"web": {"purpose": "Builds the site."}}


def people(persons: Mapping[str, Any], teams: Mapping[str, Any] = WEB) -> People:
    """Return people as they are read from a file."""
    return People.model_validate_json(json.dumps({"people": persons, "teams": teams}), strict=True)


def nowhere(_key_path: tuple[str | int, ...]) -> Location:
    """Stand in for a file where none was read."""
    return Location(PATH)


def lint(known: People) -> list[tuple[str, str]]:
    """Return (rule, subject) of each reference that leads nowhere."""
    return [(one.rule, one.subject) for one in references(known, PATH, nowhere)]


@pytest.mark.parametrize("case", cases("cli", "people_[bn]*"))
def test_a_mistake_in_the_file_is_found_where_it_stands(case: Case) -> None:
    document = parse(case.path, name=PATH)
    assert validate(document, People) is None
    assert any(case.explains(finding) for finding in document.findings)


@pytest.mark.parametrize("case", cases("cli", "people_unknown_[mt]*"))
def test_a_reference_that_leads_nowhere_is_found(case: Case) -> None:
    document = parse(case.path, name=PATH)
    known = validate(document, People)
    assert known is not None
    (found,) = references(known, PATH, document.place)
    assert case.explains(found)


def test_everybody_named_is_somebody_in_the_shipped_files() -> None:
    known = read(content_root() / "access" / "people.yaml", People)
    catalogue = read(content_root() / "services.yaml", Catalogue)
    owned = {name: service.owner for name, service in catalogue.services.items()}
    assert list(references(known, PATH, nowhere)) == []
    assert list(owners(known, owned, PATH, nowhere)) == []
    assert owned


def test_a_manager_may_be_anybody_in_the_file_and_nobody_else() -> None:
    known = people(
        {"alice": {**ALICE, "manager": "bob"}, "bob": {"name": "Bob", "manager": "carol"}}
    )
    assert lint(known) == [("access-unknown-manager", "people.bob.manager")]


def test_a_team_is_no_manager_and_a_person_no_team() -> None:
    known = people({"alice": {**ALICE, "manager": "web"}, "bob": {"name": "Bob", "team": "alice"}})
    assert lint(known) == [
        ("access-unknown-manager", "people.alice.manager"),
        ("access-unknown-team", "people.bob.team"),
    ]


def owner(name: str, known: People) -> list[Finding]:
    return list(owners(known, {"shop": name}, PATH, nowhere))


@pytest.mark.parametrize("name", ["alice", "web"])
def test_a_person_or_a_team_may_own_something(name: str) -> None:
    assert owner(name, people({"alice": ALICE})) == []


def test_an_owner_who_is_nobody_is_found_with_the_nearest_name() -> None:
    (found,) = owner("alcie", people({"alice": ALICE}))
    assert (found.rule, found.subject) == ("access-unknown-owner", "services.shop.owner")
    assert found.severity is Severity.MEDIUM
    assert found.fix == "did you mean 'alice'?"


def test_an_owner_like_nobody_is_to_be_added() -> None:
    (found,) = owner("finance", people({"alice": ALICE}))
    assert found.fix == f"add it to {PATH}"


def test_a_file_without_anybody_knows_nobody() -> None:
    assert lint(people({}, {})) == []
    assert len(owner("web", people({}, {}))) == 1


@pytest.mark.parametrize("ends", ["2030-12-31", None])
def test_the_last_day_is_a_day_or_not_known(ends: str | None) -> None:
    known = people({"alice": {**ALICE, "ends": ends}})
    assert str(known.people["alice"].ends) == str(ends)
