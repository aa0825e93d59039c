"""The callback as Ansible sees it: documented, quiet, and off unless opskit started the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from opskit.outside.ansible.door import callback_directory

PLAY = (
    "- hosts: localhost\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: looked}}]\n"
)


def ansible(program: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs with the callback switched on."""
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env={
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_CALLBACK_PLUGINS": str(callback_directory()),
            "ANSIBLE_CALLBACKS_ENABLED": "opskit_evidence",
        },
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [("opskit_evidence", "One JSON object per line"), ("opskit_silent", "default screen output")],
)
def test_it_is_documented(tmp_path: Path, name: str, says: str) -> None:
    done = ansible("ansible-doc", "-t", "callback", name, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert says in " ".join(done.stdout.split())


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_without_opskit_it_is_off_and_says_nothing(tmp_path: Path, check: tuple[str, ...]) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAY)
    done = ansible("ansible-playbook", *check, str(playbook), home=tmp_path)
    assert done.returncode == 0
    assert not done.stderr
    assert "WARNING" not in done.stdout
    assert not list(tmp_path.glob("**/events.jsonl"))
