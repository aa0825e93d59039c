"""The PG rules: states in plain words, and weaknesses planted on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from psycopg import errors, sql

from opskit.access.databases.model import OPTIONS_SINCE, DatabaseState
from opskit.access.findings import AccessFinding
from opskit.access.rules.postgres_objects import RULES, judge
from opskit.access.rules.postgres_view import DatabaseView
from tests.access.databases import plain
from tests.access.databases.place import HBA, Place, placed
from tests.conftest import CASES
from tests.rig import postgres as postgresql
from tests.rig.plugin import require

HERE = CASES / "access" / "rules"
FILES = sorted(HERE.glob("PG-*/*.yaml"))
PLANTED = sorted(HERE.glob("PG-*/plant.sql"))


def told(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def fits(finding: AccessFinding, words: str) -> bool:
    """Return whether a finding is what `high alice: reads every table` says; `*` is any subject."""
    found = re.fullmatch(r"(\S+) (.+?): (.+)", words)
    assert found, words
    severity, subject, message = found.groups()
    same = subject == "*" or finding.subject.startswith(subject)
    return finding.severity.value == severity and same and message in finding.message


@pytest.mark.parametrize("path", FILES, ids=told)
def test_a_case_is_judged_as_it_says(path: Path) -> None:
    case, rule = plain.read(path), path.parent.name
    expected: Sequence[str] = case.get("findings", ())
    assert bool(expected) is path.name.startswith("fail-")
    findings, missing = judge(DatabaseView(plain.state(case)))
    found = [one for one in findings if one.rule == rule]
    assert len(found) == len(expected), [one.message for one in found]
    for finding, words in zip(found, expected, strict=True):
        assert fits(finding, words), (finding.severity, finding.subject, finding.message)
    for step, wanted in zip(found[0].path if found else (), case.get("path", ()), strict=False):
        assert step == wanted
    unasked = [f"{one.target}: {one.reason}" for one in missing if one.rule == rule]
    assert unasked == case.get("not_evaluated", [])


def test_every_rule_has_cases_both_ways_and_is_found_on_a_real_server() -> None:
    for rule in RULES:
        kinds = {path.name.partition("-")[0] for path in FILES if path.parent.name == rule.id}
        assert {"fail", "pass"} <= kinds, rule.id
        assert HERE / rule.id / "plant.sql" in PLANTED, rule.id


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_what_to_do(rule: object) -> None:
    text = getattr(rule, "documentation", "")
    for heading in ("What: ", "Why: ", "Fix: ", "Bad::\n", "Good::\n"):
        assert f"\n{heading}" in text
    assert len(getattr(rule, "title", "")) < 100


@pytest.mark.parametrize("path", [one for one in FILES if one.name.startswith("fail-")], ids=told)
def test_a_finding_stands_on_evidence_and_says_what_to_do(path: Path) -> None:
    case = plain.read(path)
    findings, _ = judge(DatabaseView(plain.state(case)))
    for finding in findings:
        assert finding.evidence
        assert finding.fix
        assert finding.path
        assert finding.target == "server"
    assert len({one.fingerprint for one in findings}) == len(findings)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        yield here


@pytest.fixture(scope="module")
def before(place: Place) -> tuple[AccessFinding, ...]:
    return judged(place)


@pytest.fixture(scope="module")
def after(place: Place, before: tuple[AccessFinding, ...]) -> tuple[AccessFinding, ...]:
    lines = [line for path in PLANTED for line in headers(path, "hba")]
    place.hba("\n".join([*lines, HBA]))  # first: what an earlier line decides is not found
    for path in PLANTED:
        (database,) = headers(path, "database") or ["postgres"]
        place.run(path.read_text(), database=database)
    return judged(place)


def headers(path: Path, name: str) -> list[str]:
    return re.findall(rf"^-- {name}: (.+)$", path.read_text(), re.MULTILINE)


def judged(place: Place) -> tuple[AccessFinding, ...]:
    state = place.kind().observe(["shop-db"], {})["shop-db"].state
    assert isinstance(state, DatabaseState)
    assert state.unknown == {}
    findings, missing = judge(DatabaseView(state))
    assert missing == ()
    return findings


@pytest.mark.parametrize("path", PLANTED, ids=told)
def test_what_is_planted_on_a_server_is_found_there(
    path: Path, before: tuple[AccessFinding, ...], after: tuple[AccessFinding, ...]
) -> None:
    for words in headers(path, "finds"):
        rule = path.parent.name
        assert not [one for one in before if one.rule == rule and fits(one, words)]
        found = [one for one in after if one.rule == rule and fits(one, words)]
        assert found, [f"{o.severity} {o.subject}: {o.message}" for o in after if o.rule == rule]


def test_what_is_well_made_is_not_found(after: tuple[AccessFinding, ...]) -> None:
    assert [one for one in after if "p_good" in one.subject] == []


def test_what_a_fix_says_of_createrole_is_true_of_this_server(place: Place) -> None:
    """On 15 and older CREATEROLE gives itself what runs commands; the severity stands on it."""
    state = place.kind().observe(["shop-db"], {})["shop-db"].state
    assert isinstance(state, DatabaseState)
    place.run("CREATE ROLE p_climber LOGIN CREATEROLE")
    with place.connect("p_climber", place.password("p_climber")) as session:
        statement = sql.SQL("GRANT pg_execute_server_program TO p_climber")
        if state.version >= OPTIONS_SINCE:
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute(statement)
            return
        session.execute(statement)
        row = session.execute("SELECT pg_has_role('pg_execute_server_program', 'USAGE')")
        assert row.fetchone() == (True,)
