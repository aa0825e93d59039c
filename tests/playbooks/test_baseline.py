"""The shipped baseline on real hosts: it finds, converges, stays, and finds again.

A host is looked at fresh, converged, converged again, changed by hand, and mended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from opskit.app import App
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.fleet.execute import execute
from opskit.fleet.model import Run
from opskit.outside.files import content_root
from tests.fleet.repository import Checked, Repository
from tests.playbooks.household import VARIABLES, furnish
from tests.rig import hosts
from tests.rig.hosts import Fleet, Host
from tests.rig.plugin import require

# The first test waits for five runs, also on a machine that does much else.
pytestmark = pytest.mark.timeout(1200)

ROLE = content_root() / "playbooks" / "roles" / "baseline"
SSHD = "/etc/ssh/sshd_config.d/00-opskit"

# What somebody does by hand on a host, and the control that must notice.
BY_HAND = {
    "OPS-USER-01": "groupdel ops",
    "OPS-USER-02": "usermod --shell /bin/sh ada",
    "OPS-USER-03": "useradd mallory",
    "OPS-USER-05": "sed -i 's/^ada:[^:]*/ada:/' /etc/shadow",
    "OPS-AUTH-01": "sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/' /etc/login.defs",
    "OPS-AUTH-02": "rm /etc/security/pwquality.conf.d/50-opskit.conf",
    "OPS-AUTH-03": "sed -i 's/^deny.*/deny = 500/' /etc/security/faillock.conf",
    "OPS-SSH-01": "sed -i /^Include/d /etc/ssh/sshd_config",
    "OPS-SSH-02": f"rm {SSHD}-root-login.conf",
    "OPS-SSH-03": f"sed -i '/^Pubkey/s/yes/no/' {SSHD}-authentication.conf",
    "OPS-SSH-04": f"echo 'Ciphers +3des-cbc' >{SSHD}-algorithms.conf",
    "OPS-SSH-05": f"sed -i '/^MaxAuth/s/4/60/' {SSHD}-sessions.conf",
    "OPS-SSH-06": f"sed -i '/^X11/s/no/yes/' {SSHD}-forwarding.conf",
    "OPS-SUDO-01": "sed -i /includedir/d /etc/sudoers",
    "OPS-SUDO-02": "chmod o+w /etc/sudoers.d",
    "OPS-SUDO-03": "rm /etc/sudoers.d/opskit-defaults",
    "OPS-SUDO-04": "echo 'ada ALL=(ALL) ALL' >/etc/sudoers.d/ada; chmod 666 /etc/sudoers.d/ada",
    "OPS-SUDO-05": "echo 'ALL ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers",
    "OPS-CRON-01": "echo mallory >>/etc/cron.allow",
    "OPS-CRON-02": "chmod 666 /etc/at.allow",
    "OPS-MNT-01": "sed -i s/,noexec// /etc/fstab; rm /etc/systemd/system/tmp.mount.d/50-*",
    "OPS-MNT-02": "mount -o remount,exec /dev/shm",
    "OPS-TIME-01": "rm /etc/systemd/timesyncd.conf.d/50-opskit.conf",
    "OPS-LOG-01": "echo Storage=volatile >>/etc/systemd/journald.conf.d/50-opskit.conf",
    "OPS-LOG-02": "chmod o+r /var/log/auth.log",
    "OPS-LOG-03": "rm /etc/rsyslog.d/90-opskit-forward.conf",
    "OPS-UPD-01": "rm /etc/apt/apt.conf.d/52opskit-unattended-upgrades",
    "OPS-UPD-02": "sed -i s/false/true/ /etc/apt/apt.conf.d/52opskit-signatures",
    "OPS-UPD-04": "echo 'deb [trusted=yes] https://a.test ./' >/etc/apt/sources.list.d/a.list",
    "OPS-UPD-06": "echo 'deb http://b.test ./' >/etc/apt/sources.list.d/b.list",
    "OPS-KRN-01": "rm /etc/sysctl.d/99-zz-opskit-network.conf",
    "OPS-KRN-02": "sed -i s/1/0/ /etc/sysctl.d/99-zz-opskit-secrets.conf",
    "OPS-KRN-03": "rm /etc/sysctl.d/99-zz-opskit-links.conf",
    "OPS-KRN-04": "sed -i /tipc/d /etc/modprobe.d/opskit-unused.conf",
    "OPS-KRN-05": "chmod 666 /etc/security/limits.d/99-opskit-core.conf",
    "OPS-KRN-07": "rm /etc/systemd/coredump.conf.d/50-opskit.conf",
    "OPS-NET-01": "nft delete table inet opskit",
    "OPS-MON-01": "chmod 777 /var/lib/prometheus/node-exporter",
    "OPS-FILE-01": "chmod o+w /etc/passwd",
    "OPS-FILE-02": "chown root:root /etc/shadow",
    "OPS-FILE-03": "chmod 644 /etc/ssh/ssh_host_ed25519_key",
    "OPS-FILE-04": "chmod 777 /etc/cron.d",
    "OPS-FILE-05": "chmod 644 /boot/grub/grub.cfg",
    "OPS-NOTE-01": "echo welcome >>/etc/motd",
    "OPS-NOTE-02": f"echo Banner none >{SSHD}-notice.conf",
}
# What only a person can put right: what happens, and what the person does.
BY_PERSON = {
    "OPS-USER-04": ("echo toor:x:0:0::/root:/bin/sh >>/etc/passwd", "sed -i /^toor/d /etc/passwd"),
    "OPS-SUDO-06": ("echo nonsense >>/etc/sudoers", "sed -i /nonsense/d /etc/sudoers"),
    "OPS-UPD-07": ("touch -d '30 days ago' /run/reboot-required", "rm /run/reboot-required"),
}
# What another file overrides: seen once the standard's own file is as it should be.
OVERRIDES = {
    "OPS-SSH-07": ("/etc/ssh/sshd_config.d/00-aaa.conf", "MaxAuthTries 60\n"),
    "OPS-UPD-05": ("/etc/apt/apt.conf.d/99zz", 'APT::Get::AllowUnauthenticated "true";\n'),
}
# A rig host is not started by systemd, and reaches no package mirror.
OUT_OF_REACH = {"OPS-TIME-02", "OPS-UPD-03", "OPS-KRN-06", "OPS-PKG-01"}
# What may be as it should be on a host that nobody touched: modes, and tables without bad rows.
MAY_BE_GOOD = {
    "OPS-USER-03", "OPS-USER-05", "OPS-SSH-01", "OPS-SUDO-01", "OPS-SUDO-04", "OPS-SUDO-05",
    "OPS-UPD-04", "OPS-UPD-06", "OPS-MON-01", "OPS-FILE-01", "OPS-FILE-02", "OPS-FILE-03",
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Return hosts for this module alone: the baseline changes all of them."""
    require(hosts.available())
    with Fleet(("web1",), tmp_path_factory.mktemp("fleet")) as running:
        for host in running:
            furnish(host)
        yield running


