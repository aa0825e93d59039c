"""Where the traceback of a bug goes: to its owner only, and without secrets."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from opskit import __version__
from opskit.outside.logs import state_home, write_crash
from tests.outside import isolated
from tests.rig.command import is_root
from tests.rig.plugin import require

CANARY = "C4n4ryV4lu3Xq7Zm2"


def crashed(message: str) -> ValueError:
    with pytest.raises(ValueError, match=r"(?s).*") as caught:
        raise ValueError(message)
    return caught.value


def crash(directory: Path, message: str = "boom") -> str:
    path = write_crash(crashed(message), {"XDG_STATE_HOME": str(directory)})
    assert path is not None
    return path.read_text(encoding="utf-8")


def test_logs_are_kept_where_the_user_keeps_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_home({}) == tmp_path / ".local/state/opskit"
    assert state_home({"XDG_STATE_HOME": ""}) == tmp_path / ".local/state/opskit"
    assert state_home({"XDG_STATE_HOME": "/srv/state"}) == Path("/srv/state/opskit")


def test_a_crash_is_written_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = write_crash(crashed("boom"), {"XDG_STATE_HOME": str(tmp_path)})
    finally:
        os.umask(before)
    assert path is not None
    assert path.parent == tmp_path / "opskit"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_crash_says_what_a_reader_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["opskit", "fleet", "check"])
    text = crash(tmp_path)
    assert f"opskit {__version__}" in text
    assert sys.version in text
    assert "argv: ['fleet', 'check']" in text
    assert "Traceback (most recent call last)" in text
    assert text.rstrip().endswith("ValueError: boom")


@pytest.mark.parametrize(
    "message",
    [
        f"password={CANARY}",
        f"postgresql+psycopg://ops:{CANARY}@db.example/ops refused",
        f"header Authorization: Bearer {CANARY}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_a_crash_holds_no_secret(tmp_path: Path, message: str) -> None:
    text = crash(tmp_path, message)
    assert CANARY not in text
    assert "[redacted]" in text


def test_a_secret_typed_on_the_command_line_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["opskit", "fleet", "apply", "-e", f"db_password={CANARY}"])
    assert CANARY not in crash(tmp_path)


@pytest.mark.parametrize("message", ["\ud800", "\udcff\x00\x1b[31m", "é☃"])
def test_any_message_can_be_written(tmp_path: Path, message: str) -> None:
    assert "ValueError: " in crash(tmp_path, message)


def test_where_nothing_can_be_written_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "opskit").write_text("a file in the way")
    assert write_crash(crashed("boom"), {"XDG_STATE_HOME": str(tmp_path)}) is None


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "opskit").symlink_to(tmp_path / "victim")
    assert write_crash(crashed("boom"), {"XDG_STATE_HOME": str(tmp_path)}) is None
    assert (tmp_path / "victim").read_text() == "precious"


HOMELESS = """
import os
from opskit.outside.logs import write_crash
os.setuid(54_321)
del os.environ["HOME"]
try:
    print(write_crash(ValueError("boom"), os.environ))
except RuntimeError as error:
    print(error)
"""


def test_a_user_without_a_home_is_told_that_nothing_was_written() -> None:
    # As in a container that gives each pod a number nobody has heard of.
    require(None if is_root() else "only root can become somebody else")
    assert isolated.python(HOMELESS).stdout == "None\n"


@pytest.mark.parametrize("full", ["size=4k,nr_inodes=1", "ro"])
def test_a_full_disk_is_no_second_crash(tmp_path: Path, full: str) -> None:
    script = (
        "import sys\nfrom opskit.outside.logs import write_crash\n"
        'print(write_crash(ValueError("boom"), {"XDG_STATE_HOME": sys.argv[1]}))'
    )
    assert isolated.with_disk(tmp_path, full, script, tmp_path).stdout == "None\n"
