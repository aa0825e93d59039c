"""`opskit alerts new`: what it writes passes at once, and nothing is written over."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.rig.command import missing
from tests.rig.plugin import require

DRAFTS = {
    "QueueLong": "--metric opskit_outbox_owed --above 100",
    "DiskAlmostFull": "--metric opskit_disk_used_ratio --above 0.9 --severity page",
    "TargetDown": '--metric opskit_target_state{state="up"} --below 1',
    "BudgetLow": "--metric opskit_service_error_budget_left_ratio --below 0.25",
    "LoadHigh": "--metric node_load1 --above 8 --team web",
    "NodesGone": '--kind absent --metric up{job="node"}',
    "BurnsFast": "--kind burn-rate",
    "BurnsSlowly": "--kind burn-rate --above 6",
    "DiskFull": "--kind forecast --metric node_filesystem_avail_bytes --below 0",
    "LoadGrows": "--kind forecast --metric node_load1 --above 50 --within 1d",
    "DomainEnds": "--kind expiry --metric opskit_domain_expiry_timestamp_seconds --within 60d",
}


@pytest.mark.parametrize("name", DRAFTS)
def test_what_is_drafted_is_clean_and_passes_its_own_test(
    inside: Inside, ops: Path, name: str
) -> None:
    done = inside("alerts", "new", name, *DRAFTS[name].split())
    assert done.code == ExitCode.OK, done.err
    rules, tests, runbook = done.out.split()
    checked = inside("alerts", "check")
    assert (checked.code, checked.out) == (ExitCode.OK, ""), checked.out
    tested = inside("alerts", "test", tests)
    assert tested.code == ExitCode.OK, tested.out
    assert f"#{name.lower()}" in (ops / rules).read_text()
    assert f"### {name}\n" in (ops / runbook).read_text()


@pytest.mark.real
def test_promtool_agrees_with_every_draft(inside: Inside, ops: Path) -> None:
    require(missing({"promtool": "prometheus"}))
    for name, options in DRAFTS.items():
        inside("alerts", "new", name, *options.split())
    tests = [path.name for path in sorted((ops / "alerts/tests").glob("*.yaml"))]
    assert len(tests) == len(DRAFTS)
    argv = ["promtool", "test", "rules", *tests]
    done = subprocess.run(
        argv, cwd=ops / "alerts/tests", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_test_that_was_drafted_fails_when_the_bound_moves(inside: Inside, ops: Path) -> None:
    inside("alerts", "new", "LoadHigh", *DRAFTS["LoadHigh"].split())
    rules = ops / "alerts/load-high.yaml"
    rules.write_text(rules.read_text().replace("> 8", ">= 8"))
    done = inside("alerts", "test", "alerts/tests/load-high_test.yaml")
    assert done.code == ExitCode.FINDINGS


def test_nothing_is_written_over(inside: Inside, ops: Path) -> None:
    argv = ("alerts", "new", "QueueLong", *DRAFTS["QueueLong"].split())
    inside(*argv)
    before = {path: path.read_text() for path in (ops / "alerts").rglob("*") if path.is_file()}
    for gone in (None, ops / "alerts/queue-long.yaml", ops / "alerts/tests/queue-long_test.yaml"):
        if gone is not None:
            gone.unlink()
            before.pop(gone)
        assert inside(*argv).code == ExitCode.REFUSED
        left = {path: path.read_text() for path in (ops / "alerts").rglob("*") if path.is_file()}
        assert left == before


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("queue --metric up --below 1", "is no name of an alert"),
        ("Queue --above 1", "needs --metric"),
        ("Queue --metric up", "needs a bound"),
        ("Queue --metric rate(up[5m]) --above 1", "is no metric"),
        ("Queue --metric up{ --above 1", "--metric:"),
        ("Queue --metric up --above 1 --below 0", "one of --above and --below"),
        ("Queue --metric opskit_disk_used_ratio --above 90", "within 0 .. 1"),
        ("Queue --kind burn-rate --metric up", "leave out --metric"),
        ("Queue --kind forecast --metric up --below 0 --within 1h", "2 hours ahead"),
        ("Queue --kind expiry --metric up --within soon", "is no length"),
    ],
)
def test_what_does_not_go_together_is_told_in_one_line(
    inside: Inside, ops: Path, argv: str, says: str
) -> None:
    done = inside("alerts", "new", *argv.split())
    assert done.code == ExitCode.USAGE
    assert says in done.err
    assert not (ops / "alerts").exists()
