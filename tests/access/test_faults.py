"""What surrounds opskit fails: a sentence with a next step, nothing half done, and on it goes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opskit.access.deciding import Word, decide
from opskit.access.ending import revoke
from opskit.access.requesting import request
from opskit.access.settling import settle
from opskit.core.clock import MINUTE, FrozenClock, SystemClock
from opskit.core.errors import ConfigError, OutsideError
from opskit.granting import Granting
from opskit.outside import files
from opskit.outside.database import Database
from opskit.outside.files import write_directory
from opskit.outside.notify.webhook import WebhookSender
from opskit.outside.notify.words import Deliverable
from tests.access.world import OFFICE, PLACES, Obedient, World, ask
from tests.cli.inside import inside
from tests.conftest import Finished

Run = Callable[..., Finished]
REQUEST = ("request", "nginx-operator", "--on", "web", "--for", "2h", "--reason", "OPS-412")


@pytest.fixture
def access(ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `opskit access` as somebody of the office, with targets in memory."""
    kind = Obedient(SystemClock())
    monkeypatch.setattr(Granting, "_kind", lambda _self, _registry, _name: kind)
    monkeypatch.setattr(Granting, "_places", lambda _self, _registry, name: PLACES[name])
    shutil.copytree(OFFICE, ops / "access")
    call = inside(ops, monkeypatch, capsys)

    def run(who: str, *arguments: str) -> Finished:
        monkeypatch.setattr("opskit.outside.process.account", lambda: who)
        return call(*arguments if arguments[0] == "outbox" else ("access", *arguments))

    return run


