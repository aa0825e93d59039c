"""The whole way on real hosts and a real PostgreSQL, through the command line as people type it.

What ends by itself is asked for first and looked at last: meanwhile its time runs out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path

import psycopg
import pytest

from tests.access.databases.place import ADMINISTRATOR, Place, placed
from tests.conftest import Finished
from tests.rig import postgres as postgresql
from tests.rig.hosts import Fleet
from tests.rig.plugin import require

SHORT = 40
FILES = {
    "people": """
people:
  alice: {name: Alice, team: web, manager: bob, keys: [{key: ALICE}]}
  carol: {name: Carol, team: web, manager: bob, keys: [{key: CAROL}]}
  bob: {name: Bob, team: platform, keys: [{key: BOB, use: [login, sign]}]}
teams:
  web: {purpose: Web.}
  platform: {purpose: Platform.}
""",
    "roles": """
roles:
  operator:
    purpose: Looks around as root, reads orders.
    owners: [platform]
    targets: [hosts, shop-db]
    linux:
      groups: [adm]
      sudo: [{commands: [/usr/bin/id -u]}]
    postgres: {member_of: [readers]}
  looker:
    purpose: Looks around as root.
    owners: [platform]
    targets: [hosts]
    linux:
      sudo: [{commands: [/usr/bin/id -u]}]
""",
    "targets": """
targets:
  hosts: {kind: linux, hosts: all}
  shop-db:
    kind: postgres
    address: 127.0.0.1:PORT
    user: USER
    password_file: password
    sslmode: disable
    administrators: [USER]
""",
    "policy": """
approvals:
  default: {all_of: [{among: [owners]}]}
rules:
  - {name: web, who: [web]}
