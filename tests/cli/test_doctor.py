"""`opskit doctor`: every problem with its fix, and no green line about what was not looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.conftest import Opskit


@pytest.fixture
def whole(ops: Path) -> Path:
    """Write the service catalogue, without which the repository is not whole."""
    (ops / "services.yaml").write_text(
        "services: {shop: {owner: web, probes: [{kind: tcp, address: 'localhost:1'}]}}\n"
    )
    return ops


def examined(inside: Inside, code: ExitCode, cwd: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return what the doctor says, by subject, after it ended with `code`."""
    done = inside("doctor", "--json", cwd=cwd)
    assert done.code == code
    return {row["subject"]: row for row in json.loads(done.out)["rows"]}


def test_a_whole_place_is_healthy(whole: Path, opskit: Opskit) -> None:
    done = opskit("doctor", "--json")
    found = json.loads(done.out)["rows"]
    assert {row["health"] for row in found} <= {"ok", "warning"}
    assert done.code == ExitCode.OK
    subjects = {row["subject"] for row in found}
    assert {"opskit", "ansible-playbook", "ssh", "git", "database", "services.yaml"} <= subjects


def test_without_a_path_each_program_is_missed_with_its_fix(
    whole: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    found = examined(inside, ExitCode.FINDINGS)
    assert found["ssh"]["health"] == "problem"
    assert "apt-get install openssh-client" in found["ssh"]["fix"]
    assert found["git"]["health"] == "warning"
    assert "apt-get install git" in found["git"]["fix"]
    # Ansible is found beside the interpreter that opskit runs on.
    assert found["ansible-playbook"]["health"] == "ok"


def test_a_place_without_a_repository_is_a_problem_with_a_fix(
    tmp_path: Path, inside: Inside
) -> None:
    found = examined(inside, ExitCode.FINDINGS, tmp_path)
    assert found["configuration"]["health"] == "problem"
    assert "opskit init" in found["configuration"]["fix"]


def test_a_file_that_is_not_there_is_a_problem_with_a_fix(whole: Path, inside: Inside) -> None:
    gone = ("playbooks/standard.yml", "inventory/hosts.ini", "services.yaml")
    for name in gone:
        (whole / name).unlink()
    found = examined(inside, ExitCode.FINDINGS)
    bad = {subject for subject, row in found.items() if row["health"] == "problem"}
    assert bad == {Path(name).name for name in gone}
    assert all(found[subject]["fix"] for subject in bad)


def test_a_damaged_database_is_a_problem_with_a_fix(whole: Path, inside: Inside) -> None:
    assert inside("ledger", "verify").code == ExitCode.OK
    for rest in whole.glob(".opskit/opskit.db-*"):
        rest.unlink()
    (whole / ".opskit" / "opskit.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    bad = [row for row in examined(inside, ExitCode.FINDINGS).values() if row["health"] != "ok"]
    assert bad
    assert all(row["fix"] for row in bad)


def test_the_table_shows_each_problem_with_its_fix(
    tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    done = inside("doctor", cwd=tmp_path)
    assert done.code == ExitCode.FINDINGS
    (line,) = [line for line in done.out.splitlines() if line.startswith("configuration  ")]
    assert line.split()[1] == "problem"
    assert "opskit init DIR" in line
