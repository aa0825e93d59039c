"""`opskit access lint` and `opskit access may`: forms, exit codes, and what a terminal shows."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from opskit.access.rules.catalogue import every
from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.conftest import CASES

SARIF = json.loads((CASES / "cli" / "sarif.schema.json").read_text())
PEOPLE = "---\npeople:\n  alice: {name: Alice}\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASES / "access/trees/two-hosts", tmp_path / "hosts"))


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Return a directory that is in no ops repository."""
    path = tmp_path / "nowhere"
    (path / ".git").mkdir(parents=True)
    return path


def told(inside: Inside, *arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(inside("access", "lint", *arguments, "--json", cwd=cwd).out)
    return found


def access(ops: Path, **files: str) -> None:
    (ops / "access").mkdir(exist_ok=True)
    for name, text in files.items():
        (ops / "access" / f"{name}.yaml").write_text(text)


def test_a_copy_is_looked_at_without_an_ops_repository(
    inside: Inside, hosts: Path, nowhere: Path
) -> None:
    done = inside("access", "lint", str(hosts / "web1"), "--json", cwd=nowhere)
    assert done.code == ExitCode.FINDINGS
    found = json.loads(done.out)
    assert list(found) == [
        "format_version", "findings", "suppressed", "not_evaluated", "counts", "targets",
    ]  # fmt: skip
    assert list(found["findings"][0]) == [
        "rule", "severity", "scope", "subject", "target", "message", "path", "evidence", "fix",
        "grant", "fingerprint",
    ]  # fmt: skip
    (target,) = found["targets"]
    assert (target["name"], target["sudo_version_from"]) == ("web1.example.org", "newest")
    assert {one["rule"] for one in found["not_evaluated"]} >= {"ACC-ORPHAN", "SSH-KEY-UNKNOWN"}


def test_without_a_path_and_a_repository_the_way_on_is_told(inside: Inside, nowhere: Path) -> None:
    done = inside("access", "lint", cwd=nowhere)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "opskit access lint PATH" in done.err


def test_the_files_of_a_repository_are_checked(ops: Path, inside: Inside) -> None:
    access(ops, people=PEOPLE.replace("Alice", "Alice, team: nobody"), policy="rulez: []\n")
    done = inside("access", "lint", "--json")
    found = json.loads(done.out)["findings"]
    assert done.code == ExitCode.FINDINGS
    assert {(one["rule"], one["scope"], one["evidence"][0]["file"]) for one in found} == {
        ("file-unknown-key", "policy", "access/policy.yaml"),
        ("access-unknown-team", "policy", "access/people.yaml"),
    }


def test_a_key_in_the_people_file_that_is_none_is_told(ops: Path, inside: Inside) -> None:
    access(
        ops, people="---\npeople:\n  alice:\n    name: A\n    keys:\n      - key: ssh-rsa AAAA\n"
    )
    (one,) = told(inside)["findings"]
    assert (one["rule"], one["subject"], one["evidence"][0]["line"]) == (
        "access-key", "people.alice.keys.0", 6,
    )  # fmt: skip


def test_whoever_is_in_the_repository_is_known(ops: Path, inside: Inside, hosts: Path) -> None:
    access(ops, people=PEOPLE)
    orphans = [one for one in told(inside, str(hosts))["findings"] if one["rule"] == "ACC-ORPHAN"]
    assert [one["subject"] for one in orphans] == ["bob"]


def test_people_may_be_given(inside: Inside, hosts: Path, nowhere: Path) -> None:
    file = nowhere / "people.yaml"
    file.write_text(PEOPLE.replace("alice", "bob"))
    found = told(inside, str(hosts), "--people", str(file), cwd=nowhere)["findings"]
    assert [one["subject"] for one in found if one["rule"] == "ACC-ORPHAN"] == ["alice"]


POLICY = """---
suppressions:
  - rule: GRP-ROOT-EQ
    target: web1.example.org
    owner: alice
    reason: until the runner has moved
    until: 2099-01-01
"""


def test_the_policy_of_the_repository_accepts(ops: Path, inside: Inside, hosts: Path) -> None:
    access(ops, policy=POLICY)
    found = told(inside, str(hosts))
    assert "FLOW-SUPPRESSION-LONG" in {one["rule"] for one in found["findings"]}
    assert found["suppressed"] == []


def test_a_broken_policy_is_not_passed_over(ops: Path, inside: Inside, hosts: Path) -> None:
    access(ops, policy=POLICY.replace("owner:", "ownr:"))
    (ops / "people.yaml").write_text(PEOPLE)
    done = inside("access", "lint", str(hosts), "--people", "people.yaml")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "access/policy.yaml:5:5" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--rule", "SSH-ROOT"), 1),
        (("--rule", "ssh-root", "--fail-on", "critical"), 0),
        (("--rule", "ACC-EMPTYPW"), 0),
        (("--rule", "SSH-ROOT", "--fail-on", "info"), 1),
    ],
)
def test_the_exit_code_says_whether_it_is_as_wanted(
    inside: Inside, hosts: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert inside("access", "lint", str(hosts / "web1"), *arguments).code == code


def test_info_alone_fails_nothing(inside: Inside, nowhere: Path) -> None:
    file = nowhere / "sudoers"
    defaults = 'Defaults env_reset, use_pty, secure_path="/usr/bin"\n'
    file.write_text(defaults + "alice ALL=(root) /opt/site/own-tool --once\n")
    done = inside("access", "lint", str(file), "--json", "--rule", "SUDO-UNREVIEWED")
    assert {one["severity"] for one in json.loads(done.out)["findings"]} == {"info"}
    assert done.code == ExitCode.OK


def test_what_cannot_be_read_is_undetermined(inside: Inside, hosts: Path) -> None:
    (hosts / "web1/etc/shadow").symlink_to("/nowhere/at/all")
    done = inside("access", "lint", str(hosts / "web1"))
    assert done.code == ExitCode.UNDETERMINED
    assert "could not be read" in done.out
    assert "next: make what could not be read readable" in done.err


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("/no/such/place",), "/no/such/place is not there", "give a host's root"),
        (("--rule", "SSH-ROTO"), "there is no rule", "did you mean SSH-ROOT?"),
        (("--explain", "x"), "there is no rule", "opskit access lint --rules"),
        (("--sudo-version", "new", "."), "is no version of sudo", "sudo-rs"),
        (("--fail-on", "always"), "is not one of", "opskit access lint --help"),
    ],
)
def test_a_mistake_is_named_with_the_next_step(
    inside: Inside, hosts: Path, arguments: tuple[str, ...], said: str, hint: str
) -> None:
    path = () if arguments[-1].startswith(("/", ".")) else (str(hosts),)
    done = inside("access", "lint", *arguments, *path)
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert said in done.err
    assert hint in done.err