""",
}


@dataclass(frozen=True)
class Office:
    """An ops repository, its people's keys, its hosts and its database."""

    root: Path
    fleet: Fleet
    database: Place

    def run(self, who: str, *arguments: str) -> Finished:
        """Run `opskit access` as somebody."""
        done = subprocess.run(
            [sys.executable, "-m", "opskit", "access", *arguments],
            cwd=self.root, env={**os.environ, "SUDO_USER": who}, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        return Finished(done.returncode, done.stdout, done.stderr)

    def given(self, who: str, role: str, length: str) -> str:
        """Have a role asked for by one and approved by bob, signed; return the grant."""
        asked = self.run(who, "request", role, "--for", length, "--reason", "OPS-412", "--json")
        assert asked.code == 0, asked.err
        name = json.loads(asked.out)["request"]
        key = str(self.root / "keys" / "bob")
        done = self.run("bob", "approve", name, "--yes", "--sign-with", key)
        assert done.code == 0, done.err
        return str(json.loads(self.run(who, "show", name, "--json").out)["grant"])

    def ssh(self, who: str, host: str, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.login(who, host, *command), capture_output=True, text=True, check=False
        )

    def login(self, who: str, host: str, *command: str) -> Sequence[str]:
        """Return the command that logs somebody in."""
        options = [
            "BatchMode=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={self.fleet.known_hosts}",
        ]  # fmt: skip
        flags = [part for option in options for part in ("-o", option)]
        key = str(self.root / "keys" / who)
        address = self.fleet[host].address
        return ["ssh", "-F", "none", *flags, "-i", key, f"{who}@{address}", *command]


@pytest.fixture(scope="module")
def office(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    require(postgresql.available())
    root = tmp_path_factory.mktemp("office")
    (root / "keys").mkdir()
    words: dict[str, str] = {}
    for name in ("alice", "bob", "carol"):
        path = root / "keys" / name
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
        subprocess.run(command, check=True)
        words[name.upper()] = json.dumps(path.with_suffix(".pub").read_text().strip())
    with placed(tmp_path_factory.mktemp("database")) as database:
        words |= {"PORT": str(database.server.port), "USER": ADMINISTRATOR}
        (root / "access").mkdir()
        for name, text in FILES.items():
            filled = reduce(lambda done, word: done.replace(word, words[word]), words, text)
            (root / "access" / f"{name}.yaml").write_text(filled)
        shutil.copy(database.root / "password", root / "password")
        (root / "password").chmod(0o600)
        (root / "inventory").mkdir()
        shutil.copy(own_fleet.inventory, root / "inventory" / "hosts.ini")
        (root / "opskit.yaml").write_text("inventory: [inventory/hosts.ini]\n")
        yield Office(root, own_fleet, database)


@pytest.fixture(scope="module")
def short(office: Office) -> tuple[str, float]:
    """Give carol a role for a short time; return the grant and when it is over."""
    grant = office.given("carol", "looker", f"{SHORT}s")
    shown = json.loads(office.run("bob", "show", grant, "--json").out)
    assert shown["state"] == "active"
    return grant, datetime.fromisoformat(shown["ends_at"]).timestamp()


def test_a_grant_opens_hosts_and_a_database_and_revoking_it_ends_a_live_session(
    office: Office, short: tuple[str, float]
) -> None:
    assert office.ssh("carol", "web1", "sudo", "-n", "id", "-u").stdout.strip() == "0"
    grant = office.given("alice", "operator", "2h")
    shown = json.loads(office.run("alice", "show", grant, "--json").out)
    assert shown["state"] == "active", shown
    assert {one["place"] for one in shown["places"]} == {"web1", "web2", "db1", "shop-db"}
    for host in ("web1", "web2", "db1"):
        assert office.ssh("alice", host, "sudo", "-n", "id", "-u").stdout.strip() == "0"
    assert office.ssh("alice", "web1", "sudo", "-n", "cat", "/etc/shadow").returncode != 0
    password = office.database.password("alice")
    with office.database.connect("alice", password) as session:
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    live = subprocess.Popen(office.login("alice", "web2", "sleep", "600"))
    held = office.database.connect("alice", password)
    revoked = office.run("bob", "revoke", grant, "--reason", "left the team", "--yes")
    assert revoked.code == 0, revoked.err
    assert live.wait(10) != 0
    with pytest.raises(psycopg.OperationalError):
        held.execute("SELECT 1")
    held.close()
    assert office.ssh("alice", "web2", "id").returncode == 255
    with pytest.raises(psycopg.OperationalError):
        office.database.connect("alice", password)
    after = json.loads(office.run("alice", "show", grant, "--json").out)
    assert after["state"] == "revoked"
    assert {one["observed"] for one in after["places"]} == {"absent"}


def test_the_export_of_it_all_is_verified_by_stock_tools(
    office: Office, short: tuple[str, float], tmp_path: Path
) -> None:
    directory = tmp_path / "audit"
    assert office.run("bob", "export", str(directory)).code == 0
    done = subprocess.run(
        ["sh", str(directory / "verify.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Good") >= 1


def test_a_grant_ends_by_itself_with_opskit_switched_off_and_is_then_seen_gone(
    office: Office, short: tuple[str, float]
) -> None:
    grant, ends_at = short
    # The one wait there is: nobody but the hosts' own clocks can end it.
    time.sleep(max(0.0, ends_at + 1 - time.time()))
    for host in ("web1", "web2", "db1"):
        assert office.ssh("carol", host, "id").returncode == 255, host
        asked = office.fleet[host].run(("sudo", "-l", "-U", "carol", "/usr/bin/id", "-u"))
        assert asked.returncode != 0, host
    settled = office.run("bob", "settle")
    assert settled.code == 0, settled.err
    after = json.loads(office.run("bob", "show", grant, "--json").out)
    assert after["state"] == "revoked"
    for one in after["places"]:
        assert one["observed"] == "absent"
        assert one["enforced_by"] == "notafter"
        assert one["residual_exposure_seconds"] == 0


def test_what_is_wrong_on_hosts_and_server_is_found_by_looking_at_them(
    office: Office, short: tuple[str, float]
) -> None:
    office.fleet["web2"].write("/etc/sudoers.d/rogue", "mallory ALL=(ALL) NOPASSWD: ALL\n")
    office.fleet["web2"].run(("useradd", "mallory"))
    office.database.run("CREATE ROLE mallory LOGIN CREATEROLE")
    found = office.run("bob", "lint", "--target", "hosts", "--target", "shop-db", "--json")
    assert found.code == 1, found.err
    told = {(one["rule"], one["target"]) for one in json.loads(found.out)["findings"]}
    assert ("SUDO-ALL-NOPASSWD", "web2") in told
    assert ("SUDO-ALL-NOPASSWD", "web1") not in told
    assert ("PG-ATTR", "shop-db") in told
