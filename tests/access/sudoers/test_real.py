"""What opskit answers, against the sudo of this machine: made-up hosts, and every trap found."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.access.sudoers.real import Case, RealSudo, Wish, made_up, real_sudo
from tests.conftest import CASES

TREES = sorted(one.parent for one in (CASES / "access" / "sudoers").glob("*/ask.yaml"))
# Each is twelve questions, asked of sudo twice; a thousand by hand take two minutes.
MADE_UP = int(os.environ.get("OPSKIT_TEST_SUDOERS", "25"))


@pytest.fixture(scope="module")
def sudo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSudo]:
    with real_sudo(tmp_path_factory.mktemp("sudo")) as asked:
        yield asked


def is_the_version_of_the_cases() -> bool:
    done = subprocess.run(["sudo", "-V"], capture_output=True, text=True, check=True)
    return done.stdout.startswith("Sudo version 1.9.13")


def case(tree: Path) -> tuple[Case, list[str]]:
    asked: list[dict[str, Any]] = yaml.safe_load((tree / "ask.yaml").read_text())
    wishes = tuple(
        Wish(one["user"], tuple(one["command"].split()), one["run_as"], one["group"])
        for one in asked
    )
    included = {one.name: one.read_text() for one in (tree / "etc").glob("sudoers.d/*")}
    return Case((tree / "etc/sudoers").read_text(), included, wishes), [
        one["sudo"] for one in asked
    ]


@pytest.mark.parametrize("tree", TREES, ids=lambda one: one.name)
def test_a_trap_is_answered_as_sudo_did(tree: Path) -> None:
    asked, expected = case(tree)
    assert [one.outcome.value for one in asked.answers()] == expected


@pytest.mark.real
@pytest.mark.parametrize("tree", TREES, ids=lambda one: one.name)
def test_sudo_itself_still_answers_so(tree: Path, sudo: RealSudo) -> None:
    asked, expected = case(tree)
    if is_the_version_of_the_cases():
        assert sudo.ask(asked) == expected


@pytest.mark.real
@pytest.mark.parametrize("seed", range(MADE_UP))
def test_made_up_hosts_are_answered_as_sudo_does(seed: int, sudo: RealSudo) -> None:
    asked = made_up(seed)
    for wish, real, answer in zip(asked.wishes, sudo.ask(asked), asked.answers(), strict=True):
        # Groups of plugins and netgroups are unknown to a copy of the files, and said to be.
        told = real if answer.outcome.value == "unknown" else answer.outcome.value
        assert told == real, (wish, answer, asked)
