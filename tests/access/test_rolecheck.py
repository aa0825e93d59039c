"""What is risky in a role itself: told to whoever decides, and where the catalogue is checked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from opskit.access.inspection import Question
from opskit.access.lint import lint_policy
from opskit.access.model import Role
from opskit.access.registry import Registry
from opskit.access.repository import Names, repository
from opskit.access.requesting import check
from opskit.access.rolecheck import check as check_role, root_through
from opskit.core.clock import Instant
from opskit.core.errors import ExitCode
from opskit.core.findings import Severity
from tests.access.used import office, write
from tests.access.world import World, ask


def files(*commands: str, **linux: object) -> Registry:
    return office(linux={"sudo": [{"commands": list(commands)}] if commands else [], **linux})


def rules(registry: Registry, *targets: str) -> set[tuple[str, str]]:
    found = check_role("nginx-operator", registry, targets)
    return {(one.rule, one.severity.value) for one in found}


@pytest.mark.parametrize(
    ("command", "rule", "through"),
    [
        ("ALL", ("SUDO-ALL-NOPASSWD", "critical"), ("every command",)),
        ("/usr/bin/vim /etc/motd", ("SUDO-SHELL", "critical"), ("vim",)),
        ("/usr/bin/tee *", ("SUDO-WRITE", "critical"), ("tee",)),
        ("/usr/bin/apt-get *", ("SUDO-PKG", "critical"), ("apt-get",)),
        ("/usr/bin/cat *", ("SUDO-READ", "high"), ()),
        ("/usr/bin/less /var/log/syslog", ("SUDO-PAGER", "high"), ("less",)),
        ("/opt/vendor/run", ("SUDO-UNREVIEWED", "info"), ()),
    ],
)
def test_a_command_is_judged_as_the_rule_it_becomes(
    command: str, rule: tuple[str, str], through: tuple[str, ...]
) -> None:
    registry = files(command)
    assert rules(registry, "staging") == {rule}
    assert root_through("nginx-operator", registry) == through


def test_exact_commands_and_other_accounts_are_no_finding() -> None:
    assert rules(files("/usr/bin/systemctl restart nginx", "/usr/bin/cat /etc/motd")) == set()
    as_postgres = office(linux={"sudo": [{"run_as": "postgres", "commands": ["/usr/bin/psql *"]}]})
    assert rules(as_postgres) == set()


def test_a_group_is_root_by_another_name() -> None:
    registry = files(groups=["docker", "adm", "nginx"])
    assert rules(registry) == {("GRP-ROOT-EQ", "critical"), ("GRP-ROOT-EQ", "medium")}
    assert root_through("nginx-operator", registry) == ("group docker",)


def test_in_production_it_is_graver() -> None:
    registry = files("/usr/bin/cat *")
    assert rules(registry, "staging") == {("SUDO-READ", "high")}
    assert rules(registry, "web") == {("SUDO-READ", "critical")}


def test_whoever_decides_sees_it_and_it_is_part_of_what_they_agree_to(world: World) -> None:
    work = world.as_("alice", files("/usr/bin/tee *"))
    judged = check(work, ask())
    (one,) = judged.findings
    assert (one.rule, one.subject, one.target) == ("SUDO-WRITE", "nginx-operator", "")
    assert one.message.startswith("nginx-operator lets one run /usr/bin/tee as root")
    assert [(each.file, each.line, each.raw) for each in one.evidence] == [
        ("access/roles.yaml", 0, "/usr/bin/tee *")
    ]
    assert judged.blast.endswith("; as good as root through tee")
    assert judged.digest != check(world.as_("alice", files("/usr/bin/cat *")), ask()).digest


def test_a_role_that_changes_is_judged_anew() -> None:
    assert root_through("nginx-operator", files("/usr/bin/tee *")) == ("tee",)
    assert root_through("nginx-operator", files("/usr/bin/id")) == ()


def test_a_command_that_cannot_be_written_is_told_and_breaks_nothing() -> None:
    (one,) = check_role("nginx-operator", files("/usr/bin/cat a*b"))
    assert one.rule == "ROLE-UNWRITABLE"
    assert "cannot be written" in one.message


ROLES = """---
roles:
  admin:
    purpose: Everything.
    owners: [platform]
    risk: critical
    targets: [web]
    linux:
      sudo:
        - commands: [ALL]
  editor:
    purpose: Edits.
    owners: [platform]
    risk: low
    targets: [web]
    linux:
      groups: [docker]
      sudo:
        - commands:
            # the message of the day
            - /usr/bin/vim /etc/motd
"""


@pytest.fixture
def linted(tmp_path: Any) -> Any:
    (tmp_path / "access").mkdir()
    write(tmp_path / "access" / "roles.yaml", ROLES)
    files = repository(tmp_path, Names(), date(2026, 10, 1))
    return lint_policy(files, "access", Question(Instant(0)))


def test_the_catalogue_is_checked_where_each_right_stands(linted: Any) -> None:
    found = {(one.rule, one.subject): one for one in linted.findings}
    editor = found["SUDO-SHELL", "editor"]
    assert (editor.severity, editor.scope.value) == (Severity.CRITICAL, "policy")
    assert [(one.file, one.line) for one in editor.evidence] == [("access/roles.yaml", 21)]
    assert [one.line for one in found["GRP-ROOT-EQ", "editor"].evidence] == [17]
    assert linted.exit_code(Severity.LOW) is ExitCode.FINDINGS


def test_a_role_that_says_how_grave_it_is_is_only_told(linted: Any) -> None:
    (admin,) = [one for one in linted.findings if one.subject == "admin"]
    assert (admin.rule, admin.severity) == ("SUDO-ALL-NOPASSWD", Severity.INFO)
    assert "its risk says so: critical" in admin.message


def test_a_role_without_linux_gives_nothing_to_judge() -> None:
    registry = office(linux=None, postgres={"member_of": ["reader"]})
    assert isinstance(registry.roles.roles["nginx-operator"], Role)
    assert rules(registry) == set()