def test_the_sudo_that_was_named_is_the_one_that_reads(inside: Inside, hosts: Path) -> None:
    (target,) = told(inside, str(hosts / "web1"), "--sudo-version", "sudo-rs")["targets"]
    assert target["sudo_version_from"] == "option"
    assert target["sudo_version"].startswith("sudo-rs")


def test_production_makes_it_graver(inside: Inside, hosts: Path) -> None:
    asked_for = (str(hosts / "web1"), "--rule", "SSH-KEY-NOFROM")
    assert told(inside, *asked_for)["findings"] == []
    assert len(told(inside, *asked_for, "--production")["findings"]) == 1


def test_every_rule_is_explained(inside: Inside) -> None:
    listed = json.loads(inside("access", "lint", "--rules", "--json").out)["rules"]
    assert [one["id"] for one in listed] == list(every())
    done = inside("access", "lint", "--explain", "ssh-root")
    assert done.code == ExitCode.OK
    for part in ("SSH-ROOT (high)", "Why: ", "Fix: ", "PermitRootLogin no", "CIS Ubuntu"):
        assert part in done.out


def test_sarif_holds_what_is_accepted_too(ops: Path, inside: Inside, hosts: Path) -> None:
    access(ops, policy=POLICY.replace("2099-01-01", str(_soon())))
    done = inside("access", "lint", ".", "-o", "sarif", "--config", str(ops), cwd=hosts)
    report = json.loads(done.out)
    jsonschema.validate(report, SARIF)
    results = report["runs"][0]["results"]
    accepted = [one["ruleId"] for one in results if one.get("suppressions")]
    assert accepted == ["GRP-ROOT-EQ"]
    as_json = told(inside, ".", "--config", str(ops), cwd=hosts)
    assert {one["partialFingerprints"]["opskit/v1"] for one in results} == {
        one["fingerprint"] for one in (*as_json["findings"], *as_json["suppressed"])
    }
    alone = inside("access", "lint", ".", "-o", "sarif", cwd=hosts / "web1")
    assert '"uri": "etc/group"' in alone.out


def _soon() -> date:
    return datetime.now(UTC).date() + timedelta(days=30)


def test_junit_has_a_suite_for_each_host(inside: Inside, hosts: Path) -> None:
    root = ET.fromstring(inside("access", "lint", str(hosts), "-o", "junit").out)
    assert [one.get("name") for one in root] == [
        "web1.example.org", "web2.example.org", "all together",
    ]  # fmt: skip
    assert root.find(".//testcase[@name='SSH-ROOT root']/failure") is not None
    assert root.find(".//testcase[@name='ACC-ORPHAN']/skipped") is not None


