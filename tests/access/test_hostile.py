"""Hosts' files written by an attacker: a look at them ends, and what was not followed is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.access.asking import Wish, asked
from opskit.access.inspection import Question
from opskit.access.lint import Linted, lint_hosts
from opskit.access.sudoers.decide import Outcome
from opskit.access.sudoers.dialect import NEWEST
from opskit.access.sudoers.effort import TooMuchError
from opskit.access.sudoers.patterns import extended, glob
from opskit.core.clock import Instant
from opskit.core.errors import ExitCode
from opskit.core.findings import Severity
from tests.access.hosts.test_keys import KEY
from tests.access.test_trees import PASSWD, put

ALL = Question(Instant(1_795_000_000_000_000))
SAFE = 'Defaults env_reset, use_pty, secure_path="/bin"\nroot ALL=(ALL:ALL) ALL\n'
FOLLOWED = "say too much to be followed"


def doubled(kind: str, first: str) -> str:
    """Return aliases that each stand for the one before, twice."""
    lines = [f"{kind} A0={first}", *(f"{kind} A{n}=A{n - 1},A{n - 1}" for n in range(1, 60))]
    return "\n".join(lines) + "\n"


def named(count: int, what: str) -> str:
    return ",".join(f"{what}{number}" for number in range(count))


SUDOERS = {
    "commands that double": doubled("Cmnd_Alias", "/bin/id") + "alice ALL=A59\n",
    "people that double": doubled("User_Alias", "alice") + "A59 ALL=/bin/id\n",
    "hosts that double": doubled("Host_Alias", "web9") + "alice A59=/bin/id\n",
    "aliases too deep": "Cmnd_Alias A0=/bin/id\n"
    + "".join(f"Cmnd_Alias A{n}=A{n - 1}\n" for n in range(1, 2_000))
    + "alice ALL=A1999\n",
    "everybody with everything": f"User_Alias U={named(20_000, 'u')}\n"
    f"Cmnd_Alias C={named(20_000, '/b')}\nU ALL=C\n",
    "includes of itself": "@include /etc/sudoers\n" * 500,
}  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Path:
    put(tmp_path, "etc/passwd", PASSWD)
    put(tmp_path, "etc/group", "root:x:0:\nalice:x:1000:\n")
    put(tmp_path, "etc/sudoers", SAFE)
    put(tmp_path, "etc/ssh/sshd_config", "PermitRootLogin no\n")
    return tmp_path


def reasons(linted: Linted) -> str:
    return "\n".join(f"{one.path}: {one.reason}" for one in linted.troubles)


@pytest.mark.parametrize("text", SUDOERS.values(), ids=SUDOERS)
def test_sudoers_without_end_are_never_green(host: Path, text: str) -> None:
    put(host, "etc/sudoers", SAFE + text)
    linted = lint_hosts([host], ALL)
    assert FOLLOWED in reasons(linted)
    assert linted.exit_code(Severity.CRITICAL) is ExitCode.UNDETERMINED
    assert {"SUDO-ALL", "SUDO-SHELL"} <= {one.rule for one in linted.not_evaluated}


@pytest.mark.parametrize("name", ["hosts that double", "aliases too deep", "includes of itself"])
def test_nobody_answers_from_sudoers_without_end(host: Path, name: str) -> None:
    put(host, "etc/sudoers", SAFE + SUDOERS[name])
    with pytest.raises(TooMuchError):
        asked(host, Wish("alice", ["/bin/true"]), NEWEST, ALL.now)


def test_files_that_were_not_read_leave_the_answer_open(host: Path) -> None:
    put(host, "etc/sudoers", SAFE + "@includedir /etc/sudoers.d\nalice ALL=/bin/true\n")
    for number in range(2_001):
        put(host, f"etc/sudoers.d/f{number}")
    answer = asked(host, Wish("alice", ["/bin/true"]), NEWEST, ALL.now)
    assert answer.exit_code is ExitCode.UNDETERMINED
    assert lint_hosts([host], ALL).exit_code(Severity.CRITICAL) is ExitCode.UNDETERMINED


def test_what_one_host_hides_does_not_keep_others_from_being_looked_at(
    host: Path, tmp_path: Path
) -> None:
    put(host, "etc/sudoers", SAFE + SUDOERS["aliases too deep"])
    other = tmp_path / "other"
    put(other, "etc/sudoers", SAFE + "alice ALL=(ALL) NOPASSWD: ALL\n")
    put(other, "etc/passwd", PASSWD)
    linted = lint_hosts([host, other], ALL)
    assert "SUDO-ALL-NOPASSWD" in {one.rule for one in linted.findings}


def test_a_large_policy_of_many_people_is_followed(host: Path) -> None:
    rules = "".join(f"u{number} ALL=(ALL) ALL\n" for number in range(3_000))
    put(host, "etc/sudoers", SAFE + rules)
    linted = lint_hosts([host], Question(ALL.now, rules=frozenset({"SUDO-ALL"})))
    assert (len(linted.findings), linted.troubles) == (3_000, ())


def test_a_file_of_more_lines_than_anybody_has_is_told_and_not_read(host: Path) -> None:
    put(host, "etc/group", "x\n" * 100_001)
    linted = lint_hosts([host], ALL)
    assert "has more than 100,000 lines" in reasons(linted)
    assert linted.exit_code(Severity.CRITICAL) is ExitCode.UNDETERMINED


def test_groups_that_all_have_everybody_end(host: Path) -> None:
    people = "".join(f"u{n}:x:{2_000 + n}:5::/:/bin/sh\n" for n in range(20_000))
    put(host, "etc/passwd", PASSWD + people)
    put(host, "etc/group", "docker:x:5:\n" * 20_000)
    linted = lint_hosts([host], Question(ALL.now, rules=frozenset({"SUDO-ALL", "GRP-ROOT-EQ"})))
    assert FOLLOWED in reasons(linted)
    assert len(linted.findings) == 20_000


def test_many_broken_lines_are_one_finding(host: Path) -> None:
    put(host, "etc/sudoers", SAFE + "a\n" * 20_000)
    linted = lint_hosts([host], Question(ALL.now, rules=frozenset({"SUDO-INEFFECTIVE"})))
    assert [len(one.evidence) for one in linted.findings] == [20_000]


def test_a_command_without_end_is_told_short(host: Path) -> None:
    put(host, "etc/sudoers", f"{SAFE}alice ALL=(root) /bin/sh {'x' * 1_000_000} *\n")
    linted = lint_hosts([host], ALL)
    assert "SUDO-SHELL" in {one.rule for one in linted.findings}
    told = [one.message + one.evidence[0].raw for one in linted.findings if one.evidence]
    assert max(map(len, told)) < 5_000


def test_stars_are_matched_in_good_time() -> None:
    pattern = glob("/" + "*a" * 300 + "b", pathname=True)
    assert pattern
    assert not pattern.match("/" + "a" * 3_000)
    assert pattern.match("/" + "a" * 3_000 + "b")


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "^(a|a)*$", "^(a{2,}){3,}$", "^(a?){40}$", f"^{'a?' * 40}$", "^.*.*.*.*x$",
     f"^{'(a|a)' * 40}$", f"^{'(' * 60}a{')' * 60}$", "^a{1,99999}$", "^(?=a)$", "^a*+$"],
)  # fmt: skip
def test_an_expression_with_too_many_ways_is_not_tried(pattern: str) -> None:
    assert extended(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^([0-9]{1,3}[.]){3}[0-9]{1,3}$", "10.0.0.1"),
        ("^(start|stop|restart) (nginx|apache2)[0-9]*$", "stop nginx7"),
        ("^(?i)reload [[:alpha:]]+$", "RELOAD web"),
    ],
)
def test_expressions_of_people_are_tried(pattern: str, text: str) -> None:
    found = extended(pattern)
    assert found
    assert found.match(text)


def test_what_an_expression_that_is_not_tried_permits_is_unknown(host: Path) -> None:
    put(host, "etc/sudoers", SAFE + "alice ALL=/bin/id ^(([a-z ]+)+)+$\n")
    answer = asked(host, Wish("alice", ["/bin/id", "a", "b"]), NEWEST, ALL.now)
    assert answer.answer.outcome is Outcome.UNKNOWN
    assert answer.exit_code is ExitCode.UNDETERMINED


def test_keys_under_a_match_are_looked_at(host: Path) -> None:
    put(host, "etc/ssh/sshd_config", "Match User alice\nAuthorizedKeysFile /etc/ssh/%u.keys\n")
    put(host, "etc/ssh/alice.keys", f"{KEY}\n")
    linted = lint_hosts([host], Question(ALL.now, rules=frozenset({"SSH-KEY-NOEXP"})))
    assert [one.evidence[0].file for one in linted.findings] == [f"{host}/etc/ssh/alice.keys"]


CONFIGS = {
    "lists that grow": "AllowUsers aaaaaaaaaaaaaaaaaaaaaaaa\n" * 50_000,
    "files of keys": f"AuthorizedKeysFile {' '.join(f'/k{n}' for n in range(110_000))}\n",
    "patterns": f"Include {'/e*/*/x ' * 100_000}\n",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_of_sshd_without_end_ends(host: Path, name: str) -> None:
    put(host, "etc/ssh/sshd_config", f"PermitRootLogin yes\n{CONFIGS[name]}")
    linted = lint_hosts([host], ALL)
    assert "SSH-ROOT" in {one.rule for one in linted.findings}
    assert bool(linted.troubles) is (name != "lists that grow")
