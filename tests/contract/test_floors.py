"""The machine that holds the floors up notices when one is broken on purpose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Where something is added, what, and the contract that must be named for it.
BREAKS = {
    "sibling slice": (
        "fleet/rules.py",
        "import opskit.monitor.rules",
        "Upper floors import lower ones, never the other way",
    ),
    "upper floor": (
        "core/text.py",
        "import opskit.records.ledger",
        "Upper floors import lower ones, never the other way",
    ),
    "slice in the report": (
        "report/figures.py",
        "import opskit.monitor.uptime",
        "The report knows evidence, not slices, records or the outside",
    ),
    "requests in rules": ("alerts/rules.py", "import requests", "One door to requests"),
    "rules that look": (
        "monitor/rules.py",
        "import socket",
        "Models and rules decide; they do not look, ask or write",
    ),
    "core that reads": (
        "core/people.py",
        "import pathlib",
        "core is pure: nothing foreign, no input or output",
    ),
    "second door to click": ("app.py", "import click", "One door to click"),
    "room upside down": (
        "monitor/model.py",
        "import opskit.monitor.store",
        "Rooms inside the monitor slice",
    ),
    "drawer without a floor": (
        "utils.py",
        "",
        "Upper floors import lower ones, never the other way",
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package and its contracts."""
    copy = tmp_path_factory.mktemp("house")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "opskit", copy / "opskit", ignore=ignored)
    shutil.copyfile(ROOT / "pyproject.toml", copy / "pyproject.toml")
    return copy


def contracts(house: Path) -> dict[str, str]:
    """Return each contract's verdict: KEPT or BROKEN."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program], cwd=house, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(house), "PATH": "", "COLUMNS": "200"},
    )  # fmt: skip
    lines = [line.rpartition(" ") for line in done.stdout.splitlines()]
    verdicts = {name: verdict for name, _, verdict in lines if verdict in {"KEPT", "BROKEN"}}
    assert verdicts, done.stdout + done.stderr
    assert done.returncode == ("BROKEN" in verdicts.values())
    return verdicts


def test_as_it_stands_no_contract_is_broken(house: Path) -> None:
    assert set(contracts(house).values()) == {"KEPT"}


@pytest.mark.parametrize(("path", "line", "contract"), BREAKS.values(), ids=BREAKS)
def test_a_broken_floor_is_reported_by_name(
    house: Path, path: str, line: str, contract: str
) -> None:
    module = house / "opskit" / path
    before = module.read_text() if module.exists() else None
    module.write_text(f"{before or ''}\n{line}\n")
    try:
        assert contracts(house)[contract] == "BROKEN"
    finally:
        if before is None:
            module.unlink()
        else:
            module.write_text(before)