def test_markdown_has_a_finding_in_each_row(inside: Inside, hosts: Path) -> None:
    lines = inside("access", "lint", str(hosts), "-o", "md").out.splitlines()
    rows = [one for one in lines if one.startswith("| ")][2:]
    assert len(rows) == told(inside, str(hosts))["counts"]["findings"]
    assert all(one.count(" | ") == 6 for one in rows)


def test_annotations_stand_beside_the_line(inside: Inside, hosts: Path) -> None:
    done = inside("access", "lint", str(hosts / "web1"), "-o", "github")
    where = f"file={hosts}/web1/etc/group,line=2,title=GRP-ROOT-EQ"
    assert any(one.startswith(f"::error {where}::") for one in done.out.splitlines())


def test_yaml_and_json_say_the_same(inside: Inside, hosts: Path) -> None:
    as_yaml = yaml.safe_load(inside("access", "lint", str(hosts), "-o", "yaml").out)
    assert as_yaml == told(inside, str(hosts))


@pytest.mark.parametrize("width", [80, 140])
def test_a_table_fits_its_terminal_and_ends_with_the_next_step(
    inside: Inside, hosts: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = inside("access", "lint", str(hosts))
    assert max(map(len, done.out.splitlines())) <= width
    headings = [one for one in done.out.splitlines() if one in {"web1.example.org", "all together"}]
    assert headings == ["web1.example.org", "all together"]
    assert (
        done.err
        == "next: opskit access lint --explain GRP-ROOT-EQ   why it matters, and what to do\n"
    )


def test_no_escape_sequence_reaches_the_terminal(inside: Inside, hosts: Path) -> None:
    evil = hosts / "web1/home/al\x1b[31mice\n/.ssh"
    evil.mkdir(parents=True)
    key = (hosts / "web1/home/alice/.ssh/authorized_keys").read_text()
    (evil / "authorized_keys2").write_bytes(key.strip().encode() + b" \x1b]0;evil\x07\xff\n")
    for form in ("table", "json", "yaml", "sarif", "junit", "md", "github"):
        done = inside("access", "lint", str(hosts / "web1"), "-o", form)
        assert done.code == ExitCode.FINDINGS, form
        assert "\x1b" not in done.out, form
        done.out.encode("utf-8")


# may


def asked(inside: Inside, hosts: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = inside("access", "may", "--tree", str(hosts / "web1"), "--json", *arguments)
    return done.code, json.loads(done.out)


@pytest.mark.parametrize(
    ("arguments", "answer", "code"),
    [
        (("alice", "systemctl", "restart", "nginx"), "without password", 0),
        (("alice", "systemctl", "restart", "ssh"), "denied", 1),
        (("alice", "--", "systemctl", "--user", "x"), "denied", 1),
        (("root", "id"), "without password", 0),
        (("alice", "--as", "alice", "id"), "denied", 1),
        (("mallory", "id"), "unknown", 3),
    ],
)
def test_may_answers_as_sudo_would(
    inside: Inside, hosts: Path, arguments: tuple[str, ...], answer: str, code: int
) -> None:
    ended, told_of_it = asked(inside, hosts, *arguments)
    assert (told_of_it["answer"], ended) == (answer, code)


def test_may_names_the_line_and_the_way_to_it(inside: Inside, hosts: Path) -> None:
    _, found = asked(inside, hosts, "alice", "systemctl", "restart", "nginx")
    assert found["decided_by"] == {
        "file": f"{hosts}/web1/etc/sudoers",
        "line": 3,
        "raw": "alice ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx",
    }
    assert (found["path"][0], found["path"][-1]) == ("alice", f"{hosts}/web1/etc/sudoers:3")
    done = inside(
        "access", "may", "alice", "--tree", str(hosts / "web1"), "systemctl", "restart", "nginx"
    )
    assert done.out.startswith("without password: alice on web1.example.org: ")


@pytest.mark.parametrize("missing", ["etc/sudoers", "etc/passwd", "etc/group"])
def test_may_says_nothing_without_the_files(inside: Inside, hosts: Path, missing: str) -> None:
    (hosts / "web1" / missing).unlink()
    done = inside("access", "may", "alice", "id", "--tree", str(hosts / "web1"))
    assert done.code == ExitCode.UNDETERMINED
    assert done.out.startswith("cannot say: ")
    assert missing in done.out


def test_may_wants_one_host(inside: Inside, hosts: Path) -> None:
    done = inside("access", "may", "alice", "id", "--tree", str(hosts))
    assert done.code == ExitCode.USAGE
    assert f"--tree {hosts}/web1" in done.err


def test_may_knows_the_host_it_is_asked_about(inside: Inside, hosts: Path) -> None:
    with (hosts / "web1/etc/sudoers").open("a") as stream:
        stream.write("alice db1 = (root) /usr/bin/id\n")
    assert asked(inside, hosts, "alice", "id")[0] == ExitCode.FINDINGS
    assert asked(inside, hosts, "alice", "id", "--host", "db1")[0] == ExitCode.OK
