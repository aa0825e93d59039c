"""Rules opskit writes: they mean exactly what was asked, to sudo and to sudo-rs, or are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from opskit.access.model import SudoRight
from opskit.access.sudoers.parser import parse
from opskit.access.sudoers.portability import refusal
from opskit.access.sudoers.render import file_name, meant, render_grant
from opskit.access.sudoers.syntax import Grant, Kind
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError

UNTIL = Instant(1_893_456_000_000_000)
HOSTILE = st.text(alphabet="/abc .*?[]\\,:=#!\"'()%@^$\n\t\r\x00é~-_+{}", max_size=30)


def right(*commands: str, run_as: str = "root", password: bool = True) -> SudoRight:
    return SudoRight(commands=commands, run_as=run_as, password=password)


def test_a_grant_as_it_is_written() -> None:
    rights = (
        right("/usr/bin/systemctl restart nginx", "/usr/sbin/reboot"),
        right("/usr/bin/journalctl --no-pager -u *", "/opt/x *", run_as="app", password=False),
    )
    assert render_grant("alice", rights, UNTIL).splitlines() == [
        "alice ALL=(root) NOTAFTER=20300101000000Z PASSWD: /usr/bin/systemctl restart nginx",
        'alice ALL=(root) NOTAFTER=20300101000000Z PASSWD: /usr/sbin/reboot ""',
        "alice ALL=(app) NOTAFTER=20300101000000Z NOPASSWD: /usr/bin/journalctl --no-pager -u *",
        "alice ALL=(app) NOTAFTER=20300101000000Z NOPASSWD: /opt/x",
    ]


@given(HOSTILE, HOSTILE, st.booleans())
def test_what_is_read_back_is_what_was_meant(path: str, args: str, password: bool) -> None:
    for command in (f"/usr/bin/x{path}", f"/usr/bin/x {args}", f"{path} {args}", args):
        if not command:
            continue
        try:
            text = render_grant("alice", (right(command, password=password),), None)
        except ConfigError:
            continue
        (said,) = parse(text)
        assert isinstance(said, Grant)
        assert refusal(said) == ""
        assert [(one.kind, one.name, one.negated) for one in said.users] == [
            (Kind.WORD, "alice", False)
        ]
        (spec,) = said.privileges[0].specs
        assert spec.command == meant(command)
        assert spec.tags == {"NOPASSWD": not password}
        assert [one.name for one in spec.users or ()] == ["root"]


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh\nmallory ALL=ALL", "/bin/ls *.log x", "/bin/l*", "ls", "/bin/../bin/sh",
        "ALL *", "all",
        "/bin/ls \\,", '/bin/ls "a b"', "/bin/ls  two", "sudoedit /etc/motd",
        "/usr/bin/sudoedit /x",
        "/bin/ls !x", "/bin/", "/bin/ls ^a$", "/bin/ls é", "!/bin/ls", "/bin/a,/bin/b",
        "/bin/ls " + "x" * 1000, "/bin/ls [a]",
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(command: str) -> None:
    with pytest.raises(ConfigError):
        render_grant("alice", (right(command),), None)


def test_names_that_sudoers_would_read_as_something_else_are_refused() -> None:
    for account in ("ALL", "alice,bob", "#0", "%ops", "a b", "sha256", "", "alice\n"):
        with pytest.raises(ConfigError):
            render_grant(account, (right("/bin/ls"),), None)


def test_the_file_of_a_grant_is_one_sudo_reads() -> None:
    assert file_name("g42") == "opskit-g42"
    for name in ("a.b", "a~", "../x", ""):
        with pytest.raises(ConfigError):
            file_name(name)


@pytest.mark.real
def test_visudo_takes_what_is_written(tmp_path: Path) -> None:
    commands = ("/usr/bin/systemctl restart app@1:x", "/bin/ls a=b,c#d", "/bin/ls -l *", "/bin/ls")
    path = tmp_path / "opskit-g1"
    path.write_text(render_grant("alice", (right(*commands),), UNTIL))
    done = subprocess.run(["visudo", "-cf", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
