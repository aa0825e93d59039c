"""Copies of hosts: what is read of them, and that nothing leads out or brings a lint down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.access.hosts.reading import matching, state_of
from opskit.access.trees import Tree, places
from opskit.core.clock import to_datetime
from opskit.core.errors import ConfigError
from tests.access.hosts.test_keys import KEY

PASSWD = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"


def put(root: Path, path: str, text: str | bytes = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.fixture
def host(tmp_path: Path) -> Path:
    put(tmp_path, "web1/etc/hostname", "web1.example.org\n")
    put(tmp_path, "web1/etc/passwd", PASSWD)
    return tmp_path / "web1"


def reasons(tree: Tree) -> list[str]:
    return [one.reason for one in tree.troubles]


def test_a_host_is_named_by_its_hostname_or_by_its_directory(host: Path) -> None:
    put(host.parent, "db 1/etc/group", "x:x:1:\n")
    put(host.parent, "odd/etc/hostname", "\x1b[31mweb2\n")
    found, _ = places([host.parent])
    assert [one.name for one in found] == ["db 1", "odd", "web1.example.org"]


def test_two_hosts_of_one_name_are_told_apart(host: Path) -> None:
    put(host.parent, "copy/etc/hostname", "web1.example.org\n")
    found, _ = places([host.parent])
    assert [one.name for one in found] == [
        "web1.example.org", f"web1.example.org ({host})",
    ]  # fmt: skip


def test_etc_itself_stands_for_its_host(host: Path) -> None:
    (found,), _ = places([host / "etc"])
    assert found.path == host


def test_a_directory_without_a_host_is_refused_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(ConfigError, match="nothing of a host") as caught:
        places([tmp_path])
    assert "authorized_keys" in caught.value.hint


def test_what_is_no_host_among_hosts_is_told(host: Path) -> None:
    (host.parent / "docs").mkdir()
    _, odd = places([host.parent])
    assert [(one.path, one.reason) for one in odd] == [
        (str(host.parent / "docs"), "holds nothing of a host")
    ]


def test_a_link_leads_to_where_it_would_on_the_host(host: Path) -> None:
    put(host, "srv/keys", f"{KEY}\n")
    (host / "home").mkdir()
    (host / "home/alice").symlink_to("/srv/alice")
    (host / "srv/alice/.ssh").mkdir(parents=True)
    (host / "srv/alice/.ssh/authorized_keys").symlink_to("../../keys")
    tree = Tree(host)
    assert state_of("web1", tree).keys
    assert tree.troubles == []


@pytest.mark.parametrize("target", ["{outside}", "/../../{name}/secret", "../../../../etc/passwd"])
def test_no_link_leads_out_of_a_copy(host: Path, tmp_path: Path, target: str) -> None:
    secret = put(tmp_path, "secret", f"{KEY} secret\n")
    (host / "root/.ssh").mkdir(parents=True)
    link = host / "root/.ssh/authorized_keys"
    link.symlink_to(target.format(outside=secret, name=tmp_path.name))
    tree = Tree(host)
    state = state_of("web1", tree)
    assert "secret" not in repr(state.keys)
    if target.startswith("../"):  # upward it ends at the copy's own root
        assert tree.troubles == []
        assert len(state.misread) == 2
    else:
        (reason,) = reasons(tree)
        assert "which is not in this copy" in reason


def test_a_loop_of_links_ends(host: Path) -> None:
    (host / "etc/group").symlink_to("group")
    (host / "home").symlink_to("/home")
    tree = Tree(host)
    assert state_of("web1", tree).groups is None
    assert any("is a link" in one for one in reasons(tree))


def test_only_plain_files_are_opened(host: Path) -> None:
    os.mkfifo(host / "etc/group")
    (host / "etc/sudoers").mkdir()
    tree = Tree(host)
    state = state_of("web1", tree)
    assert state.groups is None
    assert reasons(tree) == ["is no plain file", "is a directory"]


def test_a_file_too_large_is_told_and_not_read(host: Path) -> None:
    with (host / "etc/group").open("wb") as file:
        file.truncate(100_000_000)
    tree = Tree(host)
    assert state_of("web1", tree).groups is None
    assert reasons(tree) == ["is larger than 4,000,000 bytes"]


def test_a_file_nobody_may_read_is_told(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    tree = Tree(host)
    monkeypatch.setattr(os, "open", refused)
    assert tree.file("/etc/passwd") is None
    assert reasons(tree) == ["Permission denied"]


def test_all_files_of_a_host_together_are_bounded(host: Path) -> None:
    put(host, "etc/ssh/sshd_config", "Include /etc/ssh/more/*\n")
    for number in range(20):
        with put(host, f"etc/ssh/more/{number}").open("wb") as file:
            file.truncate(3_900_000)
    tree = Tree(host)
    state_of("web1", tree)
    assert "the files of this host are larger than 64,000,000 bytes" in reasons(tree)


def test_empty_and_binary_files_are_read(host: Path) -> None:
    for path in ("etc/passwd", "etc/sudoers", "root/.ssh/authorized_keys"):
        put(host, path)
    for path in ("etc/group", "etc/shadow", "etc/ssh/sshd_config", "etc/sudoers.d/x"):
        put(host, path, bytes(range(256)) * 20)
    tree = Tree(host)
    state = state_of("web1", tree)
    assert tree.troubles == []
    assert (state.accounts, state.keys) == ((), ())
    assert state.misread


def test_mode_of_a_copy_is_believed_only_where_anybody_may_write(host: Path) -> None:
    (host / "etc/passwd").chmod(0o664)
    put(host, "etc/group").chmod(0o666)
    tree = Tree(host)
    modes = {path: tree.file(path) for path in ("/etc/passwd", "/etc/group")}
    assert [one.mode if one else 0 for one in modes.values()] == [None, 0o666]
    assert all(one is None or one.uid is None for one in modes.values())


def test_names_with_newlines_are_no_trouble(host: Path) -> None:
    put(host, "home/al\nice\x1b[31m/.ssh/authorized_keys", KEY)
    tree = Tree(host)
    (one,) = state_of("web1", tree).keys or ()
    assert one.account == "al\nice\x1b[31m"


def test_a_pattern_takes_no_hidden_name_unless_it_says_so(host: Path) -> None:
    for name in ("a.conf", ".b.conf", "c.txt"):
        put(host, f"etc/ssh/d/{name}")
    assert matching(Tree(host), "/etc/ssh/d/*.conf") == ["/etc/ssh/d/a.conf"]
    assert matching(Tree(host), "/etc/*/d/.*") == ["/etc/ssh/d/.b.conf"]


def test_keys_lie_where_sshd_looks_for_them(host: Path) -> None:
    put(host, "etc/ssh/sshd_config", "AuthorizedKeysFile /etc/keys/%u %h/k/%U ~/own none\n")
    for path in ("etc/keys/alice", "home/alice/k/1000", "home/alice/.ssh/authorized_keys"):
        put(host, path, KEY)
    keys = state_of("web1", Tree(host)).keys or ()
    assert [one.at.file.removeprefix(str(host)) for one in keys] == [
        "/etc/keys/alice", "/home/alice/k/1000",
    ]  # fmt: skip


def test_without_a_home_nobody_says_there_are_no_keys(host: Path) -> None:
    assert state_of("web1", Tree(host)).keys is None
    (host / "home").mkdir()
    assert state_of("web1", Tree(host)).keys == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_no_file_is_too_strange(host: Path, first: bytes, second: bytes, third: bytes) -> None:
    put(host, "etc/ssh/sshd_config", b"Include *\nMatch all\n" + first)
    put(host, "etc/sudoers", b"@includedir /etc\n@include sudoers\n" + second)
    put(host, "root/.ssh/authorized_keys", third)
    state_of("web1", Tree(host))


@pytest.mark.parametrize(
    ("zone", "hour"), [("Australia/Sydney\n", 2), ("../../etc/passwd", 12), ("nonsense", 12)]
)
def test_times_are_of_the_host_s_own_zone(host: Path, zone: str, hour: int) -> None:
    put(host, "etc/timezone", zone)
    put(host, "root/.ssh/authorized_keys", f'expiry-time="202701311200" {KEY}\n')
    (one,) = state_of("web1", Tree(host)).keys or ()
    assert to_datetime(one.expires_at or 0).hour == hour
