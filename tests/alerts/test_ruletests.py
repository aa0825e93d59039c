"""Tests of rules end as promtool ends them, without a Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from opskit.outside.files import content_root
from tests.cli.inside import Inside
from tests.rig.command import missing
from tests.rig.plugin import require

CASES = Path(__file__).parents[1] / "cases/ruletests"
GOOD = sorted((CASES / "good").glob("*.yaml"))
BAD = sorted((CASES / "bad").glob("*.yaml"))
INVALID = sorted((CASES / "invalid").glob("*.yaml"))
SHIPPED = sorted((content_root() / "alerts/tests").glob("*.yaml"))


def by_name(path: Path) -> str:
    return path.stem


@pytest.mark.real
@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=by_name)
def test_promtool_says_the_same(path: Path) -> None:
    require(missing({"promtool": "prometheus"}))
    argv = ["promtool", "test", "rules", path.name]
    done = subprocess.run(argv, cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode == (path in BAD), done.stdout


@pytest.mark.parametrize("promql", ["2", "3"])
@pytest.mark.parametrize("path", [*GOOD, *SHIPPED], ids=by_name)
def test_what_is_as_expected_passes(inside: Inside, path: Path, promql: str) -> None:
    done = inside("alerts", "test", str(path), "--promql", promql)
    assert done.code == 0, done.out
    assert "passed" in done.out


@pytest.mark.parametrize("path", BAD, ids=by_name)
def test_what_is_not_fails_and_says_what_came(inside: Inside, path: Path) -> None:
    done = inside("alerts", "test", str(path))
    assert done.code == 1
    assert f"{path.name}: 1 of 1 test failed" in done.out
    assert "expected" in done.out
    assert "got" in done.out


@pytest.mark.parametrize("path", INVALID, ids=by_name)
def test_what_is_no_test_is_told_in_one_line(inside: Inside, path: Path) -> None:
    done = inside("alerts", "test", str(path))
    assert done.code == 2
    assert path.read_text().splitlines()[0].removeprefix("# ") in done.err


def test_ci_reads_junit(inside: Inside) -> None:
    done = inside("alerts", "test", str(GOOD[0]), str(BAD[0]), "-o", "junit")
    root = ET.fromstring(done.out)
    assert (root.get("tests"), root.get("failures")) == ("6", "1")
