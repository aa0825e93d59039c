"""What Ansible gets of the caller's world: little, and nothing that changes what a run means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.outside.ansible import mitogen
from opskit.outside.ansible.door import environment

CALLER = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/alice",
    "SSH_AUTH_SOCK": "/run/agent",
    "TZ": "Europe/Berlin",
    "ANSIBLE_FORKS": "7",
}


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "PYTHONPATH", "OPSKIT_DATABASE", "PYTHONSTARTUP"],
)
def test_what_is_not_named_is_left_behind(tmp_path: Path, name: str) -> None:
    assert name not in environment(tmp_path, {**CALLER, name: "/tmp/else"})


@pytest.mark.parametrize("name", ["HOME", "SSH_AUTH_SOCK", "TZ", "ANSIBLE_FORKS"])
def test_what_a_run_needs_is_kept(tmp_path: Path, name: str) -> None:
    assert environment(tmp_path, CALLER)[name] == CALLER[name]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ANSIBLE_HOST_KEY_CHECKING", "True"),
        ("ANSIBLE_HOST_PATTERN_MISMATCH", "error"),
        ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "True"),
        ("ANSIBLE_RETRY_FILES_ENABLED", "False"),
        ("ANSIBLE_ASK_PASS", "False"),
        ("ANSIBLE_ASK_VAULT_PASS", "False"),
        ("ANSIBLE_BECOME_ASK_PASS", "False"),
        ("LC_ALL", "C.UTF-8"),
    ],
)
def test_the_caller_cannot_make_a_run_less_truthful(tmp_path: Path, name: str, wanted: str) -> None:
    assert environment(tmp_path, {**CALLER, name: "something else"})[name] == wanted


def test_ansible_comes_from_beside_opskit_first(tmp_path: Path) -> None:
    first, *rest = environment(tmp_path, CALLER)["PATH"].split(os.pathsep)
    assert Path(first, "ansible-playbook").exists()
    assert rest == ["/usr/bin", "/bin"]


def test_the_projects_own_settings_are_used_if_only_its_owner_writes_them(tmp_path: Path) -> None:
    own = tmp_path / "ansible.cfg"
    own.write_text("[defaults]\n")
    hostile = {**CALLER, "ANSIBLE_CONFIG": "/tmp/hostile.cfg"}
    assert environment(tmp_path, hostile)["ANSIBLE_CONFIG"] == str(own)
    tmp_path.chmod(0o777)
    neutral = Path(environment(tmp_path, hostile)["ANSIBLE_CONFIG"])
    assert neutral.name == "neutral.cfg"
    assert neutral.is_file()


def test_without_settings_of_its_own_a_project_gets_none_of_the_callers(tmp_path: Path) -> None:
    hostile = {**CALLER, "ANSIBLE_CONFIG": "/tmp/hostile.cfg"}
    assert Path(environment(tmp_path, hostile)["ANSIBLE_CONFIG"]).name == "neutral.cfg"


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({}, "/home/alice/.ansible/plugins/strategy"),
        ({"ANSIBLE_HOME": "/srv/ansible"}, "/srv/ansible/plugins/strategy"),
        ({"ANSIBLE_STRATEGY_PLUGINS": "/srv/own"}, "/srv/own"),
    ],
)
def test_mitogen_hides_no_strategy_of_the_users(given: dict[str, str], first: str) -> None:
    paths = mitogen.environment({**CALLER, **given}, Path("/run"))["ANSIBLE_STRATEGY_PLUGINS"]
    assert paths.split(":")[0] == first
    assert Path(paths.split(":")[-1], "mitogen_linear.py").is_file()


def test_mitogens_socket_goes_with_the_run_where_its_path_is_not_too_long() -> None:
    assert mitogen.environment(CALLER, Path("/run/short"))["TMPDIR"] == "/run/short"
    assert "TMPDIR" not in mitogen.environment(CALLER, Path("/run", "x" * 90))
