"""Completion: scripts that shells take, and the words they get."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.rig.plugin import require

_ENTRY = "import sys; sys.argv[0] = 'opskit'; from opskit.cli.main import main; main()"


def completed(line: str) -> list[str]:
    """Return what bash is told when TAB is pressed at the end of `line`."""
    words = line.split(" ")
    own = {
        "_OPSKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", _ENTRY],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [one.partition(",")[2] for one in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_calls_opskit(inside: Inside, shell: str) -> None:
    done = inside("completion", shell)
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert f"_OPSKIT_COMPLETE={shell}_complete" in done.out


def test_another_shell_is_a_usage_error(inside: Inside) -> None:
    done = inside("completion", "tcsh")
    assert done.code == ExitCode.USAGE
    assert "bash" in done.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("opskit fl", ["fleet"]),
        ("opskit monitor up", ["uptime"]),
        ("opskit fleet check --lim", ["--limit"]),
        ("opskit schema al", ["alerts"]),
    ],
)
def test_tab_completes_commands_options_and_choices(line: str, words: list[str]) -> None:
    assert completed(line) == words


def test_bash_itself_completes_with_the_script(inside: Inside, tmp_path: Path) -> None:
    require(None if shutil.which("bash") else "bash is missing: apt-get install bash")
    (tmp_path / "script").write_text(inside("completion", "bash").out)
    entry = tmp_path / "bin" / "opskit"
    entry.parent.mkdir()
    entry.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{_ENTRY}" "$@"\n')
    entry.chmod(0o755)
    program = (
        f"source {tmp_path}/script; COMP_WORDS=(opskit monitor st); COMP_CWORD=2; "
        '_opskit_completion opskit; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        env={**os.environ, "PATH": f"{entry.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("status\n", "")
