"""Drills on real hosts: proven where revocation works, found out where it does not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.access.drills import Drilled, Outcome, Proof, drill as drill_of
from opskit.access.targets.kinds import Answer, EnforcedBy, Order, Part, Presence, Sight, Standing
from opskit.access.targets.linux import LinuxKind
from opskit.access.workplace import Workplace
from opskit.core.clock import SystemClock
from opskit.core.errors import ConfigError, ExitCode
from opskit.outside.ansible.inventory import Way
from opskit.outside.sshlogin import Login
from tests.access.targets.deputy import Key
from tests.access.world import World, registry
from tests.cli.inside import inside
from tests.conftest import Finished
from tests.rig.hosts import Fleet, Host

NAMES = ("web1", "web2", "off")
Drill = Callable[..., Finished]

ROLES = """
roles:
  canary-certificate: &canary
    purpose: Proves that access can be taken away.
    owners: [platform]
    targets: [web]
    linux: {login: certificate}
  canary-key:
    purpose: Proves that access can be taken away.
    owners: [platform]
    targets: [one]
    linux: {login: key}
"""
POLICY = """
approvals:
  default: {all_of: [{among: [owners]}]}
rules:
  - {name: canary-is-let-in, who: [canary], roles: [ROLE], decide: approve}
authorities:
  production: {key_file: CA}
drills: {account: canary, role: ROLE}
"""


@pytest.fixture(scope="module")
def authority(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Set two hosts up for certificates and switch the third off."""
    found = Key.made(tmp_path_factory.mktemp("authority") / "ca")
    for name in ("web1", "web2"):
        certified(own_fleet[name], found)
    own_fleet["off"].switch_off()
    return found


def certified(host: Host, authority: Key) -> None:
    host.write("/etc/ssh/opskit_ca.pub", f"{authority.public}\n")
    host.write("/etc/ssh/opskit_revoked", "")
    host.write(
        "/etc/ssh/sshd_config.d/opskit.conf",
        "TrustedUserCAKeys /etc/ssh/opskit_ca.pub\n"
        "AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u\n"
        + ("RevokedKeys /etc/ssh/opskit_revoked\n" if host.name == "web1" else ""),
    )
    host.run(("sh", "-c", "kill -HUP $(cat /run/sshd.pid)"))


@pytest.fixture
def drill(
    ops: Path,
    own_fleet: Fleet,
    authority: Key,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Drill:
    """Run `opskit access` as alice in a repository that has the hosts."""
    registered = Key.made(tmp_path / "registered")
    access = ops / "access"
    access.mkdir()
    (access / "people.yaml").write_text(
        "people:\n  alice: {name: Alice, team: platform}\n  bob: {name: Bob, team: platform}\n"
        "teams:\n  platform: {purpose: All of it.}\n"
        "service_accounts:\n  canary:\n    purpose: Drills.\n    owner: platform\n"
        f"    keys: [{{key: {registered.public}}}]\n"
    )
    (access / "targets.yaml").write_text(
        "targets:\n  web: {kind: linux, hosts: all}\n  one: {kind: linux, hosts: web2}\n"
    )
    (access / "roles.yaml").write_text(ROLES.replace(" &canary", ""))
    (ops / "inventory" / "hosts.ini").write_text(own_fleet.inventory.read_text())
    call = inside(ops, monkeypatch, capsys)
    monkeypatch.setattr("opskit.outside.process.account", lambda: "alice")
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "5")

    def run(role: str, *arguments: str, rules: str = "decide: approve") -> Finished:
        text = POLICY.replace("ROLE", role).replace("CA", str(authority.path))
        text = text.replace("decide: approve", rules)
        (access / "policy.yaml").write_text(text)
        return call("access", *arguments)

    return run


def hosts(done: Finished) -> dict[str, dict[str, object]]:
    return {one["host"]: one for one in json.loads(done.out)["hosts"]}


def test_certificates_are_taken_away_and_what_was_not_tried_is_told(
    drill: Drill, own_fleet: Fleet, ops: Path
) -> None:
    done = drill("canary-certificate", "drill", "--yes", "--json")
    found = hosts(done)
    for name in ("web1", "web2"):
        assert found[name]["outcome"] == "proven", (found, done.err)
        granted = found[name]["time_to_grant_seconds"]
        revoked = found[name]["time_to_revoke_seconds"]
        assert isinstance(granted, float)
        assert isinstance(revoked, float)
    assert found["off"]["outcome"] == "untried"
    assert found["off"]["reason"]
    assert done.code == ExitCode.UNDETERMINED
    assert "grant-g" not in own_fleet["web1"].read("/etc/ssh/auth_principals/canary")
    # The second fence: on the list where sshd reads one, nothing set up where it does not.
    assert (
        own_fleet["web1"].run(("grep", "-q", "SSHKRL", "/etc/ssh/opskit_revoked")).returncode == 0
    )
    assert own_fleet["web2"].read("/etc/ssh/opskit_revoked") == ""
    shown = drill("canary-certificate", "show", "g1", "--json")
    assert json.loads(shown.out)["state"] == "revoked"
    listed = json.loads(drill("canary-certificate", "cert", "list", "--json").out)
    assert [one["reason"] for one in listed["certificates"]] == ["revocation drill"]
    left = [path for path in Path(ops).rglob("*") if path.is_file()]
    assert not [one for one in left if b"OPENSSH PRIVATE KEY" in one.read_bytes()]


def test_a_host_that_only_says_so_is_found_out(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LinuxKind.carry_out

    def lying(own: LinuxKind, orders: Sequence[Order]) -> Mapping[str, Answer]:
        if any(one.absent for one in orders):
            return {one.target: Answer(_gone(one)) for one in orders}
        return real(own, orders)

    monkeypatch.setattr(LinuxKind, "carry_out", lying)
    done = drill("canary-key", "drill", "--yes", "--sample", "3", "--json")
    found = hosts(done)
    assert found["web2"]["outcome"] == "open", (found, done.err)
    assert found["web2"]["reason"] == "the same login still works"
    counts = json.loads(done.out)
    assert (counts["proven"], counts["open"], counts["untried"]) == (0, 1, 0)
    assert done.code == ExitCode.FINDINGS


def _gone(order: Order) -> Sight:
    part = Part("key", Presence.ABSENT, EnforcedBy.NONE)
    return Sight(
        order.target, SystemClock().now(),
        standings={one.grant: Standing(one.grant, (part,)) for one in order.absent},
    )  # fmt: skip


def test_a_canary_that_nobody_lets_in_by_itself_is_not_given_anything(drill: Drill) -> None:
    done = drill("canary-key", "drill", "--yes", rules="decide: ask")
    assert done.code == ExitCode.REFUSED
    assert "no rule approves canary-key for canary by itself" in done.err
    done = drill("none-such", "drill", "--yes")
    assert done.code == ExitCode.USAGE
    assert "no requests" in drill("canary-key", "list", "--requests", "--all").err


def drilling(world: World) -> Workplace:
    """Return the office in which `deploy` is the canary."""
    found = registry(
        policy={
            "rules": [{"name": "canary", "who": ["deploy"], "decide": "approve"}],
            "drills": {"account": "deploy", "role": "nginx-operator"},
        }
    )
    return replace(world.as_("alice", found), environment=dict(os.environ))


def test_where_it_cannot_be_tried_nothing_is_given(world: World) -> None:
    routes = {"web1": Way(reason="it needs a password")}
    found = drill_of(drilling(world), lambda: routes)
    assert [(one.host, one.outcome, one.reason) for one in found.proofs] == [
        ("stage1", Outcome.UNTRIED, "no such host"),
        ("web1", Outcome.UNTRIED, "it needs a password"),
        ("web2", Outcome.UNTRIED, "no such host"),
    ]
    assert found.exit_code == ExitCode.UNDETERMINED
    assert world.kind.orders == []
    assert list(world.kinds_of_entries()) == ["drill.finished"]


def test_a_sample_is_of_hosts_and_others_are_not_touched(world: World) -> None:
    seen = {drill_of(drilling(world), dict, (), 1).proofs[0].host for _ in range(60)}
    assert seen == {"web1", "web2", "stage1"}
    assert len(drill_of(drilling(world), dict, ("web",), 9).proofs) == 2


def test_without_a_canary_there_is_no_drill(world: World) -> None:
    with pytest.raises(ConfigError, match="names no canary"):
        drill_of(world.as_("alice"), dict)


def test_a_proof_that_is_none_never_ends_with_0() -> None:
    proven = Proof("web1", Outcome.PROVEN)
    open_, untried = replace(proven, outcome=Outcome.OPEN), replace(proven, outcome=Outcome.UNTRIED)
    assert Drilled("g1", (proven,)).exit_code == ExitCode.OK
    assert Drilled("g1", (proven, open_)).exit_code == ExitCode.FINDINGS
    assert Drilled("g1", (proven, untried)).exit_code == ExitCode.UNDETERMINED


@pytest.mark.parametrize(
    "words",
    [
        ("-i", "/root/admin"), ("-i/root/admin",), ("-l", "root"), ("-lroot",),
        ("-o", "IdentityFile=/root/admin"), ("-oIdentityFile=/root/admin",),
        ("-o", "identityfile /root/admin"), ("-o", "User=root"),
        ("-o", "CertificateFile=/root/admin-cert.pub"), ("-o", "IdentityAgent=/run/agent"),
    ],
)  # fmt: skip
def test_nobody_else_s_key_is_tried(words: tuple[str, ...]) -> None:
    kept = ("-o", "StrictHostKeyChecking=yes", "-p", "2222", "-F", "none", "-T")
    way = ("ssh", *kept, *words, "--", "192.0.2.7", "python3 -")
    argv = Login("canary", Path("/tmp/key")).argv(way, "true")
    assert argv[:5] == ("ssh", "-l", "canary", "-i", "/tmp/key")
    assert argv[-len(kept) - 3 :] == (*kept, "--", "192.0.2.7", "true")
    assert not [one for one in argv if "admin" in one or "root" in one or "/run/agent" in one]
