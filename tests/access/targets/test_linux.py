"""Linux hosts as a kind of target, through Ansible: many at once, and some of them lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest

from opskit.access.hosts.model import HostState
from opskit.access.model import LinuxRights, SudoRight
from opskit.access.targets.kinds import EnforcedBy, Order, Placement, Presence, Unmanaged
from opskit.access.targets.linux import Collected, LinuxKind
from opskit.core.clock import HOUR, SECOND, Instant, SystemClock, to_datetime
from tests.access.targets.deputy import Deputy, Key
from tests.rig.hosts import Fleet

NAMES = ("web1", "web2", "off")
ID = "/usr/bin/id"


def render(account: str, rights: tuple[SudoRight, ...], until: Instant | None) -> str:
    """Write the least that sudo understands; how rules are really written is not this file's."""
    end = f"NOTAFTER={to_datetime(until):%Y%m%d%H%M%SZ} " if until is not None else ""
    commands = ", ".join(one for right in rights for one in right.commands)
    return f"{account} ALL=(root) {end}NOPASSWD: {commands}\n"


def state_of(name: str, collected: Collected) -> HostState:
    return HostState(name, collected.files, sudo_version=collected.sudo_version)


@pytest.fixture(scope="module")
def hosts(own_fleet: Fleet) -> Fleet:
    own_fleet["off"].switch_off()
    return own_fleet


@pytest.fixture(scope="module")
def kind(hosts: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinuxKind]:
    home = tmp_path_factory.mktemp("home")
    yield LinuxKind(
        inventory=(hosts.inventory,),
        project=home,
        runs=home / "runs",
        environment={**os.environ, "HOME": str(home), "ANSIBLE_TIMEOUT": "5"},
        clock=SystemClock(),
        render_grant=render,
        state_of=state_of,
        rollback_seconds=4,
    )
    assert list((home / "runs").iterdir()) == [], "runs leave nothing"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key.made(tmp_path_factory.mktemp("keys") / "key")


