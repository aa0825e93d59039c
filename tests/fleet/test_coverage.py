"""Which tasks a fingerprint may stand for, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.fleet.coverage import allowed, resources

ROOT = [("owner", "root"), ("group-id", "root")]
CHECKSUM = {"checksum": "0a"}


def covered(
    action: str, arguments: dict[str, Any], result: dict[str, Any] | None = None, check: bool = True
) -> list[tuple[str, str]] | None:
    found = resources(action, arguments, result or {}, check=check)
    return None if found is None else list(found)


@pytest.mark.parametrize(
    ("action", "arguments", "result", "expected"),
    [
        ("copy", {"dest": "/a", "content": "x"}, CHECKSUM, [("path", "/a")]),
        ("ansible.builtin.copy", {"dest": "/a", "owner": "root", "group": "root"},
         CHECKSUM, [("path", "/a"), *ROOT]),
        ("ansible.legacy.template", {"dest": "/d/", "src": "x.j2"},
         {**CHECKSUM, "path": "/d/x"}, [("path", "/d/"), ("path", "/d/x")]),
        ("copy", {"dest": "/a", "src": "/etc/x"}, CHECKSUM, None),
        ("copy", {"dest": "/a", "src": "../x"}, CHECKSUM, None),
        ("copy", {"dest": "/a", "src": "tree/"}, {}, None),
        ("copy", {"dest": "/a", "remote_src": True, "src": "x"}, CHECKSUM, None),
        ("copy", {"dest": "a", "content": "x"}, CHECKSUM, None),
        ("copy", {"dest": "/a", "content": "x", "setype": "t"}, CHECKSUM, None),
        ("file", {"path": "/a", "mode": "o-rwx"}, {}, [("path", "/a")]),
        ("file", {"path": "/a", "recurse": True}, {}, [("tree", "/a")]),
        ("file", {"path": "/a", "state": "touch"}, {}, None),
        ("file", {"path": "/a", "state": "hard"}, {}, None),
        ("file", {"path": "/a", "attributes": "+i"}, {}, None),
        ("file", {"path": "~/a"}, {}, None),
        ("file", {"path": "~/a"}, {"invocation": {"module_args": {"path": "/root/a"}}},
         [("path", "/root/a")]),
        ("lineinfile", {"path": "/a", "line": "x"}, {}, [("path", "/a")]),
        ("blockinfile", {"dest": "/a"}, {}, [("path", "/a")]),
        ("replace", {"path": "/a"}, {}, [("path", "/a")]),
        ("known_hosts", {"path": "/k"}, {}, [("path", "/k")]),
        ("stat", {"path": "/a"}, {}, [("stat", "/a")]),
        ("slurp", {"src": "/a"}, {}, [("path", "/a")]),
        ("find", {"paths": ["/a", "/b"]}, {}, [("list", "/a"), ("list", "/b")]),
        ("find", {"paths": "/a", "contains": "x"}, {}, [("tree", "/a")]),
        ("find", {"paths": "/a", "age": "1d"}, {}, None),
        ("user", {"name": "u", "groups": "g,h"}, {},
         [("user", "u"), ("group", "g"), ("group", "h")]),
        ("user", {"name": "u", "generate_ssh_key": True}, {}, None),
        ("group", {"name": "g"}, {}, [("group", "g")]),
        ("systemd_service", {"name": "ssh", "state": "started"}, {}, [("unit", "ssh")]),
        ("service", {"name": "ssh", "enabled": True}, {}, [("unit", "ssh")]),
        ("service", {"name": "ssh", "state": "restarted"}, {}, None),
        ("systemd", {"name": "x", "scope": "user"}, {}, None),
        ("apt", {"name": ["a", "b=1"]}, {}, [("package", "a"), ("package", "b")]),
        ("apt", {"name": "a", "state": "absent"}, {}, [("package-absent", "a")]),
        ("apt", {"name": "a", "state": "latest"}, {}, None),
        ("apt", {"name": "a*"}, {}, None),
        ("apt", {"upgrade": "dist"}, {}, None),
        ("get_url", {"dest": "/a", "checksum": "sha256:0"}, {}, [("path", "/a")]),
        ("get_url", {"dest": "/a"}, {}, None),
        ("get_url", {"dest": "/a", "checksum": "sha256:http://x"}, {}, None),
        ("cron", {"cron_file": "x"}, {}, [("path", "/etc/cron.d/x")]),
        ("cron", {"name": "x"}, {}, None),
        ("ansible.posix.sysctl", {"name": "a.b"}, {},
         [("sysctl", "a.b"), ("path", "/etc/sysctl.conf")]),
        ("ansible.posix.authorized_key", {"user": "u", "key": "https://x"},
         {"keyfile": "/k/a"}, None),
        ("debug", {"msg": "x"}, {}, []),
        ("set_fact", {"a": 1}, {}, []),
        ("include_vars", {"file": "x.yml"}, {}, []),
        ("include_vars", {"file": "/etc/x.yml"}, {}, None),
        ("uri", {"url": "http://x"}, {}, []),
        ("community.general.ini_file", {"path": "/a"}, {}, None),
        ("package_facts", {}, {}, None),
    ],
)  # fmt: skip
def test_a_task_is_covered_by(
    action: str, arguments: dict[str, Any], result: dict[str, Any], expected: object
) -> None:
    assert covered(action, arguments, result) == expected


@pytest.mark.parametrize(
    ("arguments", "check", "expected"),
    [
        ({"_raw_params": "touch /x"}, True, []),
        ({"_raw_params": "touch /x", "creates": "/x"}, True, [("glob", "/x")]),
        ({"_raw_params": "touch /x", "removes": "x"}, True, None),
        ({"_raw_params": "cat /x"}, False, None),
        ({"argv": ["/usr/bin/find", "/a", "/b", "-maxdepth", "0"]}, False,
         [("presence", "/a"), ("presence", "/b")]),
        ({"argv": ["/usr/bin/find", "/a", "-delete", "-maxdepth", "0"]}, False, None),
        ({"argv": ["/sbin/sysctl", "--ignore", "a.b"]}, False, [("sysctl", "a.b")]),
        ({"argv": ["/sbin/sysctl", "--ignore", "-w"]}, False, None),
        ({"argv": ["/usr/sbin/sshd", "-T"]}, False, [("program", '["/usr/sbin/sshd", "-T"]')]),
        ({"argv": ["/usr/sbin/sshd", "-T"], "chdir": "/"}, False, None),
        ({"argv": ["/usr/sbin/sshd", "-D"]}, False, None),
        ({"_raw_params": "an 'open quote"}, False, None),
    ],
)  # fmt: skip
def test_a_command_is_covered_by(arguments: dict[str, Any], check: bool, expected: object) -> None:
    assert covered("command", arguments, check=check) == expected


def test_what_check_mode_would_run_is_not_left_out() -> None:
    assert covered("uri", {}, check=False) is None
    assert covered("script", {"creates": "/x"}) is None


def test_too_many_or_odd_names_are_left_to_ansible() -> None:
    assert covered("find", {"paths": [f"/{n}" for n in range(600)]}) is None
    assert covered("file", {"path": "/a\0b"}) is None
    assert covered("file", {"path": "/" + "a" * 5_000}) is None


def test_no_program_is_run_that_is_not_on_the_list() -> None:
    assert allowed(("program", '["/usr/sbin/sshd", "-T"]'))
    assert allowed(("program", '["/bin/grep", "-rl", "root", "/etc/sudoers.d"]'))
    assert allowed(("program", '["/usr/sbin/nft", "--stateless", "list", "chain", "inet", "a"]'))
    assert not allowed(("program", '["/bin/rm", "-rf", "/"]'))
    assert not allowed(("program", '["/usr/sbin/nft", "--stateless", "list", "chain", "; flush"]'))
    assert not allowed(("program", '["/usr/sbin/nft", "--stateless", "list", "chain", "-f", "a"]'))
    assert allowed(("path", "/etc"))


def test_no_content_goes_into_a_resource() -> None:
    found = covered("copy", {"dest": "/a", "content": "s3cret"}, CHECKSUM)
    assert "s3cret" not in str(found)


def test_what_is_read_for_people_is_covered_while_no_task_can_use_it() -> None:
    assert resources("opskit_posture", {}, {}, check=True) == ()
    assert resources("opskit_posture", {}, {}, check=True, registered=True) is None