def process(
    ops: Path, *arguments: str, closed: bool = False, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `opskit access` as alice in a process of its own; `closed` is its input."""
    words = [sys.executable, "-m", "opskit", "access", *arguments]
    if closed:
        words = ["sh", "-c", 'exec "$@" <&-', "sh", *words]
    return subprocess.run(
        words, cwd=ops, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "SUDO_USER": "alice", **variables},
    )  # fmt: skip


# Channels


@pytest.fixture
def heard(ops: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Configure a webhook that can be used, and a Slack whose secret is missing."""
    settings = {
        "webhook": {"url": "https://example.org/", "secret_file": "secret"},
        "slack": {"url_file": "nothing-there"},
    }
    with (ops / "opskit.yaml").open("a") as stream:
        stream.writelines(f"{name}: {json.dumps(one)}\n" for name, one in settings.items())
    (ops / "secret").write_text("0123456789abcdef")
    (ops / "secret").chmod(0o600)
    found: list[str] = []

    def send(_self: WebhookSender, message: Deliverable) -> None:
        found.append(json.loads(message.body)["type"])

    monkeypatch.setattr(WebhookSender, "send", send)
    return found


def test_a_channel_without_its_secret_keeps_its_own_messages_and_no_others(
    access: Run, heard: list[str], ops: Path
) -> None:
    done = access("alice", *REQUEST, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["request"] == "r1"
    assert heard == ["request.submitted"]
    assert "notifications stay owed to slack: " in done.err
    assert "nothing-there" in done.err
    tried = access("alice", "outbox", "deliver")
    assert tried.code == 4
    assert "0 sent, 0 to be tried again, 0 given up" in tried.err
    assert "nothing can be sent to slack" in tried.err
    told = _owed(ops)
    assert [(row[0], row[1], row[2]) for row in told] == [("slack", "owed", 0)]


def _owed(ops: Path) -> list[tuple[str, str, int]]:
    with sqlite3.connect(ops / ".opskit" / "opskit.db") as opened:
        query = "SELECT channel, state, attempts FROM outbox WHERE state = 'owed'"
        return opened.execute(query).fetchall()


def test_what_was_done_is_shown_whatever_comes_of_telling(
    access: Run, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OutsideError("the database went away")

    monkeypatch.setattr("opskit.records.outbox.Outbox.deliver", broken)
    done = access("alice", *REQUEST, "--json")
    assert done.code == 0
    assert json.loads(done.out)["request"] == "r1"
    assert "notifications stay owed: the database went away" in done.err


# The terminal


def test_nobody_to_ask_is_told_where_the_input_is_closed(access: Run, ops: Path) -> None:
    access("alice", *REQUEST)
    done = process(ops, "withdraw", "r1")
    assert done.returncode == 0
    access("alice", "request", "nginx-operator", "--on", "staging", "--for", "1h", "--reason", "x")
    closed = process(ops, "revoke", "g1", "--reason", "x", closed=True)
    assert closed.returncode == 5, closed.stderr
    assert "nobody is there to confirm" in closed.stderr


def test_what_a_terminal_cannot_show_is_shown_as_an_escape(access: Run, ops: Path) -> None:
    access("alice", *REQUEST[:-1], "grün ☃")
    done = process(ops, "list", "--requests", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert r"gr\xfcn \u2603" in done.stdout


def test_bytes_that_are_no_text_are_no_bug(access: Run) -> None:
    odd = os.fsdecode(b"a\xff")
    assert access("alice", *REQUEST[:-1], odd).code == 0
    assert r"a\udcff" in access("alice", "show", "r1").out
    denied = access("bob", "deny", "r1", "--reason", odd)
    assert denied.code == 2
    assert "no text that can be kept" in denied.err
    assert "pending" in access("alice", "show", "r1").out


def test_no_line_of_somebody_passes_for_one_of_opskit(access: Run) -> None:
    access("alice", "request", "nginx-operator", "--on", "staging", "--for", "1h", "--reason", "x")
    access("bob", "revoke", "g1", "--reason", "y\n  reviewed by   charlie", "--yes")
    lines = access("bob", "show", "g1").out.splitlines()
    assert not [one for one in lines if one.startswith("  reviewed by")]


@pytest.mark.parametrize("length", ["0s", "0h", "-1h", "1", "x" * 5_000])
def test_what_is_no_length_of_time_is_told(access: Run, length: str) -> None:
    done = access("alice", *REQUEST[:4], "--for", length, "--reason", "x")
    assert done.code == 2
    assert "--for" in done.err


def test_who_decides_sees_when_it_starts(access: Run) -> None:
    day = (datetime.now(tz=UTC) + timedelta(days=30)).date()
    access("alice", *REQUEST, "--start", f"{day}T09:00")
    assert f"starts        {day}" in access("bob", "show", "r1").out
    assert f"it starts {day}" in access("bob", "approve", "r1", "--yes").err


# Files


def test_an_export_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.write_atomically

    def full(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        if path.name == "two":
            raise OutsideError("no space left")
        real(path, data, mode=mode)

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(OutsideError, match="no space"):
        write_directory(tmp_path / "audit", {"one": "1", "below/two": "2"})
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    write_directory(tmp_path / "audit", {"one": "1", "below/two": "2"})
    assert (tmp_path / "audit" / "below" / "two").read_text() == "2"
    assert oct((tmp_path / "audit").stat().st_mode & 0o777) == "0o700"


def test_text_that_cannot_be_kept_changes_nothing(database: Database) -> None:
    from opskit.records.leases import LEASES

    with pytest.raises(ConfigError, match="no text"), database.write() as connection:
        connection.execute(
            LEASES.insert().values(resource="\udcff", holder="x", token=1, expires_at=1)
        )
    with database.read() as connection:
        assert connection.execute(LEASES.select()).all() == []


# Two at once


def test_nobody_is_alarmed_while_somebody_else_is_at_a_place(
    world: World, clock: FrozenClock
) -> None:
    one = request(world.as_("alice"), ask()).request
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    work = world.as_("bob")
    for state, verb in (("provisioning", settle), ("revoking", lambda it: revoke(it, (1,), "x"))):
        with world.database.write() as connection:
            work.hold(connection, "linux", "web1", "somebody")
        done = verb(work)
        assert done.busy == ("web1",)
        assert [each.state.value for each in done.moved] == [state]
        with world.database.write() as connection:
            work.leases.release(connection, "somebody")
        clock.advance(MINUTE)
        settle(work)
    told = set(world.kinds_of_entries())
    assert {"grant.activated", "grant.revoked"} <= told
    assert not told & {"grant.failed", "grant.partial", "grant.revoke_deferred"}
