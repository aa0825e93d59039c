"""`opskit check`: each mistake is named where it stands, in every form, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from opskit.core.errors import ExitCode
from tests.cli.cases import Case, cases, every
from tests.cli.inside import Inside
from tests.conftest import CASES, Opskit

PEOPLE = "---\nteams:\n  web:\n    purpose: Builds the site.\n"
SERVICES = (
    "---\nservices:\n  shop:\n    owner: web\n    probes:\n"
    "      - kind: tcp\n        address: 127.0.0.1:22\n"
)
# Ansible has no say here: without a playbook and an inventory it is not even started.
NO_ANSIBLE = {"fleet-inventory", "fleet-standard"}
SARIF = json.loads((CASES / "cli" / "sarif.schema.json").read_text())


@pytest.fixture
def repository(ops: Path) -> Path:
    """Write files in which nothing is wrong, and take Ansible's part away."""
    (ops / "access").mkdir()
    (ops / "alerts").mkdir()
    (ops / "access" / "people.yaml").write_text(PEOPLE)
    (ops / "services.yaml").write_text(SERVICES)
    for path in (ops / "playbooks" / "standard.yml", ops / "inventory" / "hosts.ini"):
        path.unlink()
    return ops


def checked(inside: Inside) -> list[dict[str, Any]]:
    """Return what `opskit check` finds, but for what the fixture took away."""
    findings = json.loads(inside("check", "--json").out)["findings"]
    return [one for one in findings if one["rule"] not in NO_ANSIBLE]


def place_of(finding: Mapping[str, Any]) -> str:
    """Return `path:line:column` of a finding, as far as it says."""
    place = finding["location"]
    assert place is not None, f"{finding['rule']} names no file"
    return ":".join(str(part) for part in place.values() if part)


def test_nothing_is_wrong_with_the_files_the_cases_start_from(
    repository: Path, inside: Inside
) -> None:
    assert checked(inside) == []


def assert_found(case: Case, path: str, findings: list[dict[str, Any]]) -> None:
    wanted = (case.rule, case.subject)
    (finding,) = [one for one in findings if (one["rule"], one["subject"]) == wanted]
    assert place_of(finding) == (f"{path}:{case.place}" if case.place else path)
    assert case.says in finding["message"]
    assert case.fix in finding["fix"]


@pytest.mark.parametrize("case", cases("alerts"))
def test_a_mistake_in_an_alert_is_named_where_it_stands(
    repository: Path, inside: Inside, case: Case
) -> None:
    (repository / "alerts" / "case.yaml").write_bytes(case.path.read_bytes())
    assert_found(case, "alerts/case.yaml", checked(inside))


@pytest.mark.parametrize("case", cases("cli", "people_*"))
def test_a_mistake_in_the_people_is_named_where_it_stands(
    repository: Path, inside: Inside, case: Case
) -> None:
    (repository / "access" / "people.yaml").write_bytes(case.path.read_bytes())
    assert_found(case, "access/people.yaml", checked(inside))


@pytest.mark.parametrize("case", cases("cli", "desk_*"))
def test_a_mistake_in_the_desk_is_named_where_it_stands(
    repository: Path, inside: Inside, case: Case
) -> None:
    (repository / "desk.yaml").write_bytes(case.path.read_bytes())
    assert_found(case, "desk.yaml", checked(inside))


@pytest.mark.parametrize("case", cases("cli", "settings_*"))
def test_a_mistake_in_the_settings_ends_every_command_with_its_place(
    repository: Path, inside: Inside, case: Case
) -> None:
    (repository / "opskit.yaml").write_bytes(case.path.read_bytes())
    done = inside("config", "show")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    first = done.err.splitlines()[0]
    assert first.startswith(f"opskit.yaml:{case.place}: {case.subject}: ")
    assert case.says in first
    assert case.fix in first


def test_one_mistake_is_one_finding(repository: Path, inside: Inside) -> None:
    # A second finding would send somebody looking for a mistake that is not there.
    wrong = []
    for case in every("monitor"):
        (repository / "services.yaml").write_bytes(case.path.read_bytes())
        found = [f"{place_of(one)} {one['message']}" for one in checked(inside)]
        wrong += [f"{case.path.name}: {found}"] if len(found) != 1 else []
    assert not wrong, "\n".join(wrong)


def test_an_owner_who_is_nobody_is_named_in_the_file_that_names_them(
    repository: Path, inside: Inside
) -> None:
    (repository / "services.yaml").write_text(SERVICES.replace("owner: web", "owner: wep"))
    (found,) = checked(inside)
    assert found["rule"] == "access-unknown-owner"
    assert found["fix"] == "did you mean 'web'?"
    assert place_of(found) == "services.yaml:4:5"


