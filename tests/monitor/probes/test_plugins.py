"""Kinds that other packages bring: found by their entry point, or said to be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from typing import Literal
from pydantic import Field
from opskit.monitor.kinds import LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings

class PigeonProbe(ProbeSettings):
    "A pigeon; up if it is white."
    kind: Literal["pigeon"]
    color: str = Field(description="its color")

def look(probe, around):
    return Sight(Seen.UP) if probe.color == "white" else Sight(Seen.DOWN, "it is not white")

KIND = LookKind(PigeonProbe, look)
"""
LOOK = """
import sys
from pathlib import Path
from tests.monitor.probes.looking import around, look
for color in ("white", "black"):
    sight = look({"kind": "pigeon", "color": color}, around(Path.cwd()))
    print(sight.seen, sight.reason)
"""
ROOT = Path(__file__).resolve().parents[3]


def installed(directory: Path, module: str, entry: str = "KIND") -> Path:
    """Lay out an installed package that offers a kind."""
    (directory / "pigeons.py").write_text(module)
    info = directory / "pigeons-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[opskit.probes]\npigeon = pigeons:{entry}\n")
    return directory


def run(directory: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with that package installed."""
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=directory,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{directory}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        timeout=60,
        check=False,
    )


def test_a_kind_of_another_package_is_one_like_any_other(tmp_path: Path) -> None:
    done = run(installed(tmp_path, GOOD), LOOK)
    assert (done.stdout, done.stderr) == ("up \ndown it is not white\n", "")


@pytest.mark.parametrize(
    ("module", "entry", "says"),
    [
        ("KIND = 7", "KIND", "opskit.probes: pigeon is no kind of probe"),
        (GOOD.replace('"pigeon"', '"http"'), "KIND", "there is a kind 'http' already"),
        (GOOD, "NONE", "opskit.probes: pigeon of pigeons cannot be loaded"),
        ("raise OSError('feathers')", "KIND", "cannot be loaded"),
    ],
)
def test_a_package_whose_kind_is_none_is_named(
    tmp_path: Path, module: str, entry: str, says: str
) -> None:
    done = run(installed(tmp_path, module, entry), "import opskit.monitor.probes")
    assert done.returncode
    assert "ConfigError" in done.stderr
    assert says in done.stderr


def test_a_probe_that_breaks_says_so_and_is_not_the_target_s_fault(tmp_path: Path) -> None:
    broken = GOOD.replace("return Sight(Seen.UP)", "return 1 / 0")
    done = run(installed(tmp_path, broken), LOOK)
    assert done.stdout.startswith("unknown the probe itself failed: ZeroDivisionError")
