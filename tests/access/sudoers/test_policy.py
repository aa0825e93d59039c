"""A host's sudoers as a whole: includes, dialects, answers with their lines, rights resolved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.access.hosts.model import Account, File, Group, HostState, Line, PathFact
from opskit.access.sudoers.decide import Answer, Outcome, may
from opskit.access.sudoers.dialect import dialect_of
from opskit.access.sudoers.meaning import Status, permissions
from opskit.access.sudoers.moments import moment, span
from opskit.access.sudoers.policy import load
from opskit.core.clock import Instant

NOW = Instant(1_795_000_000_000_000)
NOWHERE = Line("", 0, "")
ACCOUNTS = tuple(
    Account(name, uid, uid, "", "/", "/bin/sh", NOWHERE)
    for name, uid in (("root", 0), ("alice", 1001), ("bob", 1002))
)
GROUPS = (
    Group("root", 0, (), NOWHERE), Group("ops", 30, ("alice",), NOWHERE),
    Group("disk", 6, (), NOWHERE),
)  # fmt: skip


def host(text: str, version: str = "1.9.13p3", **files: str) -> HostState:
    paths = {"/etc/sudoers": text} | {f"/etc/{n.replace('__', '/')}": t for n, t in files.items()}
    read = {path: File(path, one, mode=0o440, uid=0, gid=0) for path, one in paths.items()}
    return HostState("web1.example.org", read, ACCOUNTS, GROUPS, sudo_version=version)


def asked(state: HostState, user: str, command: str, **more: str) -> Answer:
    return may(load(state), state, user, command, now=NOW, **more)


def test_an_answer_names_its_line_and_the_way_to_it() -> None:
    text = (
        "User_Alias CREW = %ops\nCmnd_Alias WEB = /usr/bin/systemctl restart nginx\nCREW ALL=WEB\n"
    )
    answer = asked(host(text), "alice", "systemctl restart nginx")
    assert answer.outcome is Outcome.WITH_PASSWORD
    assert answer.decided_by == Line("/etc/sudoers", 3, "CREW ALL=WEB")
    assert answer.chain == (
        "alice", "CREW (/etc/sudoers:1)", "%ops", "WEB (/etc/sudoers:2)",
        "/usr/bin/systemctl restart nginx", "/etc/sudoers:3",
    )  # fmt: skip


def test_a_denial_says_whether_a_rule_took_it_away() -> None:
    state = host("alice ALL=ALL, !/bin/su\n")
    assert asked(state, "alice", "/bin/su").decided_by is not None
    assert asked(state, "bob", "/bin/su").reason == "no rule speaks of it"
    assert asked(state, "mallory", "/bin/su").reason == "there is no account mallory"


def test_what_the_files_do_not_tell_is_unknown_where_it_matters() -> None:
    state = host("+net ALL=/bin/id\nalice ALL=/bin/ls\nalice 10.0.0.0/8=/bin/su\n")
    assert asked(state, "alice", "/bin/id").unknown[-1] == "netgroup +net"
    assert asked(state, "alice", "/bin/ls").outcome is Outcome.WITH_PASSWORD
    assert asked(state, "alice", "/bin/su").outcome is Outcome.UNKNOWN
    assert asked(replace(state, accounts=None), "alice", "/bin/ls").outcome is Outcome.UNKNOWN


def test_a_digest_is_compared_where_it_was_read() -> None:
    state = host(f"alice ALL=sha256:{'a' * 64} /bin/id\n")
    assert asked(state, "alice", "/bin/id").outcome is Outcome.UNKNOWN
    for digest, outcome in (("a" * 64, Outcome.WITH_PASSWORD), ("b" * 64, Outcome.DENIED)):
        paths = {"/bin/id": PathFact("/bin/id", "file", sha256=digest)}
        assert asked(replace(state, paths=paths), "alice", "/bin/id").outcome is outcome


@pytest.mark.parametrize(
    ("version", "group", "outcome"),
    [
        ("1.9.13p3", "disk", Outcome.WITH_PASSWORD), ("1.9.14", "disk", Outcome.DENIED),
        ("1.9.14", "root", Outcome.WITH_PASSWORD), ("1.9.17p2", "disk", Outcome.DENIED),
    ],
)  # fmt: skip
def test_the_group_to_run_as_is_judged_by_the_version(
    version: str, group: str, outcome: Outcome
) -> None:
    state = host("alice ALL=/bin/id\n", version)
    assert asked(state, "alice", "/bin/id", run_as="root", run_as_group=group).outcome is outcome


def test_sudo_rs_passes_over_what_it_does_not_know() -> None:
    text = "alice ALL=NOTAFTER=20400101000000Z /bin/id\nalice ALL=/bin/ls, /bin/df /a* x\n"
    text += "alice ALL=/bin/su\n"
    state = host(text, "sudo-rs 0.2.5")
    outcomes = [
        asked(state, "alice", one).outcome.value for one in ("/bin/id", "/bin/ls", "/bin/su")
    ]
    assert outcomes == ["denied", "denied", "with password"]
    assert [one.at.number for one in load(state).errors] == [1, 2]


def test_sudo_rs_reads_its_own_file_where_there_is_one() -> None:
    state = host("alice ALL=ALL\n", "sudo-rs 0.2.5", **{"sudoers-rs": "bob ALL=ALL\n"})
    assert asked(state, "alice", "/bin/id").outcome is Outcome.DENIED
    assert asked(state, "bob", "/bin/id").outcome is Outcome.WITH_PASSWORD


def test_includes_are_followed_by_host_and_beside_the_file() -> None:
    more = {"sudoers__web1": "alice ALL=/bin/id\n", "sudoers__deep": "bob ALL=/bin/id\n"}
    state = host("@include sudoers/%h\n@include /etc/sudoers/deep\n@include /etc/gone\n", **more)
    sudoers = load(state)
    assert asked(state, "alice", "/bin/id").allowed
    assert asked(state, "bob", "/bin/id").allowed
    assert [one.reason for one in sudoers.errors] == ["/etc/gone was not found"]


def test_a_file_that_includes_itself_ends() -> None:
    state = host("@include /etc/sudoers\nalice ALL=/bin/id\n")
    assert any("too many levels" in one.reason for one in load(state).errors)
    assert asked(state, "alice", "/bin/id").allowed


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "read"),
    [(0o440, 0, 0, True), (0o666, 0, 0, False), (0o460, 0, 0, True), (0o460, 0, 7, False),
     (0o440, 1001, 0, False), (None, None, None, True)],
)  # fmt: skip
def test_files_others_may_write_are_not_read(
    mode: int | None, uid: int | None, gid: int | None, read: bool
) -> None:
    state = host("@includedir /etc/sudoers.d\n")
    path = "/etc/sudoers.d/x"
    file = File(path, "alice ALL=/bin/id\n", mode=mode, uid=uid, gid=gid)
    state = replace(state, files={**state.files, path: file})
    assert asked(state, "alice", "/bin/id").allowed is read


def test_without_a_sudoers_file_nobody_may_do_anything() -> None:
    state = replace(host(""), files={})
    assert not load(state).usable
    assert asked(state, "root", "/bin/id").outcome is Outcome.DENIED


def rights(text: str) -> list[tuple[str, str, str, bool, str]]:
    state = host(text)
    return [
        (one.who, one.command.text, one.run_as, one.password, one.status.value)
        for one in permissions(load(state), state, NOW)
    ]


def test_rights_as_they_stand() -> None:
    text = (
        "Defaults:alice !authenticate\nalice ALL=(ALL) /bin/id\nbob ALL=/bin/id\nbob ALL=!/bin/id\n"
        "bob ALL=NOTAFTER=20200101000000Z /bin/ls\nbob db1=/bin/df\nbob ALL=/bin/su\n"
        "bob ALL=NOPASSWD: /usr/bin/su\n"
    )
    assert rights(text) == [
        ("alice", "/bin/id", "ALL", False, Status.IN_FORCE),
        ("bob", "/bin/id", "root", True, Status.TAKEN_BACK),
        ("bob", "/bin/ls", "root", True, Status.EXPIRED),
        ("bob", "/bin/df", "root", True, Status.ELSEWHERE),
        ("bob", "/bin/su", "root", True, Status.REPLACED),
        ("bob", "/usr/bin/su", "root", False, Status.IN_FORCE),
    ]


def test_whom_later_members_take_out_has_no_right() -> None:
    assert rights("alice, bob, !%ops ALL=/bin/id\nALL, !#1002 ALL=/bin/ls\n") == [
        ("bob", "/bin/id", "root", True, Status.IN_FORCE),
        ("ALL", "/bin/ls", "root", True, Status.IN_FORCE),
    ]


@pytest.mark.parametrize(
    ("version", "rule", "outcome"),
    [
        ("1.9.13p3", "()", Outcome.WITHOUT_PASSWORD), ("1.9.14p1", "()", Outcome.WITHOUT_PASSWORD),
        ("1.9.14p1", "(:ops)", Outcome.WITHOUT_PASSWORD), ("1.9.13p3", "(:ops)", Outcome.DENIED),
        ("1.9.14p2", "()", Outcome.DENIED), ("1.9.14p2", "(:ops)", Outcome.DENIED),
    ],
)  # fmt: skip
def test_an_empty_list_of_users_is_judged_by_the_version(
    version: str, rule: str, outcome: Outcome
) -> None:
    state = host(f"alice ALL={rule} NOPASSWD: /bin/id\n", version)
    assert asked(state, "alice", "/bin/id").outcome is outcome


def test_a_right_knows_its_way() -> None:
    state = host("User_Alias A = B\nUser_Alias B = %ops, !bob\nCmnd_Alias C = /bin/id\nA ALL=C\n")
    (right,) = permissions(load(state), state, NOW)
    assert right.chain == (
        "%ops", "User_Alias A", "User_Alias B", "Cmnd_Alias C", "/etc/sudoers:4",
    )  # fmt: skip
    assert [one.number for one in right.lines] == [4, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "version", "rs"),
    [
        ("1.9.13p3", (1, 9, 13, 3), False), ("Sudo version 1.9.5p2", (1, 9, 5, 2), False),
        ("sudo-rs 0.2.8", (0, 2, 8, 0), True), ("sudo-rs", (0, 2, 5, 0), True),
    ],
)  # fmt: skip
def test_dialects(text: str, version: tuple[int, int, int, int], rs: bool) -> None:
    spoken = dialect_of(text)
    assert (spoken.version, spoken.rs) == (version, rs)
    assert dialect_of(spoken.text) == spoken


def test_a_dialect_nobody_speaks_is_refused() -> None:
    with pytest.raises(ValueError, match="no version of sudo"):
        dialect_of("doas")


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("20300101000000Z", 1_893_456_000_000_000), ("2030010100", 1_893_456_000_000_000),
        ("20300101010000+0100", 1_893_456_000_000_000), ("203001010000.5Z", 1_893_456_000_000_000),
        ("20301301000000Z", None), ("20300101", None), ("soon", None),
    ],
)  # fmt: skip
def test_moments(text: str, micros: int | None) -> None:
    assert moment(text) == micros


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1d2h3m4s", 93_784), ("x", None)])
def test_spans(text: str, seconds: int | None) -> None:
    assert span(text) == seconds