@pytest.mark.parametrize("name", ["services.yaml", "access/people.yaml"])
def test_a_missing_file_is_a_finding(repository: Path, inside: Inside, name: str) -> None:
    (repository / name).unlink()
    rules = {(one["rule"], place_of(one)) for one in checked(inside)}
    assert rules == {("file-missing", name)}


@pytest.fixture
def bad(repository: Path) -> Path:
    """Put a mistake into every kind of file."""
    (repository / "services.yaml").write_text(SERVICES.replace("owner", "ownr"))
    (repository / "access" / "people.yaml").write_text(PEOPLE + "people:\n  alice:\n    name: ''\n")
    (repository / "alerts" / "web.yaml").write_text("groups:\n  - name: web\n    rules: 3\n")
    (repository / "playbooks" / "other.yml").write_text("- hosts: all\n  tasks: [\n")
    return repository


def test_findings_end_with_1_and_say_so_in_every_form(bad: Path, inside: Inside) -> None:
    for form in ("table", "json", "yaml", "junit", "sarif"):
        assert inside("check", "-o", form).code == ExitCode.FINDINGS, form


def test_the_forms_for_machines_agree(bad: Path, inside: Inside) -> None:
    as_json = json.loads(inside("check", "-o", "json").out)
    as_yaml = yaml.safe_load(inside("check", "-o", "yaml").out)
    sarif = json.loads(inside("check", "-o", "sarif").out)
    junit = ET.fromstring(inside("check", "-o", "junit").out)
    assert as_json == as_yaml
    assert as_json["count"] == len(as_json["findings"]) > 4
    rules = sorted(one["rule"] for one in as_json["findings"])
    assert rules == sorted(one["ruleId"] for one in sarif["runs"][0]["results"])
    assert junit.attrib["failures"] == str(as_json["count"])
    cases_found = junit.iter("testcase")
    assert rules == sorted(case.attrib["name"].split()[0] for case in cases_found)


def test_junit_has_a_suite_for_each_file(bad: Path, inside: Inside) -> None:
    junit = ET.fromstring(inside("check", "-o", "junit").out)
    names = {suite.attrib["name"] for suite in junit.iter("testsuite")}
    assert {
        "services.yaml",
        "access/people.yaml",
        "alerts/web.yaml",
        "playbooks/standard.yml",
    } <= names
    for suite in junit.iter("testsuite"):
        assert len(suite) == int(suite.attrib["tests"]) == int(suite.attrib["failures"])


def test_sarif_is_what_code_scanning_reads(bad: Path, inside: Inside) -> None:
    document = json.loads(inside("check", "-o", "sarif").out)
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    declared = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in run["results"]} == declared


def test_a_finding_keeps_its_fingerprint_when_it_moves(bad: Path, inside: Inside) -> None:
    def fingerprints() -> dict[str, str]:
        results = json.loads(inside("check", "-o", "sarif").out)["runs"][0]["results"]
        return {
            one["partialFingerprints"]["opskit/v1"]: one["ruleId"]
            for one in results
            if one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "services.yaml"
        }

    before = fingerprints()
    text = (bad / "services.yaml").read_text()
    (bad / "services.yaml").write_text(text.replace("---", "---\n# moved\n# down"))
    assert fingerprints() == before
    assert before


def test_no_finding_is_a_passed_case_and_an_empty_run(
    tmp_path: Path, home: Path, inside: Inside
) -> None:
    assert inside("init", "laid", cwd=tmp_path).code == ExitCode.OK
    laid = tmp_path / "laid"
    junit = ET.fromstring(inside("check", "-o", "junit", cwd=laid).out)
    assert (junit.attrib["tests"], junit.attrib["failures"]) == ("1", "0")
    sarif = json.loads(inside("check", "-o", "sarif", cwd=laid).out)
    jsonschema.validate(sarif, SARIF)
    assert sarif["runs"][0]["results"] == []


def test_a_table_for_people_says_where_what_and_how_to_fix_it(
    repository: Path, inside: Inside
) -> None:
    (repository / "access" / "people.yaml").write_text(PEOPLE.replace("purpose", "purpse"))
    done = inside("check")
    assert "access/people.yaml:4:5" in done.out
    assert "did you mean 'purpose'?" in done.out
    assert "4 findings" in done.err


def test_ansible_has_its_say_on_the_playbook_and_the_inventory(ops: Path, opskit: Opskit) -> None:
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text(PEOPLE)
    (ops / "services.yaml").write_text(SERVICES)
    (ops / "inventory" / "hosts.ini").write_text("[empty]\n")
    (ops / "playbooks" / "standard.yml").write_text("- hosts: all\n  tasks:\n    - nonsense: yes\n")
    done = opskit("check", "--json")
    assert done.code == ExitCode.FINDINGS
    rules = {one["rule"] for one in json.loads(done.out)["findings"]}
    assert rules == {"fleet-syntax", "fleet-inventory-empty"}
