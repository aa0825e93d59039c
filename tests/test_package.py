"""The wheel is the program: what it carries, and that it runs from there alone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout and unpack it."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "unpacked")
    return directory / "unpacked"


@pytest.mark.parametrize(
    "path",
    [
        "opskit/py.typed",
        "opskit/outside/ansible/neutral.cfg",
        "opskit/outside/migrations/env.py",
        "opskit/content/playbooks/baseline.yml",
        "opskit/content/playbooks/plugins/callback/opskit_evidence.py",
        "opskit/content/alerts/baseline/host.yaml",
        "opskit/content/access/people.yaml",
        "opskit/content/opskit.yaml",
    ],
)
def test_the_wheel_carries_what_the_program_reads(unpacked: Path, path: str) -> None:
    assert (unpacked / path).is_file()


def test_the_wheel_has_no_tests_and_no_state(unpacked: Path) -> None:
    names = {path.name for path in unpacked.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"opskit"}


def test_an_ops_repository_laid_out_from_the_wheel_is_well_formed(
    unpacked: Path, tmp_path: Path, home: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-P", "-m", "opskit", *arguments]
        return subprocess.run(
            argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )

    laid_out = run("init", "ops", cwd=tmp_path)
    assert laid_out.returncode == 0, laid_out.stderr
    checked = run("check", cwd=tmp_path / "ops")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr
