"""`opskit focus`: what somebody types, and reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside


@pytest.fixture
def repository(ops: Path) -> Path:
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text("---\nteams:\n  web:\n    purpose: Builds it.\n")
    return ops


def test_a_window_is_begun_shown_and_ended(repository: Path, inside: Inside) -> None:
    begun = inside("focus", "begin", "web", "--for", "90m")
    assert begun.code == ExitCode.OK
    assert "web is in focus until" in begun.err
    assert "no alert is told to anybody" in begun.err
    (shown,) = json.loads(inside("focus", "list", "--json").out)["windows"]
    assert (shown["team"], shown["passes"]) == ("web", ["page", "critical"])
    assert inside("focus", "begin", "web").code == ExitCode.REFUSED
    assert inside("focus", "end", "web").code == ExitCode.OK
    assert json.loads(inside("focus", "list", "--json").out)["windows"] == []
    assert inside("focus", "end", "web").code == ExitCode.USAGE


def test_windows_that_come_are_listed(repository: Path, inside: Inside) -> None:
    week = '---\nfocus: [{team: web, hours: [{from: "13:00", to: "14:00"}]}]\n'
    (repository / "desk.yaml").write_text(week)
    shown = json.loads(inside("focus", "list", "--days", "5", "--json").out)["windows"]
    assert len(shown) in {5, 6}
    assert "13:00:00" in inside("focus", "list").out


@pytest.mark.parametrize("lasting", ["0m", "13h", "soon"])
def test_a_length_that_is_none_is_refused(repository: Path, inside: Inside, lasting: str) -> None:
    assert inside("focus", "begin", "web", "--for", lasting).code == ExitCode.USAGE