def placed(grant: str, account: str, key: Key, **rights: object) -> Placement:
    until = Instant(SystemClock().now() // SECOND * SECOND + HOUR)
    given = LinuxRights.model_validate(rights)
    return Placement(grant, "Alice {{ 7 * 7 }}", account, given, until, (key.public,))


def test_hosts_are_given_what_each_is_ordered_and_lose_it(
    kind: LinuxKind, hosts: Fleet, key: Key
) -> None:
    sudo = (SudoRight(commands=(ID,), password=False),)
    one = placed("g1", "alice", key, sudo=sudo)
    two = placed("g2", "bob", key)

    given = kind.carry_out([Order("web1", (one,)), Order("web2", (two,)), Order("off", (one,))])

    web1 = given["web1"]
    assert (web1.refused, web1.failed) == ("", "")
    standing = web1.sight.standings["g1"]
    assert standing.presence is Presence.PRESENT
    assert standing.enforced_by is EnforcedBy.NOTAFTER
    assert standing.fence_until == one.until
    assert given["web2"].sight.standings["g2"].enforced_by is EnforcedBy.EXPIRY_TIME
    assert given["off"].sight.reached is False
    assert "timed out" in given["off"].failed or "No route" in given["off"].failed
    login = Deputy(hosts["web1"]).ssh(key, "alice", f"sudo -n {ID} -u")
    assert login.stdout == "0\n"
    assert not list(hosts["web1"].root.glob("etc/opskit/rollback-*"))

    much = {f"/etc/ssh/sshd_config.d/{name}": token_hex(450_000) for name in ("one", "two")}
    for path, text in much.items():
        hosts["web2"].write(path, text)
    sights = kind.observe(["web1", "web2"], {"web1": [one], "web2": [one]})
    assert sights["web1"].standings["g1"] == standing
    assert sights["web2"].standings["g1"].presence is Presence.ABSENT
    state = sights["web1"].state
    assert isinstance(state, HostState)
    assert "NOPASSWD: /usr/bin/id" in state.files["/etc/sudoers.d/opskit-g1"].text
    assert state.sudo_version.startswith("Sudo version")
    large = sights["web2"].state
    assert isinstance(large, HostState)
    assert {path: large.files[path].text for path in much} == much, "whole, as it was"

    gone = kind.carry_out(
        [Order("web1", absent=(one,), end_sessions=("alice",)), Order("web2", absent=(two,))]
    )
    assert {answer.failed for answer in gone.values()} == {""}
    assert gone["web1"].sight.standings["g1"].presence is Presence.ABSENT
    assert gone["web1"].sight.sessions == ()
    assert Deputy(hosts["web1"]).ssh(key, "alice", "true").returncode == 255


def test_without_a_second_login_the_change_is_undone(
    kind: LinuxKind, hosts: Fleet, key: Key
) -> None:
    host = hosts["web2"]
    # Whoever tests the rules last takes the keys away that opskit logs in with.
    host.run(("mv", "/usr/sbin/visudo", "/usr/sbin/visudo.real"))
    script = '#!/bin/sh\nmv /etc/rig/authorized_keys /etc/rig/away\nexec visudo.real "$@"\n'
    host.write("/usr/sbin/visudo", script)
    host.run(("chmod", "755", "/usr/sbin/visudo"))
    one = placed("g3", "carol", key, sudo=(SudoRight(commands=(ID,), password=False),))

    answer = kind.carry_out([Order("web2", (one,))])["web2"]

    assert "no second login" in answer.refused
    assert answer.sight.reached is False
    until = time.monotonic() + 20
    while host.exists("/etc/sudoers.d/opskit-g3") and time.monotonic() < until:
        time.sleep(0.1)
    assert not host.exists("/etc/sudoers.d/opskit-g3")

    host.run(("mv", "/usr/sbin/visudo.real", "/usr/sbin/visudo"))
    host.run(("mv", "/etc/rig/away", "/etc/rig/authorized_keys"))
    again = kind.carry_out([Order("web2", (one,))])["web2"]
    assert (again.refused, again.failed) == ("", "")
    assert again.sight.standings["g3"].presence is Presence.PRESENT


def test_an_operator_who_is_not_root_gives_through_sudo_and_keeps_it(
    kind: LinuxKind, hosts: Fleet, key: Key, tmp_path: Path
) -> None:
    host = hosts["web1"]
    script = """
    useradd -m -p '*' deploy
    install -d -o deploy -m 700 /home/deploy/.ssh
    install -o deploy -m 600 /etc/rig/authorized_keys /home/deploy/.ssh/
    """
    host.run(("sh", "-c", script))
    host.write("/etc/sudoers.d/deploy", "deploy ALL=(ALL) NOPASSWD: ALL\n")
    host.run(("chmod", "440", "/etc/sudoers.d/deploy"))
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(hosts.inventory.read_text().replace("user=root", "user=deploy"))
    through = replace(kind, inventory=(inventory,), administrators={"web1": ("root", "deploy")})
    one = placed("g4", "dina", key, sudo=(SudoRight(commands=(ID,), password=False),))

    answer = through.carry_out([Order("web1", (one,), end_sessions=("deploy",))])["web1"]

    assert answer.refused == ""
    assert "deploy is listed as an administrator" in answer.failed
    assert answer.sight.standings["g4"].presence is Presence.PRESENT
    gone = through.carry_out([Order("web1", absent=(one,), end_sessions=("dina",))])["web1"]
    assert (gone.failed, gone.sight.standings["g4"].presence) == ("", Presence.ABSENT)


def test_what_is_taken_as_unmanaged_is_guarded_and_templates_stay_text(
    kind: LinuxKind, hosts: Fleet, key: Key, tmp_path: Path
) -> None:
    said = "{{ lookup('pipe', 'touch " + str(tmp_path / "ran") + "') }}"
    everybody = Unmanaged("sudo", "/etc/sudoers:1", "ALL", said)

    answer = kind.remove({"web1": [everybody], "off": [everybody]})["web1"]

    assert answer.failed + answer.refused
    assert answer.sight.reached
    assert not (tmp_path / "ran").exists()


def test_a_host_that_never_answers_keeps_no_other_waiting(
    kind: LinuxKind, hosts: Fleet, tmp_path: Path
) -> None:
    hosts["web2"].write("/root/never", "#!/bin/sh\nexec sleep 60\n")
    hosts["web2"].run(("chmod", "755", "/root/never"))
    slow = tmp_path / "slow.ini"
    slow.write_text("web2 ansible_python_interpreter=/root/never\n")
    seen = replace(kind, inventory=(*kind.inventory, slow), seconds=8).observe(["web1", "web2"], {})
    assert (seen["web1"].reached, seen["web2"].reached) == (True, False)
    assert "timed out" in seen["web2"].reason.lower()


def test_nobody_asked_and_a_broken_inventory_are_no_looks(kind: LinuxKind, tmp_path: Path) -> None:
    assert kind.observe([], {}) == {}
    assert kind.carry_out([]) == {}
    seen = kind.observe(["nowhere", "web1"], {})
    assert (seen["nowhere"].reached, seen["web1"].reached) == (False, True)
    assert "no such host" in seen["nowhere"].reason
    assert kind.observe(["nowhere"], {})["nowhere"].reached is False
    torn = replace(kind, inventory=(tmp_path / "none",))
    assert torn.carry_out([Order("web1")])["web1"].sight.reached is False
