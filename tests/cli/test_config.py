"""`opskit config show`: flag over environment over file over default, each with its origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside


def settings(inside: Inside, *arguments: str) -> dict[str, Any]:
    """Return each setting with its value and origin."""
    done = inside("config", "show", "--json", *arguments)
    assert done.code == ExitCode.OK, done.err
    shown: dict[str, Any] = json.loads(done.out)["settings"]
    return shown


def test_each_value_says_where_it_came_from(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSKIT_TIMEZONE", "Asia/Tokyo")
    shown = settings(inside)
    assert shown["standard"] == {"value": "playbooks/standard.yml", "origin": "opskit.yaml"}
    assert shown["timezone"] == {"value": "Asia/Tokyo", "origin": "environment OPSKIT_TIMEZONE"}
    assert shown["forks"] == {"value": 0, "origin": "default"}


def test_the_environment_wins_over_the_file(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSKIT_INVENTORY", "a.ini:b.ini")
    monkeypatch.setenv("OPSKIT_FORKS", "7")
    shown = settings(inside)
    assert shown["inventory"]["value"] == ["a.ini", "b.ini"]
    assert shown["forks"]["value"] == 7


@pytest.mark.parametrize(
    ("name", "text"),
    [("OPSKIT_FORKS", "many"), ("OPSKIT_TIMEZONE", "Mars"), ("OPSKIT_FORKS", "501")],
)
def test_a_wrong_variable_is_named(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    done = inside("config", "show")
    assert done.code == ExitCode.USAGE
    assert name.removeprefix("OPSKIT_").lower() in done.err
    assert "OPSKIT_" in done.err


def test_the_file_is_found_upward_and_by_name(ops: Path, inside: Inside) -> None:
    below = ops / "playbooks" / "deep"
    below.mkdir()
    assert inside("config", "show", cwd=below).code == ExitCode.OK
    elsewhere = inside("config", "show", "--json", "--config", str(ops), cwd=ops.parent)
    assert json.loads(elsewhere.out)["root"] == str(ops)


def test_a_directory_that_others_write_is_not_trusted(ops: Path, inside: Inside) -> None:
    ops.chmod(0o777)
    done = inside("config", "show")
    assert done.code == ExitCode.USAGE
    assert f"chmod o-w {ops}" in done.err


def test_every_form_says_the_same(inside: Inside) -> None:
    as_json = json.loads(inside("config", "show", "-o", "json").out)
    assert yaml.safe_load(inside("config", "show", "-o", "yaml").out) == as_json
    table = inside("config", "show").out
    assert all(name in table for name in as_json["settings"])


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_a_password_in_a_url_is_not_shown(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("OPSKIT_DATABASE", "postgresql+psycopg://ops:hunter22@db.example.org/ops")
    done = inside("config", "show", "-o", form)
    assert done.code == ExitCode.OK
    assert "hunter22" not in done.out + done.err
    assert "db.example.org" in done.out


def test_a_password_in_a_webhook_is_not_shown(ops: Path, inside: Inside) -> None:
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write("webhook: {url: 'https://ops:hunter22@example.org/', secret_file: secret}\n")
    done = inside("config", "show", "--json")
    assert "hunter22" not in done.out
    assert "example.org" in done.out
