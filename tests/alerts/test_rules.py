"""Alert rules: what an alert must carry, and that Prometheus and opskit agree on the form."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opskit.alerts import checking
from opskit.alerts.model import RuleFile
from opskit.core.findings import Finding, Severity
from opskit.outside.documents import parse
from opskit.outside.files import content_root
from opskit.outside.models import validate
from tests.cli.cases import Case, cases
from tests.conftest import CASES
from tests.rig.command import missing
from tests.rig.plugin import require

ALERTS = content_root() / "alerts"
SHIPPED = sorted(
    path for path in ALERTS.rglob("*.yaml") if "tests" not in path.relative_to(ALERTS).parts
)
GOOD = sorted((CASES / "alerts" / "good").glob("*.yaml"))


@pytest.fixture(scope="module")
def promtool() -> str:
    """Require Prometheus's own tool."""
    require(missing({"promtool": "prometheus"}))
    return "promtool"


def lint(path: Path) -> list[Finding]:
    """Return every finding in a file of rules."""
    return list(checking.findings([checking.read(path, "alerts/case.yaml")]))


def ids(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("case", cases("alerts"))
def test_what_an_alert_lacks_is_found(case: Case) -> None:
    assert any(case.explains(finding) for finding in lint(case.path))


@pytest.mark.parametrize("path", [*SHIPPED, *GOOD], ids=ids)
def test_nothing_is_found_where_nothing_is_wrong(path: Path) -> None:
    assert lint(path) == []


def test_there_is_something_to_ship() -> None:
    assert SHIPPED
    assert GOOD


@pytest.mark.parametrize("path", [*SHIPPED, *GOOD], ids=ids)
def test_promtool_takes_what_opskit_takes(promtool: str, path: Path) -> None:
    done = subprocess.run(
        [promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((ALERTS / "tests").glob("*.yaml")), ids=ids)
def test_the_shipped_rules_pass_their_own_tests(promtool: str, path: Path) -> None:
    done = subprocess.run(
        [promtool, "test", "rules", path.name],
        cwd=path.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def rule_names(path: Path) -> list[str]:
    document = parse(path)
    rules = validate(document, RuleFile)
    assert rules is not None
    return [rule.alert for group in rules.groups for rule in group.rules if rule.alert]


@pytest.mark.parametrize("path", SHIPPED, ids=ids)
def test_every_shipped_alert_has_a_test_and_a_runbook(path: Path) -> None:
    every = (one.read_text() for one in (ALERTS / "tests").glob("*_test.yaml"))
    tests = "".join(text for text in every if f"/{path.name}\n" in text)
    runbook = (ALERTS / "README.md").read_text()
    for name in rule_names(path):
        assert f"alertname: {name}\n" in tests
        assert f"### {name}\n" in runbook


@pytest.mark.parametrize("severity", ["info", "warning", "critical", "page", "ticket"])
def test_each_severity_that_routes_an_alert_is_taken(tmp_path: Path, severity: str) -> None:
    text = (
        (CASES / "alerts" / "good" / "everything.yaml")
        .read_text()
        .replace("severity: critical", f"severity: {severity}")
    )
    (tmp_path / "rules.yaml").write_text(text)
    assert lint(tmp_path / "rules.yaml") == []


def test_a_missing_severity_weighs_more_than_a_missing_text(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups: [{name: web, rules: [{alert: Down, expr: node_load1 > 9}]}]\n"
    )
    found = {finding.rule: finding.severity for finding in lint(tmp_path / "rules.yaml")}
    assert found == {"alerts-severity": Severity.MEDIUM, "alerts-annotation": Severity.LOW}


def test_a_recording_rule_wakes_nobody_and_needs_no_runbook(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups: [{name: web, rules: [{record: 'web:up', expr: up}]}]\n"
    )
    assert lint(tmp_path / "rules.yaml") == []
