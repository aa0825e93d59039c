"""Alerts go where Alertmanager would send them; mistakes in the file are said in one line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from opskit.alerts.routing.settings import Routes
from opskit.core.errors import DataError
from opskit.outside.models import read
from tests.alerts.routing.world import plan
from tests.rig.plugin import require

TREE = """\
route:
  receiver: ops
  routes:
    - matchers: ['team="db"']
      receiver: db
      routes:
        - {matchers: ['severity="page"'], receiver: db-page}
        - {matchers: ['env=~"dev|test"'], receiver: nobody}
    - {matchers: ['severity=~"page|critical"'], receiver: page, continue: true}
    - {matchers: ['customer!=""'], receiver: care}
    - matchers: ['env="dev"']
      routes:
        - {matchers: ['severity="ticket"'], receiver: nobody, continue: true}
        - {matchers: ['alertname=~"Disk.*"'], receiver: disks}
receivers:
"""
NAMES = ("ops", "db", "db-page", "nobody", "page", "care", "disks")
LABELS = [
    {},
    {"team": "db"},
    {"team": "db", "severity": "page"},
    {"team": "db", "env": "test"},
    {"team": "db", "env": "contest"},
    {"severity": "critical"},
    {"severity": "page", "customer": "acme"},
    {"env": "dev"},
    {"env": "dev", "severity": "ticket"},
    {"env": "dev", "severity": "ticket", "alertname": "DiskFull"},
    {"env": "dev", "severity": "page", "alertname": "DiskFull"},
]


def missing() -> str | None:
    return None if shutil.which("amtool") else "amtool is not installed: .ci/servers"


@pytest.mark.real
@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_alertmanager_sends_them_to_the_same(tmp_path: Path, labels: dict[str, str]) -> None:
    require(missing())
    ours = plan(TREE + "".join(f"  - {{name: {one}, channels: [m]}}\n" for one in NAMES), tmp_path)
    theirs = tmp_path / "alertmanager.yml"
    theirs.write_text(TREE + "".join(f"  - name: {one}\n" for one in NAMES))
    given = [f"{name}={value}" for name, value in labels.items()]
    argv = ["amtool", "config", "routes", "test", f"--config.file={theirs}", *given]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    found = [one.receiver for one in ours.router.ends(labels)]
    assert found == said.strip().split(",")


def test_what_a_node_does_not_say_it_has_from_above(tmp_path: Path) -> None:
    ours = plan(TREE + "".join(f"  - {{name: {one}, channels: [m]}}\n" for one in NAMES), tmp_path)
    (end,) = ours.router.ends({"env": "dev"})
    assert (end.path, end.receiver) == ("0/3", "ops")
    assert end.repeat_interval == 4 * 3_600_000_000


MISTAKES = yaml.safe_load((Path(__file__).parents[2] / "cases/routing/mistakes.yaml").read_text())


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: str(case["says"])[:60])
def test_a_mistake_is_one_line(tmp_path: Path, case: dict[str, str]) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(case["file"])
    with pytest.raises(DataError) as caught:
        read(path, Routes, name="alerts/routes.yaml")
    (finding,) = caught.value.findings
    assert f"{finding.location}: {finding.message}".endswith(case["says"])
