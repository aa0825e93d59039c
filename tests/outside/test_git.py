"""Which commit a directory is at; and a hostile repository runs nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from opskit.outside.git import commit_of
from tests.rig.command import is_root
from tests.rig.plugin import require

GIT = {
    **{name: os.environ[name] for name in ("PATH",)},
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}
CALLER = {"PATH": os.environ["PATH"]}


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=GIT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "ops"
    root.mkdir()
    git(root, "init", "-q")
    (root / "opskit.yaml").write_text("timezone: UTC\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def test_a_clean_checkout_is_its_commit(repository: Path) -> None:
    commit = commit_of(repository, CALLER)
    assert re.fullmatch("[0-9a-f]{12}", commit)
    assert git(repository, "rev-parse", "HEAD").startswith(commit)


def test_a_directory_below_is_at_the_same_commit(repository: Path) -> None:
    (repository / "playbooks").mkdir()
    assert commit_of(repository / "playbooks", CALLER) == commit_of(repository, CALLER)


@pytest.mark.parametrize("staged", [False, True])
def test_a_changed_file_is_a_plus(repository: Path, staged: bool) -> None:
    clean = commit_of(repository, CALLER)
    (repository / "opskit.yaml").write_text("timezone: Europe/Berlin\n")
    if staged:
        git(repository, "add", ".")
    assert commit_of(repository, CALLER) == f"{clean}+"


def test_a_deleted_file_is_a_plus(repository: Path) -> None:
    (repository / "opskit.yaml").unlink()
    assert commit_of(repository, CALLER).endswith("+")


def test_a_file_git_does_not_know_is_no_change(repository: Path) -> None:
    (repository / "notes.txt").touch()
    assert not commit_of(repository, CALLER).endswith("+")


def test_where_there_is_no_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path, {**CALLER, "GIT_CEILING_DIRECTORIES": "/"}) == ""
    assert commit_of(tmp_path / "missing", CALLER) == ""


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path, CALLER) == ""


def test_without_git_there_is_no_commit(repository: Path, tmp_path: Path) -> None:
    assert commit_of(repository, {"PATH": str(tmp_path)}) == ""


def test_the_callers_variables_do_not_point_elsewhere(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    elsewhere = {**CALLER, "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    assert commit_of(repository, elsewhere) == commit_of(repository, CALLER) != ""


def test_somebody_elses_repository_is_not_read(repository: Path) -> None:
    require(None if is_root() else "only root can give a file away")
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 65_534, 65_534)
    assert commit_of(repository, CALLER) == ""


@pytest.mark.parametrize("trap", ["fsmonitor", "hook"])
def test_a_repository_that_names_programs_runs_none(repository: Path, trap: str) -> None:
    marker = repository.parent / "was-here"
    program = repository.parent / "trap"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    if trap == "fsmonitor":
        git(repository, "config", "core.fsmonitor", str(program))
    else:
        (repository / ".git/hooks").mkdir(exist_ok=True)
        (repository / ".git/hooks/post-index-change").symlink_to(program)
    os.utime(repository / "opskit.yaml", (1, 1))  # git has to look at the file again
    commit_of(repository, CALLER)
    assert not marker.exists()
