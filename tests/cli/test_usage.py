"""A mistyped command ends with 2, one line, and the way on."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from opskit import __version__
from opskit.core.errors import ExitCode
from tests.cli.inside import Inside


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("chekc",), "Did you mean 'check'?", "opskit --help"),
        (("monitor", "upptime"), "Did you mean 'uptime'?", "opskit monitor --help"),
        (("fleet", "aply"), "Did you mean 'apply'?", "opskit fleet --help"),
        (("fleet", "check", "--limt", "web"), "--limit", "opskit fleet check --help"),
        (("fleet", "check", "--forks", "0"), "0 is not in the range", "opskit fleet check --help"),
        (("check", "-o", "pdf"), "'pdf' is not one of", "opskit check --help"),
        (("monitor", "explain"), "Missing argument 'SERVICE'", "opskit monitor explain --help"),
        (("schema",), "Choose from: access-policy, alerts, assumptions", "opskit schema --help"),
        (("init", "a", "b"), "unexpected extra argument", "opskit init --help"),
        (("config", "show", "--output-file"), "requires an argument", "opskit --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_named_with_what_to_type_next(
    inside: Inside, arguments: Sequence[str], said: str, hint: str
) -> None:
    done = inside(*arguments)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    first, second = done.err.splitlines()
    assert first.startswith("opskit: error: ")
    assert said in first
    assert second == f"  next: {hint}"


def test_a_word_like_no_command_gets_no_guess(inside: Inside) -> None:
    done = inside("frobnicate")
    assert done.code == ExitCode.USAGE
    assert "No such command 'frobnicate'" in done.err
    assert "mean" not in done.err


@pytest.mark.parametrize("arguments", [(), ("fleet",), ("monitor",)], ids=" ".join)
def test_a_group_alone_shows_its_help_line_by_line(
    inside: Inside, arguments: Sequence[str]
) -> None:
    done = inside(*arguments)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert done.err == inside(*arguments, "--help").out


def test_the_version_is_the_package_s(inside: Inside) -> None:
    done = inside("--version")
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert re.search(rf"\b{re.escape(__version__)}$", done.out.strip())


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_asked_for_either_way(inside: Inside, option: str) -> None:
    assert inside("fleet", "check", option).out == inside("fleet", "check", "--help").out
