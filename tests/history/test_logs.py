"""`opskit import sudo` and `sshd`: what logs tell of the use of access, with nobody named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.conftest import CASES
from tests.history.test_import import brought, figure, reported

PEOPLE = """
people:
  ann: {name: Ann Other, team: web, account: aother}
  bob: {name: Bob Other, team: web}
  evelyn: {name: Eve Alone, team: data}
service_accounts:
  deployer: {purpose: it deploys, owner: web}
teams:
  web: {purpose: the shop}
"""
KEY = "SHA256:4Ie3Q6NQubteFgrFTwpq8gUlQvFQhYvxL7NEtd9nS8E"
WHOLE = ("--from", "2026-02-01", "--to", "2026-03-01")


def ran(day: int, account: str, host: str = "web1", hour: int = 9) -> str:
    """Return a line of sudo."""
    command = f"TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id {account}"
    return f"Feb {day:2} {hour:02}:00:00 {host} sudo:   {account} : {command}\n"


def came(day: int, account: str, host: str = "web1") -> str:
    """Return a line of sshd."""
    where = f"from 192.0.2.1 port 50412 ssh2: ED25519 {KEY}"
    return f"Feb {day:2} 08:00:00 {host} sshd[7]: Accepted publickey for {account} {where}\n"


@pytest.fixture
def office(ops: Path) -> Path:
    """Return the ops repository, with people."""
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text(PEOPLE)
    return ops


def test_use_is_counted_by_team_and_nobody_is_named(inside: Inside, office: Path) -> None:
    log = office / "auth.log"
    every = [(2, "aother"), (2, "bob"), (3, "evelyn"), (3, "root"), (9, "deployer")]
    log.write_text("".join(came(*one) + ran(*one) for one in every))
    found = brought(inside, "sudo", str(log), *WHOLE)
    assert (found["source"], found["rows"]) == ("sudo/web1", 3)
    report = reported(inside, "2026-02")
    used = figure(report, "access.used.sudo")
    assert used["display"] == "5"
    assert used["note"] == (
        "imported; on 3 days; 5 by no grant of opskit; 2 by accounts whose team is not known"
    )
    assert not [one for one in report["figures"] if one["id"] == "access.used.login"]
    rows = report["inputs"]["ground"]["evidence"]["desk"]["commands"]
    assert [(one["team"], one["times"]) for one in rows] == [("web", 2), ("", 2), ("web", 1)]
    text = json.dumps(report)
    assert not [name for name in ("aother", "Ann", "bob", "evelyn", "deployer") if name in text]
    assert [one["kind"] for one in report["inputs"]["sources"]] == ["imported"]


def test_the_table_of_page_2_and_of_the_team(inside: Inside, office: Path) -> None:
    (office / "auth.log").write_text(came(2, "bob") + came(3, "aother") + came(3, "evelyn"))
    brought(inside, "sshd", str(office / "auth.log"), *WHOLE)
    every = ("report", "build", "--month", "2026-02", "-o", "markdown", "--output-file", "-")
    done = inside(*every)
    assert "| web | 2 | 2 | 2 | 1 |" in done.out
    assert "| team not known | 1 |" in done.out
    team = inside(*every, "--view", "team", "--team", "web")
    assert "| web | 2 | 2 | 2 | 1 |" in team.out
    assert "team not known | 1" not in team.out


def test_the_same_log_again_and_a_longer_one_count_once(inside: Inside, office: Path) -> None:
    log = office / "auth.log"
    log.write_text(ran(1, "bob", hour=0) + ran(2, "bob"))
    brought(inside, "sudo", str(log), "--from", "2026-02-01")
    assert brought(inside, "sudo", str(log), "--from", "2026-02-01")["counts"]["same"] == 2
    log.write_text(log.read_text() + ran(2, "bob", hour=17) + ran(5, "bob"))
    longer = brought(inside, "sudo", str(log), *WHOLE)
    assert (longer["counts"]["new"], longer["counts"]["changed"]) == (1, 1)
    # What was rotated away and is read alone tells of a time that is known already.
    log.write_text(ran(2, "bob", hour=17) + ran(5, "bob"))
    brought(inside, "sudo", str(log))
    assert figure(reported(inside, "2026-02"), "access.used.sudo")["display"] == "4"


def test_a_host_whose_log_covers_a_part_only_is_told(inside: Inside, office: Path) -> None:
    for host in ("web1", "web2"):
        log = office / f"{host}.log"
        log.write_text(ran(2, "bob", host) + ran(5, "bob", host))
        brought(inside, "sudo", str(log), *(WHOLE if host == "web1" else ()))
    report = reported(inside, "2026-02")
    assert figure(report, "access.used.sudo")["display"] == "2"
    told = {one["subject"]: one["reason"] for one in report["gaps"]}
    assert told["logs of access"] == (
        "of 2 logs that were imported, 1 tells of a part of this time only, and is not counted"
    )


def test_rotated_and_packed_logs_are_one(inside: Inside, office: Path) -> None:
    with gzip.open(office / "auth.log.2.gz", "wt") as packed:
        packed.write(ran(1, "bob"))
    (office / "auth.log.1").write_text(ran(9, "bob"))
    (office / "auth.log").write_text(ran(27, "bob"))
    names = [str(office / name) for name in ("auth.log.2.gz", "auth.log.1", "auth.log")]
    found = brought(inside, "sudo", *names, "--zone", "Europe/Berlin", *WHOLE)
    assert found["rows"] == 3
    rows = reported(inside, "2026-02")["inputs"]["ground"]["evidence"]["desk"]["commands"]
    assert [one["times"] for one in rows] == [1, 1, 1]


def test_stamps_without_a_year_are_of_the_year_that_is_said(inside: Inside, office: Path) -> None:
    (office / "old.log").write_text(ran(2, "bob"))
    told = ("--from", "2024-02-01", "--to", "2024-03-01")
    brought(inside, "sudo", str(office / "old.log"), *told)
    assert figure(reported(inside, "2024-02"), "access.used.sudo")["display"] == "1"


@pytest.mark.parametrize("name", ["journal.json", "sudo-1.9.13.json", "sudo-own.log"])
def test_every_form_of_log_is_read(inside: Inside, office: Path, name: str) -> None:
    file = str(CASES / "access/usage" / name)
    told = ("--host", "web1", "--from", "2026-10-01", "--to", "2026-11-01", "--dry-run")
    assert brought(inside, "sudo", file, *told)["rows"] == 1


def test_a_log_that_names_no_host_asks_for_it(inside: Inside, office: Path) -> None:
    done = inside("import", "sudo", str(CASES / "access/usage/sudo-own.log"), "--dry-run")
    assert done.code == ExitCode.USAGE
    assert "--host" in done.err


def test_a_log_without_any_use_is_refused(inside: Inside, office: Path) -> None:
    (office / "auth.log").write_text("Feb  2 08:00:00 web1 sshd[7]: Server listening\n")
    assert inside("import", "sudo", str(office / "auth.log")).code == ExitCode.REFUSED
