"""Where results go when things go wrong there: nothing half, nothing lost, one clear line."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.conftest import Opskit
from tests.rig.command import is_root, missing
from tests.rig.plugin import require

COMMAND = f"{shlex.quote(sys.executable)} -m opskit"


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell."""
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_file_gets_what_stdout_would_have_got(ops: Path, inside: Inside) -> None:
    for form in ("table", "json", "yaml"):
        printed = inside("config", "show", "-o", form)
        done = inside("config", "show", "-o", form, "--output-file", "result")
        assert (done.code, done.out) == (ExitCode.OK, "")
        assert (ops / "result").read_text() == printed.out
        assert "written to result" in done.err


def test_a_table_in_a_file_holds_no_colors(
    ops: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    inside("config", "show", "--output-file", "result")
    assert "\x1b" not in (ops / "result").read_text()


def test_everything_a_command_shows_is_in_its_file(ops: Path, inside: Inside) -> None:
    (ops / "services.yaml").write_text(
        "services: {shop: {owner: web, probes: [{kind: tcp, address: '127.0.0.1:1'}]}}\n"
    )
    printed = inside("monitor", "explain", "shop", "--from", "2026-01-01", "--to", "2026-01-02")
    inside(
        "monitor", "explain", "shop", "--from", "2026-01-01", "--to", "2026-01-02",
        "--output-file", "result",
    )  # fmt: skip
    assert (ops / "result").read_text() == printed.out
    assert "not monitored yet" in printed.out
    assert "shop: not observed" in printed.out


def test_the_old_file_stays_when_the_new_one_cannot_be_written(ops: Path, inside: Inside) -> None:
    (ops / "kept").mkdir()
    (ops / "kept" / "result").write_text("before")
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); "
    script = full + "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    script += "from opskit.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, "config", "show", "--output-file", "kept/result"],
        cwd=ops, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.UNDETERMINED
    assert "no space left to write kept/result" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_text() for path in (ops / "kept").iterdir()} == {
        "result": "before"
    }


@pytest.mark.parametrize("target", ["missing/result", "opskit.yaml/result"])
def test_a_place_that_is_none_is_a_usage_error(inside: Inside, target: str) -> None:
    done = inside("config", "show", "--output-file", target)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert target in done.err


def test_a_directory_is_no_file(ops: Path, inside: Inside) -> None:
    assert inside("config", "show", "--output-file", "playbooks").code == ExitCode.USAGE
    assert (ops / "playbooks").is_dir()


def test_a_link_is_followed_and_stays_a_link(ops: Path, inside: Inside) -> None:
    (ops / "link").symlink_to("target")
    (ops / "target").write_text("before")
    assert inside("config", "show", "--json", "--output-file", "link").code == ExitCode.OK
    assert (ops / "link").is_symlink()
    assert json.loads((ops / "target").read_text())["format_version"] == 1


