"""A lint of hosts: what is told, what is accepted, and how it ends."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opskit.access import lint
from opskit.access.inspection import Question
from opskit.access.lint import Linted, lint_hosts
from opskit.access.model import Suppression
from opskit.access.rules.suppressions import Written
from opskit.core.clock import parse_instant
from opskit.core.errors import ExitCode
from opskit.core.findings import Location, Severity
from tests.conftest import CASES

NOW = parse_instant("2026-11-22T12:00:00", ZoneInfo("UTC"))
TODAY = date(2026, 11, 22)
ALL = Question(NOW)


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASES / "access/trees/two-hosts", tmp_path / "hosts"))


def accepted(rule: str, fields: Mapping[str, str] | None = None, until: date = TODAY) -> Written:
    entry = {"rule": rule, "owner": "alice", "reason": "the move", "until": until, **(fields or {})}
    return Written(Suppression.model_validate(entry), Location("policy.yaml", 2))


def found(linted: Linted) -> set[tuple[str, str, str]]:
    return {(one.rule, one.target, one.subject) for one in linted.findings}


def rules(linted: Linted) -> set[str]:
    return {one.rule for one in linted.findings}


def test_hosts_are_looked_at_one_by_one_and_together(hosts: Path) -> None:
    linted = lint_hosts([hosts], ALL)
    assert ("GRP-ROOT-EQ", "web1.example.org", "alice") in found(linted)
    (shared,) = [one for one in linted.findings if one.rule == "SSH-KEY-SHARED"]
    assert (shared.target, shared.path) == (
        "", ("alice on web1.example.org", "bob on web2.example.org"),
    )  # fmt: skip
    assert [one.name for one in linted.targets] == ["web1.example.org", "web2.example.org"]


def test_several_processes_find_the_same(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = lint_hosts([hosts], ALL)
    monkeypatch.setattr(lint, "_MANY", 1)
    monkeypatch.setattr(lint, "_workers", lambda: 2)
    assert lint_hosts([hosts], ALL) == alone


def test_only_the_rules_asked_for_are_asked(hosts: Path) -> None:
    question = Question(NOW, rules=frozenset({"SSH-ROOT", "SUDO-ALL"}))
    linted = lint_hosts([hosts], question)
    assert rules(linted) == {"SSH-ROOT"}
    assert {(one.rule, one.target) for one in linted.not_evaluated} == {
        ("SSH-ROOT", "web2.example.org"), ("SUDO-ALL", "web2.example.org"),
    }  # fmt: skip


def test_a_rule_without_what_it_needs_is_told_and_no_pass(hosts: Path) -> None:
    (hosts / "web1/etc/group").unlink()
    linted = lint_hosts([hosts / "web1"], Question(NOW, rules=frozenset({"GRP-ROOT-EQ"})))
    (one,) = linted.not_evaluated
    assert one.reason == "etc/group was not there to look at"
    assert linted.exit_code(Severity.LOW) is ExitCode.OK


def test_what_cannot_be_read_is_undetermined_whatever_was_found(hosts: Path) -> None:
    (hosts / "web1/etc/group").unlink()
    (hosts / "web1/etc/group").symlink_to("/nowhere")
    linted = lint_hosts([hosts / "web1"], ALL)
    assert linted.findings
    assert linted.exit_code(Severity.LOW) is ExitCode.UNDETERMINED
    assert linted.as_json()["counts"]["unread"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [(Severity.INFO, 1), (Severity.MEDIUM, 1), (Severity.HIGH, 1), (Severity.CRITICAL, 0)],
)
def test_findings_fail_from_a_severity_on(hosts: Path, fail_on: Severity, code: int) -> None:
    linted = lint_hosts([hosts / "web1"], Question(NOW, rules=frozenset({"SSH-ROOT"})))
    assert linted.exit_code(fail_on) == code


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"target": "web1.example.org"},
        {"target": "web*", "subject": "roo?"},
        {"fingerprint": "of the finding"},
    ],
)
def test_what_is_accepted_stays_and_counts_no_more(hosts: Path, fields: dict[str, str]) -> None:
    question = Question(NOW, rules=frozenset({"SSH-ROOT"}))
    (before,) = lint_hosts([hosts / "web1"], question).findings
    if "fingerprint" in fields:
        fields = {"fingerprint": before.fingerprint}
    linted = lint_hosts([hosts / "web1"], question, [accepted("SSH-ROOT", fields)])
    assert linted.findings == ()
    (one,) = linted.suppressed
    assert one.finding == before
    assert one.as_json()["suppression"] == {
        "owner": "alice", "reason": "the move", "until": "2026-11-22",
    }  # fmt: skip
    assert linted.exit_code(Severity.INFO) is ExitCode.OK


@pytest.mark.parametrize(
    "fields", [{"target": "web2*"}, {"subject": "alice"}, {"fingerprint": "0" * 16}]
)
def test_every_field_must_fit(hosts: Path, fields: dict[str, str]) -> None:
    linted = lint_hosts([hosts / "web1"], ALL, [accepted("SSH-ROOT", fields)])
    assert "SSH-ROOT" in rules(linted)
    assert linted.suppressed == ()


@pytest.mark.parametrize(
    ("until", "rule"),
    [
        (TODAY - timedelta(days=1), "FLOW-SUPPRESSION-EXPIRED"),
        (TODAY + timedelta(days=181), "FLOW-SUPPRESSION-LONG"),
    ],
)
def test_what_has_ended_or_is_too_long_counts_no_more(hosts: Path, until: date, rule: str) -> None:
    linted = lint_hosts([hosts / "web1"], ALL, [accepted("SSH-ROOT", until=until)])
    assert {"SSH-ROOT", rule} <= rules(linted)


def test_half_a_year_still_counts(hosts: Path) -> None:
    entry = accepted("SSH-ROOT", until=TODAY + timedelta(days=180))
    assert "SSH-ROOT" not in rules(lint_hosts([hosts / "web1"], ALL, [entry]))


@pytest.mark.parametrize(
    ("rule", "fields", "told"),
    [
        ("SSH-ROOT", {"subject": "alice"}, True),
        ("ACC-UID0", {}, True),
        ("SSH-ROOT", {"target": "db1"}, False),
        ("ACC-ORPHAN", {}, False),
        ("PG-SUPER", {}, False),
    ],
    ids=["fits-nothing", "found-nothing", "other-host", "not-evaluated", "other-kind"],
)
def test_an_acceptance_of_nothing_is_told_where_it_was_looked(
    hosts: Path, rule: str, fields: dict[str, str], told: bool
) -> None:
    linted = lint_hosts([hosts / "web1"], ALL, [accepted(rule, fields)])
    assert ("FLOW-SUPPRESSION-UNUSED" in rules(linted)) is told


def test_a_fingerprint_outlives_edits_and_the_copy_s_place(hosts: Path, tmp_path: Path) -> None:
    before = {one.fingerprint for one in lint_hosts([hosts], ALL).findings}
    moved = hosts.rename(tmp_path / "elsewhere")
    for path in ("web1/etc/passwd", "web1/etc/group", "web1/etc/ssh/sshd_config"):
        file = moved / path
        file.write_text("# a line more\n\n" + file.read_text())
    keys = moved / "web1/home/alice/.ssh/authorized_keys"
    keys.write_text("# a line more\n  " + keys.read_text())
    assert {one.fingerprint for one in lint_hosts([moved], ALL).findings} == before


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("etc/group", "GRP-ROOT-EQ"),
        ("etc/ssh/sshd_config", "SSH-ROOT"),
        ("etc/sudoers", "SUDO-ALL"),
        ("etc/sudoers.d/ops", "SUDO-ALL"),
        ("home/alice/.ssh/authorized_keys", "SSH-KEY-NOEXP"),
        ("etc/passwd", "ACC-UID0"),
    ],
)
def test_one_file_is_known_by_its_name_and_place(hosts: Path, path: str, rule: str) -> None:
    file = hosts / "web1" / path
    file.parent.mkdir(exist_ok=True)
    more = {"sudoers": "\n%ops ALL=(ALL) ALL\n", "passwd": "toor:x:0:0::/:/bin/sh\n"}
    key = "sudoers" if "sudoers" in path else file.name
    with file.open("a") as stream:
        stream.write(more.get(key, ""))
    question = Question(NOW, rules=frozenset({rule}))
    linted = lint_hosts([file], question)
    assert linted.troubles == ()
    if rule == "GRP-ROOT-EQ":  # who is in a group by their primary one is not known
        assert [one.rule for one in linted.not_evaluated] == [rule]
    else:
        (one,) = linted.findings
        assert one.evidence[0].file == str(file)


def test_a_fragment_is_not_held_to_what_stands_in_the_main_file(hosts: Path) -> None:
    (hosts / "web1/etc/sudoers.d").mkdir()
    (hosts / "web1/etc/sudoers.d/ops").write_text('alice ALL=(root) /usr/bin/id ""\n')
    found_there = lint_hosts([hosts / "web1/etc/sudoers.d/ops"], ALL)
    assert all(one.severity is Severity.INFO for one in found_there.findings)


def test_no_hash_is_in_what_is_told(hosts: Path) -> None:
    secret = "$6$saltsalt$neverneverneverneverneverneverneverneverneverneverneverneverne"
    (hosts / "web1/etc/shadow").write_text(f"alice:{secret}:1:0:9:7:::\nbob:{secret}\n:{secret}\n")
    with (hosts / "web1/etc/passwd").open("a") as stream:
        stream.write(f"toor:{secret}:0:0::/:/bin/sh\n")
    assert secret not in repr(lint_hosts([hosts], ALL))


def test_files_that_include_each_other_come_to_an_end(hosts: Path) -> None:
    (hosts / "web1/etc/sudoers.d").mkdir()
    for name in ("sudoers", *(f"sudoers.d/{number}" for number in range(40))):
        (hosts / "web1/etc" / name).write_text("@includedir /etc/sudoers.d\n")
    question = Question(NOW, rules=frozenset({"SUDO-INEFFECTIVE"}))
    linted = lint_hosts([hosts / "web1"], question)
    assert "say too much to be followed" in " ".join(one.reason for one in linted.troubles)
    assert linted.exit_code(Severity.CRITICAL) is ExitCode.UNDETERMINED


def test_a_file_of_garbage_is_one_finding(hosts: Path) -> None:
    (hosts / "web1/etc/group").write_text("garbage\n" * 50_000)
    question = Question(NOW, rules=frozenset({"HOST-MISREAD"}))
    (one,) = lint_hosts([hosts / "web1"], question).findings
    assert one.message == "50,000 lines, the first: 1 fields instead of 4"
    assert len(one.evidence) == 20