def settle(host: Host, lay_out: Callable[..., Repository]) -> Repository:
    """Return a repository with the baseline for one host."""
    here = lay_out(host.login.inventory({host.name: host.address}), "")
    shutil.copytree(content_root() / "playbooks", here.root / "playbooks", dirs_exist_ok=True)
    quick = {"ansible_ssh_pipelining": True}
    here.write("inventory/group_vars/all.yml", yaml.safe_dump({**VARIABLES, **quick}))
    here.write(
        "opskit.yaml", "standard: playbooks/baseline.yml\ninventory: [inventory/hosts.ini]\n"
    )
    return here


@contextmanager
def opened(place: Repository) -> Iterator[App]:
    """Open the repository as the command line does, in this process."""
    app = App.find(place.root, place.environment)
    try:
        yield app
    finally:
        app.database.close()


def converge(place: Repository) -> Run:
    """Apply by the Python door: the command looks before and after, which takes three times as
    long."""
    with opened(place) as app:
        everything = app.request(limit="", tags=(), variables={})
        return execute(app.workplace, everything, Mode.APPLY, lambda _: None)


def by_hand(host: Host, *commands: str) -> None:
    for command in commands:
        done = host.run(("sh", "-c", command))
        assert done.returncode == 0, f"{command}: {done.stderr}"


@dataclass(frozen=True)
class Life:
    """What a host went through, in this order."""

    fresh: Checked
    first: Run
    again: Run
    found: Checked
    mended: Run


@pytest.fixture(scope="module")
def place(fleet: Fleet, lay_out: Callable[..., Repository]) -> Repository:
    return settle(fleet["web1"], lay_out)


@pytest.fixture(scope="module")
def life(fleet: Fleet, place: Repository) -> Life:
    host = fleet["web1"]
    fresh, first, again = place.check(), converge(place), converge(place)
    by_hand(host, *BY_HAND.values(), *(done for done, _ in BY_PERSON.values()))
    found = place.check()
    by_hand(host, *(undone for _, undone in BY_PERSON.values()))
    return Life(fresh, first, again, found, converge(place))


@pytest.fixture(scope="module")
def overridden(fleet: Fleet, place: Repository, life: Life) -> Checked:
    assert life.mended.problem == ""
    for path, text in OVERRIDES.values():
        fleet["web1"].write(path, text)
    return place.check(*(f"-tcontrol:{control}" for control in OVERRIDES))


@pytest.fixture(scope="module")
def foreign(fleet: Fleet, place: Repository, overridden: Checked) -> Checked:
    assert overridden.verdicts
    fleet["web1"].write("/etc/redhat-release", "Rocky Linux release 9.4 (Blue Onyx)\n")
    return place.check()


def found_by(checked: Checked, host: str) -> set[str]:
    return {drift["control"] for drift in checked.host(host)["drift"]}


def test_a_host_never_converged_drifts_and_does_not_fail(life: Life) -> None:
    fresh = life.fresh
    assert fresh.verdicts == {"web1": "drifted"}, fresh.data
    assert fresh.not_evaluated("web1") == []
    assert BY_HAND.keys() - MAY_BE_GOOD <= found_by(fresh, "web1") <= BY_HAND.keys()


