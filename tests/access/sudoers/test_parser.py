"""sudoers text to statements: the grammar, the mistakes, and the short cut for plain rules."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from opskit.access.sudoers.parser import parse
from opskit.access.sudoers.syntax import (
    Alias,
    AliasKind,
    Bad,
    Binding,
    Defaults,
    Grant,
    Include,
    Kind,
    Member,
    Setting,
)
from tests.access.sudoers.real import made_up


def grant(text: str) -> Grant:
    (said,) = parse(text)
    assert isinstance(said, Grant)
    return said


def test_a_rule_with_all_that_one_may_have() -> None:
    text = (
        '"%domain users", #1000, +net, !bob web*, !db1 = (root, %wheel : adm) '
        "NOTAFTER=20300101000000Z NOPASSWD: NOEXEC: /bin/ls -l\\, x, !sudoedit /etc/motd"
    )
    rule = grant(text)
    assert [one.text for one in rule.users] == ["%domain users", "#1000", "+net", "!bob"]
    first, second = rule.privileges[0].specs
    assert first.command == Member(Kind.COMMAND, "/bin/ls", args="-l, x")
    assert second.command == Member(Kind.COMMAND, "sudoedit", negated=True, args="/etc/motd")
    assert second.tags == {"NOPASSWD": True, "NOEXEC": True}
    assert second.not_after == first.not_after == 1_893_456_000_000_000
    assert [one.name for one in second.groups or ()] == ["adm"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("10.0.0.0/8", Kind.ADDRESS), ("fe80::1", Kind.ADDRESS), ("192.168.1.7", Kind.ADDRESS),
        ("web1", Kind.WORD), ("WEB", Kind.ALIAS), ("ALL", Kind.ALL), ("+farm", Kind.NETGROUP),
        ("1.2.3", Kind.WORD), ("Web1", Kind.WORD),
    ],
)  # fmt: skip
def test_what_a_host_is(text: str, kinds: Kind) -> None:
    (host,) = grant(f"alice {text} = ALL").privileges[0].hosts
    assert (host.kind, host.name) == (kinds, text)


def test_aliases_in_one_line_and_over_several() -> None:
    said = parse("Cmnd_Alias A = /bin/ls, \\\n  /bin/id : B = !A\nCmd_Alias C = ALL\n")
    assert [(one.kind, one.name) for one in said if isinstance(one, Alias)] == [
        (AliasKind.COMMAND, "A"), (AliasKind.COMMAND, "B"), (AliasKind.COMMAND, "C"),
    ]  # fmt: skip
    assert [one.line for one in said] == [1, 1, 3]


@pytest.mark.parametrize(
    ("text", "binding", "settings"),
    [
        ("Defaults env_reset", Binding.GLOBAL, [("env_reset", "", "")]),
        ("Defaults !lecture, passwd_tries=2", Binding.GLOBAL,
         [("lecture", "!", ""), ("passwd_tries", "=", "2")]),
        ('Defaults:alice env_keep += "A B"', Binding.USER, [("env_keep", "+=", "A B")]),
        ("Defaults>root env_keep -= LANG # no", Binding.RUNAS, [("env_keep", "-=", "LANG")]),
        ("Defaults@web1 !!authenticate", Binding.HOST, [("authenticate", "", "")]),
        ("Defaults!/bin/ls, /bin/id \\\n noexec", Binding.COMMAND, [("noexec", "", "")]),
        ('Defaults badpass_message="a \\"b\\", c"', Binding.GLOBAL,
         [("badpass_message", "=", 'a "b", c')]),
    ],
)  # fmt: skip
def test_defaults(text: str, binding: Binding, settings: list[tuple[str, str, str]]) -> None:
    (said,) = parse(text)
    assert isinstance(said, Defaults)
    assert said.binding is binding
    assert list(said.settings) == [Setting(*one) for one in settings]


@pytest.mark.parametrize(
    ("text", "path", "directory"),
    [
        ("@include /etc/more", "/etc/more", False), ("#include /etc/more", "/etc/more", False),
        ("@includedir sudoers.d", "sudoers.d", True), ("#includedir /etc/d # x", "/etc/d", True),
        ('@include "/etc/a b"', "/etc/a b", False), ("@include /etc/a\\ b", "/etc/a b", False),
    ],
)  # fmt: skip
def test_includes(text: str, path: str, directory: bool) -> None:
    (said,) = parse(text)
    assert isinstance(said, Include)
    assert (said.path, said.directory) == (path, directory)


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("alice ALL=(root /bin/ls\n", 1, 17, "syntax error"),
        ("\n# x\nalice ALL = ls\n", 3, 13, "expected a fully-qualified path name"),
        ("alice ALL=NOTAFTER=soon ALL\n", 1, 20, "invalid notafter value"),
        ("alice ALL=CWD=x ALL\n", 1, 15, 'values for "CWD" must start with a "/", "~", or "*"'),
        ('"alice ALL=ALL\n', 1, 1, "unexpected line break in string"),
        ("% ALL=ALL\n", 1, 1, "empty group"),
        ("Cmnd_Alias ALL = /bin/ls\n", 1, 12, "reserved word ALL used as an alias name"),
        ("alice ALL=/bin/ls ^a\n", 1, 21, "unterminated regular expression"),
        ("alice \\\nDefaults env_reset\n", 2, 1, "invalid line continuation"),
        ("alice ALL=sha256:12 /bin/ls\n", 1, 18, "syntax error"),
        ("alice ALL=ALL \\", 1, 16, "the file ends within a line"),
    ],
)
def test_a_mistake_has_a_place_and_a_reason(text: str, line: int, column: int, reason: str) -> None:
    bad = [one for one in parse(text) if isinstance(one, Bad)]
    assert [(one.line, one.reason) for one in bad] == [(line, reason)]
    assert bad[0].column == column


def test_a_mistake_costs_its_line_alone() -> None:
    said = parse("alice ALL=ALL\nbob ALL=(\ncarol ALL=ALL\n")
    assert [type(one) for one in said] == [Grant, Bad, Grant]


def meant(text: str) -> list[object]:
    """Return what is said, without where it stands."""
    return [one.reason if isinstance(one, Bad) else one[2:] for one in parse(text)]


def slow(line: str) -> list[object]:
    """Return what the parser itself says: a comment behind a line keeps it off the short cut."""
    return meant(line + " # slow\n")


@given(st.integers(0, 100_000))
def test_the_short_cut_says_what_the_parser_says(seed: int) -> None:
    for line in made_up(seed).sudoers.split("\n"):
        if line and "\\" not in line and "#" not in line:
            assert meant(line + "\n") == slow(line)


def test_the_short_cut_on_lines_made_for_it() -> None:
    rng = random.Random(5)
    parts = [*"=, \t1?", "alice", "%ops", "ALL", "(root)", "(ALL:ALL)", "NOPASSWD:", "PASSWD:"]
    parts += ["/bin/ls", "/bin/l*", "-l", "sha256", "sudoedit", "/usr/bin/sudoedit", "/bin/x/"]
    parts += ["(bob)", "a=b", "^x$", "list", '""', "_x", "(sudoedit)", "(ALL)", "[ab]"]
    for _ in range(4000):
        line = rng.choice(("alice ", "%ops\t", "sha256 ", "")) + rng.choice(("ALL=", "ALL = ", ""))
        line += rng.choice(("", " ")).join(rng.choice(parts) for _ in range(rng.randint(1, 7)))
        assert meant(line + "\n") == slow(line), line


@given(st.text(max_size=80))
def test_anything_at_all_is_read_and_numbered(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= lines for one in parse(text))
