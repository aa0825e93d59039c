"""`opskit alerts check`: each mistake has one message where it stands, and Prometheus agrees."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from opskit.alerts import checking
from opskit.alerts.families import own
from opskit.alerts.rules import is_refused
from opskit.core.errors import ExitCode
from opskit.core.findings import Finding, ordered
from opskit.core.metrics import Family
from tests.cli.cases import Case, cases, every
from tests.cli.inside import Inside
from tests.conftest import CASES
from tests.rig.command import missing
from tests.rig.plugin import require

GOOD = CASES / "alertcheck" / "good" / "near_misses.yaml"


def found(path: Path) -> tuple[Finding, ...]:
    """Return what is found in one file, where there is one service."""
    files = [checking.read(path, "rules.yaml")]
    return ordered(list(checking.findings(files, services=frozenset({"shop"}))))


@pytest.mark.parametrize("case", cases("alertcheck"))
def test_a_mistake_is_one_message_where_it_stands(case: Case) -> None:
    (finding,) = found(case.path)
    assert case.explains(finding), finding


def test_what_is_close_to_a_mistake_is_none() -> None:
    assert found(GOOD) == ()


@pytest.mark.real
def test_promtool_refuses_what_ends_with_2_and_nothing_else() -> None:
    require(missing({"promtool": "prometheus"}))
    paths = [case.path for folder in ("alerts", "alertcheck") for case in every(folder)] + [GOOD]
    wrong = []
    for path in paths:
        argv = ["promtool", "check", "rules", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        refused = any(is_refused(one) for one in found(path))
        wrong += [] if refused == (done.returncode != 0) else [f"{path.name}: {done.stderr}"]
    assert not wrong, "\n".join(wrong)


def test_an_expression_of_any_kind_is_judged(tmp_path: Path) -> None:
    lines = [
        line
        for path in sorted((CASES / "promql").rglob("*"))
        if path.is_file() and path.suffix in {".txt", ".promql"}
        for line in path.read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    rules = [{"alert": f"A{number}", "expr": line} for number, line in enumerate(lines)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    assert len(rules) > 50
    assert {one.rule for one in found(tmp_path / "rules.yaml")} > {"alerts-severity"}


def test_records_that_name_each_other_are_judged_at_once(tmp_path: Path) -> None:
    # Followed one by one, the last names the first 4 ** 60 times; and one names itself.
    records = [{"record": "r:0", "expr": "r:60 + opskit_outbox_owed"}]
    records += [{"record": f"r:{n}", "expr": " + ".join([f"r:{n - 1}"] * 4)} for n in range(1, 61)]
    alert = {"alert": "Last", "expr": "r:60 > 1", "labels": {"severity": "info"}}
    groups = [{"name": "all", "rules": [*records, alert]}]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": groups}))
    assert {one.rule for one in found(tmp_path / "rules.yaml")} == {"alerts-annotation"}


def rules(name: str) -> str:
    """Return a file of cases."""
    return (CASES / "alertcheck" / f"{name}.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("good/near_misses", ExitCode.OK),
        ("never_count_below_zero", ExitCode.FINDINGS),
        ("duration_fraction", ExitCode.USAGE),
        ("expression_unclosed", ExitCode.USAGE),
    ],
)
def test_the_end_says_whether_a_file_can_be_loaded_and_trusted(
    inside: Inside, tmp_path: Path, name: str, code: ExitCode
) -> None:
    (tmp_path / "rules.yaml").write_text(rules(name))
    # Nothing but the file is there: no settings, no catalogue.
    assert inside("alerts", "check", "rules.yaml", cwd=tmp_path).code == code


def test_without_a_file_all_below_alerts_are_looked_at(inside: Inside, ops: Path) -> None:
    (ops / "alerts" / "tests").mkdir(parents=True)
    assert inside("alerts", "check").code == ExitCode.USAGE
    (ops / "alerts" / "web.yaml").write_text(rules("never_count_below_zero"))
    (ops / "alerts" / "tests" / "web_test.yaml").write_text("tests: []\n")
    done = inside("alerts", "check", "-o", "json")
    (only,) = json.loads(done.out)["findings"]
    assert (done.code, only["location"]["path"]) == (ExitCode.FINDINGS, "alerts/web.yaml")
    assert only["rule"] == "alerts-never"


def test_a_file_may_count_on_what_another_records(inside: Inside, ops: Path) -> None:
    (ops / "alerts").mkdir()
    (ops / "alerts" / "web.yaml").write_text(rules("record_that_nobody_records"))
    assert inside("alerts", "check").code == ExitCode.FINDINGS
    (ops / "alerts" / "records.yaml").write_text(
        "groups:\n  - name: r\n    rules:\n      - record: service:opskit_up:bool\n"
        '        expr: max by (service) (opskit_service_state{state="up"})\n'
    )
    for files in ((), ("alerts/web.yaml",)):
        assert inside("alerts", "check", *files).code == ExitCode.OK


def test_a_saved_page_makes_an_unknown_name_a_finding(inside: Inside, ops: Path) -> None:
    text = rules("never_count_below_zero").replace("opskit_outbox_owed < 0", "mysql_up == 0")
    (ops / "rules.yaml").write_text(text)
    done = inside("alerts", "check", "rules.yaml", "-o", "json")
    assert [one["severity"] for one in json.loads(done.out)["findings"]] == ["info"]
    assert done.code == ExitCode.OK
    (ops / "page.txt").write_text("# TYPE mysql_up gauge\nmysql_up 1\n")
    assert (
        "nothing is wrong" in inside("alerts", "check", "rules.yaml", "--metrics", "page.txt").err
    )
    (ops / "page.txt").write_text("mysql_global_status_uptime 1\n")
    done = inside("alerts", "check", "rules.yaml", "--metrics", "page.txt")
    assert done.code == ExitCode.FINDINGS


def test_the_forms_for_machines_agree(inside: Inside, ops: Path) -> None:
    (ops / "rules.yaml").write_text(rules("never_count_below_zero"))
    argv = ("alerts", "check", "rules.yaml", "-o")
    sarif = json.loads(inside(*argv, "sarif").out)
    jsonschema.validate(sarif, json.loads((CASES / "cli" / "sarif.schema.json").read_text()))
    (result,) = sarif["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (result["ruleId"], region) == ("alerts-never", {"startLine": 9, "startColumn": 9})
    assert ET.fromstring(inside(*argv, "junit").out).get("failures") == "1"
    (row,) = json.loads(inside(*argv, "json").out)["findings"]
    assert row["location"] == {"path": "rules.yaml", "line": 9, "column": 9}
    assert "rules.yaml:9:9" in inside(*argv, "table").out


def test_check_tells_the_same_as_alerts_check(inside: Inside, ops: Path) -> None:
    (ops / "alerts").mkdir()
    (ops / "alerts" / "web.yaml").write_text(rules("never_windows_meet"))
    told = [
        [one for one in json.loads(inside(*argv, "--json").out)["findings"]
         if one["rule"].startswith("alerts-")]
        for argv in (("check",), ("alerts", "check"))
    ]  # fmt: skip
    assert told[0] == told[1]
    assert len(told[0]) == 1


@pytest.fixture
def page(families: tuple[Family, ...]) -> dict[str, Family]:
    """Return what the page shows, by name."""
    return {family.name: family for family in families}


def test_the_names_that_check_knows_are_those_of_the_page(page: dict[str, Family]) -> None:
    assert set(own()) == set(page)
    assert {name: own()[name].kind for name in page} == {n: one.kind for n, one in page.items()}


def test_series_of_the_page_are_as_check_believes(page: dict[str, Family]) -> None:
    samples = [(own()[name], sample) for name, one in page.items() for sample in one.samples]
    assert len({known.name for known, _ in samples}) > 60
    for known, sample in samples:
        labels = dict(sample.labels)
        assert known.labels is not None
        assert known.labels - known.optional <= set(labels) <= known.labels, known.name
        assert known.low <= sample.value <= known.high, known.name
        for name, values in known.values.items():
            assert labels[name] in values, known.name