def test_the_host_converges(life: Life) -> None:
    first = life.first
    assert first.problem == ""
    assert first.counts[Verdict.FAILED] == 0, first.hosts[0].reason
    assert first.hosts[0].not_evaluated == ()


def test_a_second_apply_changes_nothing(life: Life) -> None:
    again = life.again
    assert again.drift == ()
    assert again.problem == ""
    assert again.counts[Verdict.COMPLIANT] == 1


def test_a_fingerprint_can_stand_for_all_of_it(life: Life) -> None:
    assert life.found.data["unprovable"] == []


@pytest.mark.parametrize("control", [*BY_HAND, *BY_PERSON])
def test_what_was_changed_by_hand_is_found(life: Life, control: str) -> None:
    assert control in found_by(life.found, "web1")


def test_nothing_else_is_found(life: Life) -> None:
    found = life.found
    assert found_by(found, "web1") == BY_HAND.keys() | BY_PERSON.keys()
    assert found.code == 1
    assert found.not_evaluated("web1") == []


def test_it_is_mended(life: Life, fleet: Fleet) -> None:
    mended, host = life.mended, fleet["web1"]
    assert mended.counts[Verdict.FAILED] == 0, mended.hosts[0].reason
    # The tools that change accounts put the modes of their files right by themselves.
    changed = {drift.control.id for drift in mended.drift} | {"OPS-FILE-01"}
    assert changed == BY_HAND.keys()
    assert host.run(("stat", "-c", "%a", "/etc/passwd")).stdout.strip() == "644"
    assert host.read("/etc/motd").count("welcome") == 0
    assert host.run(("stat", "-c", "%U:%G", "/etc/shadow")).stdout.strip() == "root:shadow"
    assert "ada:!:" in host.read("/etc/shadow")
    assert host.run(("id", "mallory")).returncode != 0
    assert "# OPS-SUDO-05" in host.read("/etc/sudoers")
    for point in ("/dev/shm", "/tmp", "/var/tmp"):
        assert f" {point} tmpfs rw,nosuid,nodev,noexec," in host.read("/proc/mounts")
    assert "trusted=no" in host.read("/etc/apt/sources.list.d/a.list")


def test_a_firewall_lets_ssh_in(life: Life, fleet: Fleet) -> None:
    assert life.first.problem == ""
    rules = fleet["web1"].read("/etc/nftables.d/50-opskit.nft")
    assert "policy drop;" in rules
    assert "tcp dport { 22 } accept" in rules
    assert "ip saddr { 10.0.0.0/8 } tcp dport { 443 } accept" in rules
    assert fleet["web1"].ssh("true").returncode == 0


def test_a_file_that_overrides_the_standard_is_found(overridden: Checked) -> None:
    assert overridden.code == 3
    assert overridden.verdicts == {"web1": "failed"}
    assert "maxauthtries 4" in overridden.host("web1")["reason"]
    assert found_by(overridden, "web1") == {"OPS-UPD-05"}


def test_a_host_of_another_family_is_not_evaluated(foreign: Checked) -> None:
    assert foreign.code == 3
    assert foreign.verdicts == {"web1": "not evaluated"}
    assert "looked at this host" in foreign.host("web1")["reason"]


# The tables of controls


def controls() -> dict[str, dict[str, Any]]:
    listed = yaml.safe_load((ROLE / "controls.yml").read_text())
    assert len({one["id"] for one in listed}) == len(listed)
    return {one["id"]: one for one in listed}


def tagged() -> set[tuple[str, str]]:
    text = "".join(path.read_text() for path in ROLE.glob("tasks/*.yml"))
    lines = re.findall(r'^ +tags: \["control:.*$', text, re.MULTILINE)
    assert lines
    found = [re.fullmatch(r' +tags: \["control:(\S+)", "severity:(\w+)"]', line) for line in lines]
    return {(one[1], one[2]) for one in found if one}


def test_the_list_of_controls_names_what_the_tasks_do() -> None:
    assert tagged() == {(one["id"], one["severity"]) for one in controls().values()}


@pytest.mark.parametrize("control", controls())
def test_a_control_is_described(control: str) -> None:
    one = controls()[control]
    assert one["severity"] in set(Severity)
    assert one["title"]
    assert one["rationale"].endswith(".")
    assert one["families"] == ["Debian"]
    assert one["fidelity"] == "full" or (one["fidelity"] == "partial" and one["note"])
    assert all(re.fullmatch(r"\d(\.\d+)+", section) for section in one["references"])


def test_the_readme_shows_the_list_of_controls() -> None:
    readme = (content_root() / "playbooks" / "README.md").read_text()
    rows = re.findall(r"^\| (OPS-\S+) \| (\w+) \| (.+) \| (\w+) \|$", readme, re.MULTILINE)
    keys = ("id", "severity", "title", "fidelity")
    assert rows == [tuple(one[key] for key in keys) for one in controls().values()]


def test_every_control_is_tried() -> None:
    tried = BY_HAND.keys() | BY_PERSON.keys() | OVERRIDES.keys()
    assert tried | OUT_OF_REACH == controls().keys()
    assert not tried & OUT_OF_REACH