def test_a_device_or_a_pipe_is_written_to_and_not_replaced(ops: Path, opskit: Opskit) -> None:
    # `--output-file /dev/stdout`, typed by root, must not put a file in the place of the device.
    os.mkfifo(ops / "pipe")
    reader = os.open(ops / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = opskit("config", "show", "--json", "--output-file", "pipe")
        assert stat.S_ISFIFO((ops / "pipe").lstat().st_mode)
        assert done.code == ExitCode.OK
        assert json.loads(os.read(reader, 65_536))["format_version"] == 1
    finally:
        os.close(reader)


@pytest.mark.parametrize("words", ["config show", "config show --json", "--help", "schema opskit"])
def test_a_full_disk_under_stdout_is_said_in_one_line(ops: Path, home: Path, words: str) -> None:
    done = shell(f"{COMMAND} {words} > /dev/full", ops)
    assert done.returncode == ExitCode.UNDETERMINED
    assert "no space left" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not (home / ".local").exists()


@pytest.mark.parametrize("words", ["config show", "config show --json", "--help", "schema opskit"])
def test_a_reader_who_leaves_is_neither_a_finding_nor_a_bug(
    ops: Path, home: Path, words: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # gone before a word is said
    argv = [sys.executable, "-m", "opskit", *words.split()]
    done = subprocess.run(
        argv, cwd=ops, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "")


def test_the_first_line_of_much_output(ops: Path, opskit: Opskit) -> None:
    assert opskit("ledger", "verify").code == ExitCode.OK
    with sqlite3.connect(ops / ".opskit" / "opskit.db") as connection:
        row = "(?, 1, 'me', 'test.done', 'subject', '{}', 'none', 'none')"
        connection.executemany(
            f"INSERT INTO ledger VALUES {row}", [(seq,) for seq in range(1, 5_001)]
        )
    done = shell(f"{COMMAND} ledger export | head -1; echo ${{PIPESTATUS[0]}}", ops)
    first, code = done.stdout.splitlines()
    assert json.loads(first)["seq"] == 1
    assert (code, done.stderr) == (str(int(ExitCode.INTERRUPTED)), "")


def test_output_that_nobody_wants_is_no_bug(ops: Path, home: Path) -> None:
    for words in ("config show", "config show --json", "--help"):
        done = shell(f"{COMMAND} {words} >&-", ops)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")


def test_messages_that_nobody_wants_change_nothing(ops: Path, home: Path) -> None:
    assert shell(f"{COMMAND} config nonsense 2>&-", ops).returncode == ExitCode.USAGE
    assert shell(f"{COMMAND} config nonsense 2>/dev/full", ops).returncode == ExitCode.USAGE


def test_a_database_of_a_newer_opskit_is_left_alone(ops: Path, inside: Inside) -> None:
    assert inside("ledger", "verify").code == ExitCode.OK
    database = ops / ".opskit" / "opskit.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = inside("ledger", "verify")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "was written by a newer opskit" in done.err
    assert "next: upgrade opskit here" in done.err
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("9999",)
        ]


@pytest.mark.parametrize(
    "content", [b"this is no database, however long it may be" * 99, b"\0" * 8192]
)
def test_a_file_that_is_no_database_is_left_alone(
    ops: Path, inside: Inside, content: bytes
) -> None:
    (ops / ".opskit").mkdir(mode=0o700)
    (ops / ".opskit" / "opskit.db").write_bytes(content)
    done = inside("ledger", "verify")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "opskit.db" in done.err
    assert (ops / ".opskit" / "opskit.db").read_bytes() == content


def read_only(ops: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the repository is mounted read-only, for this one process."""
    place = shlex.quote(str(ops))
    script = f"mount --bind {place} {place} && mount -o remount,ro,bind {place} && cd {place}"
    argv = ["unshare", "--mount", "sh", "-c", f"{script} && exec {COMMAND} {words}"]
    return subprocess.run(argv, cwd=ops, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def mounts() -> None:
    """Require the right to mount."""
    require(None if is_root() else "mounting a directory read-only needs root")
    require(missing({"unshare": "util-linux", "mount": "mount"}))


@pytest.mark.usefixtures("mounts", "home")
@pytest.mark.parametrize("words", ["config show --json", "schema services", "--help"])
def test_a_read_only_repository_can_be_read(ops: Path, words: str) -> None:
    done = read_only(ops, words)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert done.stdout


@pytest.mark.usefixtures("mounts", "home")
@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize("words", ["ledger verify", "monitor probe", "doctor"])
def test_a_read_only_repository_is_said_to_be_one(
    ops: Path, opskit: Opskit, words: str, made: bool
) -> None:
    (ops / "services.yaml").write_text(
        "services: {shop: {owner: web, probes: [{kind: tcp, address: '127.0.0.1:1'}]}}\n"
    )
    if made:
        assert opskit("ledger", "verify").code == ExitCode.OK
    done = read_only(ops, words)
    said = done.stdout + done.stderr
    expected = ExitCode.FINDINGS if words == "doctor" else ExitCode.USAGE
    assert done.returncode == expected, said
    assert "Traceback" not in said
    assert "opskit.db" in said or ".opskit" in said
