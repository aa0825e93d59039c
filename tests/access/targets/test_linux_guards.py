"""What keeps a host from being locked, broken, or left half done, shown on a real one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.access.targets.deputy import HOUR, Deputy, Key, enforced, grant, now, presence, rules
from tests.rig.command import run
from tests.rig.hosts import Fleet, Host

NAMES = ("web1", "web2", "web3")
ID = "/usr/bin/id"


def awaited(host: Host, path: str) -> None:
    """Wait until a file is gone."""
    until = time.monotonic() + 20
    while host.exists(path) and time.monotonic() < until:
        time.sleep(0.05)
    assert not host.exists(path)


# Sudo rules


def test_rules_that_sudo_would_stumble_over_are_never_placed(
    deputy: Deputy, host: Host, key: Key
) -> None:
    bad = {"expiring": "ada ALL=(root NOPASSWD\n", "plain": "ada ALL=(root NOPASSWD\n"}
    one = grant("g1", "ada", keys=[key.public], sudo=bad)

    found = deputy.apply([one])

    assert [reason for reason in found["done"]["wrong"] if "visudo" in reason]
    assert host.run(("ls", "-A", "/etc/sudoers.d")).stdout == "README\n"
    assert host.run(("visudo", "-c")).returncode == 0
    assert presence(found["seen"], "g1")["sudo opskit-g1"] == "absent"
    deputy.apply(absent=[one])


def test_rules_that_are_well_alone_and_not_among_the_others_are_taken_back(
    deputy: Deputy, host: Host
) -> None:
    host.write("/etc/sudoers.d/alias", "Cmnd_Alias TOOLS = /bin/true\n")
    host.run(("chmod", "440", "/etc/sudoers.d/alias"))
    text = "Cmnd_Alias TOOLS = /bin/false\nada ALL=(root) TOOLS\n"
    one = grant("g19", "ada", login="none", sudo={"expiring": text, "plain": text})

    found = deputy.apply([one])

    assert [reason for reason in found["done"]["wrong"] if "visudo" in reason]
    assert not host.exists("/etc/sudoers.d/opskit-g19")
    host.run(("rm", "/etc/sudoers.d/alias"))
    deputy.apply(absent=[one])


def test_nothing_is_added_to_rules_that_are_broken_already(
    deputy: Deputy, host: Host, key: Key
) -> None:
    host.write("/etc/sudoers.d/broken", "this is no rule\n")
    host.run(("chmod", "440", "/etc/sudoers.d/broken"))
    one = grant("g2", "bob", sudo=rules("bob", ID, now() + HOUR), login="none")

    found = deputy.apply([one])

    assert [reason for reason in found["done"]["wrong"] if "visudo" in reason]
    assert not host.exists("/etc/sudoers.d/opskit-g2")
    host.run(("rm", "/etc/sudoers.d/broken"))
    deputy.apply(absent=[one])


def test_a_file_that_sudo_does_not_read_is_no_grant(deputy: Deputy, host: Host, key: Key) -> None:
    before = host.read("/etc/sudoers")
    host.write("/etc/sudoers", before.replace("@includedir /etc/sudoers.d", ""))
    one = grant("g3", "carl", sudo=rules("carl", ID, now() + HOUR), login="none")

    found = deputy.apply([one])

    assert presence(found["seen"], "g3")["sudo opskit-g3"] == "partial"
    host.write("/etc/sudoers", before)
    assert presence(deputy.observe(one), "g3")["sudo opskit-g3"] == "present"
    deputy.apply(absent=[one])


def test_a_change_nobody_confirms_is_undone_by_the_host(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g4", "dan", keys=[key.public], sudo=rules("dan", ID, now() + HOUR))

    found = deputy.apply([one], seconds=1, confirm=False)

    assert found["done"]["armed"]
    assert host.exists("/etc/sudoers.d/opskit-g4")
    awaited(host, "/etc/sudoers.d/opskit-g4")
    awaited(host, f"/etc/opskit/rollback-{found['done']['armed']}.json")
    assert presence(deputy.observe(one), "g4")["sudo opskit-g4"] == "absent"

    again = deputy.apply([one])
    assert presence(again["seen"], "g4")["sudo opskit-g4"] == "present"
    assert host.run(("sh", "-c", "ls /etc/opskit/rollback-*")).returncode
    deputy.apply(absent=[one])


def test_an_order_that_follows_an_unconfirmed_one_is_not_undone_with_it(
    deputy: Deputy, host: Host
) -> None:
    one = grant("g5", "eva", login="none", sudo=rules("eva", ID, now() + HOUR))
    deputy.apply([one], seconds=300, confirm=False)

    again = deputy.apply([one])

    assert again["done"]["armed"]
    assert host.run(("sh", "-c", "ls /etc/opskit/rollback-*")).returncode
    assert presence(again["seen"], "g5")["sudo opskit-g5"] == "present"
    deputy.apply(absent=[one])


# Administrators


def test_the_last_two_who_can_administer_are_not_taken(
    deputy: Deputy, host: Host, tmp_path: Path
) -> None:
    script = """
    useradd -m -p '*' adm1; useradd -m -p '*' adm2
    printf 'adm1 ALL=(ALL:ALL) NOPASSWD: ALL\\nadm2 ALL=(ALL) ALL\\n' > /etc/sudoers.d/people
    chmod 440 /etc/sudoers.d/people
    """
    host.run(("sh", "-c", script))
    rule = {"kind": "sudo", "key": "/etc/sudoers.d/people:2", "account": "adm2"}
    rule["detail"] = "adm2 ALL=(ALL) ALL"
    everybody = {**rule, "account": "ADMINS"}

    both = deputy.apply(
        remove=[rule, {**rule, "key": "/etc/sudoers.d/people:1", "account": "adm1"}]
    )
    group = deputy.apply(remove=[everybody])

    assert "two are the least" in both["done"]["refused"]
    assert "two are the least" in group["done"]["refused"]
    both_rules = host.read("/etc/sudoers.d/people")
    assert both_rules.count("\n") == 2

    three = deputy.apply(
        remove=[rule, {**rule, "key": "/etc/sudoers.d/people:3", "account": "adm1"}],
        administrators=["root", "games"],
    )
    assert "changed since" in " ".join(three["done"]["wrong"]), "root's key and games are two"
    host.write("/etc/sudoers.d/people", both_rules)

    # Root's key and adm1 are left.
    one = deputy.apply(remove=[rule])
    assert (one["done"]["refused"], one["done"]["wrong"]) == ("", [])
    assert host.read("/etc/sudoers.d/people") == "adm1 ALL=(ALL:ALL) NOPASSWD: ALL\n"
    again = deputy.apply(remove=[rule])
    assert "changed since" in again["done"]["refused"] + " ".join(again["done"]["wrong"])


def test_a_key_nobody_granted_is_taken_by_its_fingerprint(
    deputy: Deputy, host: Host, key: Key, tmp_path: Path
) -> None:
    other = Key.made(tmp_path / "other")
    host.run(("useradd", "-m", "-p", "*", "finn"))
    host.write("/home/finn/.ssh/authorized_keys", f"{key.public} a\n{other.public} b\n")
    host.run(("chown", "-R", "finn", "/home/finn/.ssh"))
    said = run(("ssh-keygen", "-lf", f"{key.path}.pub")).stdout.split()[1]
    rogue = {"kind": "key", "key": said, "account": "finn", "detail": ""}

    assert deputy.apply(remove=[rogue])["done"]["wrong"] == []

    assert deputy.ssh(key, "finn", "true").returncode == 255
    assert deputy.ssh(other, "finn", "true").returncode == 0
    host.run(("gpasswd", "-a", "finn", "adm"))
    deputy.apply(remove=[{"kind": "group", "key": "adm", "account": "finn", "detail": ""}])
    assert host.run(("id", "-Gn", "finn")).stdout == "finn\n"


def test_a_removal_nobody_confirms_is_undone_by_the_host(
    deputy: Deputy, host: Host, key: Key
) -> None:
    host.run(("useradd", "-m", "-p", "*", "-G", "adm", "greg"))
    host.write("/home/greg/.ssh/authorized_keys", f"{key.public} a\n")
    host.run(("chown", "-R", "greg", "/home/greg/.ssh"))
    said = run(("ssh-keygen", "-lf", f"{key.path}.pub")).stdout.split()[1]
    taken = [
        {"kind": "key", "key": said, "account": "greg", "detail": ""},
        {"kind": "membership", "key": "adm", "account": "greg", "detail": ""},
    ]

    found = deputy.apply(remove=taken, seconds=1, confirm=False)

    assert found["done"]["armed"]
    awaited(host, f"/etc/opskit/rollback-{found['done']['armed']}.json")
    assert deputy.ssh(key, "greg", "id -Gn").stdout == "greg adm\n"
    assert (
        host.run(("stat", "-c", "%U %a", "/home/greg/.ssh/authorized_keys")).stdout == "greg 644\n"
    )


def test_nothing_of_the_system_is_ended(deputy: Deputy, host: Host) -> None:
    runs = "setsid setpriv --reuid games --clear-groups --regid games sleep 950 >/dev/null 2>&1 &"
    host.run(("sh", "-c", runs + " until pgrep -u games sleep >/dev/null; do sleep 0.02; done"))
    one = grant("g17", "games", groups=["adm"], login="none", until=now() - 60)

    found = deputy.apply([one], end_sessions=["games", "root"])

    assert len([reason for reason in found["done"]["wrong"] if "games" in reason]) == 2
    assert deputy.state()["grants"] == {}
    assert deputy.turn().returncode == 0
    assert host.run(("pgrep", "-u", "games")).stdout != ""
    assert "games" not in host.run(("getent", "group", "adm")).stdout


def test_a_place_that_others_can_write_to_holds_nothing_that_root_runs(
    own_fleet: Fleet, key: Key
) -> None:
    host = own_fleet["web2"]
    deputy = Deputy.on(host)
    one = grant("g18", "pia", keys=[key.public], groups=["adm"])
    before = host.run(("stat", "-c", "%a", "/var/lib")).stdout.strip()
    host.run(("chmod", "2775", "/var/lib"))

    found = deputy.apply([one])

    assert [reason for reason in found["done"]["wrong"] if "others than root" in reason]
    assert enforced(found["seen"], "g18")["group adm"] == "none"
    assert not host.exists("/var/lib/opskit")
    host.run(("chmod", before, "/var/lib"))
    deputy.apply(absent=[one])


# What only the timer ends


def test_without_a_daemon_nothing_is_said_to_end_a_membership(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g6", "gwen", keys=[key.public], groups=["adm"])
    before = deputy.apply([one])["seen"]
    assert before["timer"] == ""
    assert enforced(before, "g6")["group adm"] == "none"

    host.run(("cron",))
    assert enforced(deputy.observe(one), "g6")["group adm"] == "timer"

    script = 'touch -d "10 minutes ago" /run/opskit-expire.ran; rm -f /run/x'
    host.run(("sh", "-c", script))
    assert enforced(deputy.observe(one), "g6")["group adm"] == "timer", "it was planted just now"
    host.run(("pkill", "-x", "cron"))
    assert enforced(deputy.observe(one), "g6")["group adm"] == "none"
    deputy.apply(absent=[one])


SYSTEMCTL = """#!/bin/sh
echo "$@" >> /run/asked
case $1 in
is-active) [ -e /run/active ] ;;
enable) [ -e /run/refuses ] || touch /run/active ;;
esac
"""


def test_where_systemd_runs_its_timer_ends_grants_and_cron_where_it_will_not(
    own_fleet: Fleet, key: Key
) -> None:
    host = own_fleet["web3"]
    deputy = Deputy.on(host)
    host.write("/usr/local/bin/systemctl", SYSTEMCTL)
    host.write("/usr/local/bin/loginctl", SYSTEMCTL)
    script = "chmod 755 /usr/local/bin/*ctl; mkdir -p /run/systemd/system /run/systemd/sessions"
    host.run(("sh", "-c", script + "; touch /run/refuses; cron"))
    one = grant("g16", "olga", keys=[key.public], groups=["adm"])

    assert deputy.apply([one])["seen"]["timer"] == "cron"
    host.run(("rm", "/run/refuses"))
    found = deputy.apply([one])["seen"]

    assert (found["timer"], enforced(found, "g16")["group adm"]) == ("systemd", "timer")
    assert "opskit_access_expire.py" in host.read("/etc/systemd/system/opskit-expire.service")
    deputy.apply(absent=[one], end_sessions=["olga"])
    number = host.run(("id", "-u", "olga")).stdout
    assert f"terminate-user {number}" in host.read("/run/asked")


# Half done


def test_wherever_it_is_killed_the_next_order_finishes(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant(
        "g7", "hans", keys=[key.public], groups=["adm"], sudo=rules("hans", ID, now() + HOUR)
    )
    for step in range(8):
        deputy.killed_after(0.03 + 0.018 * step, [one], [])
        given = deputy.apply([one])
        assert given["done"]["wrong"] == []
        assert set(presence(given["seen"], "g7").values()) == {"present"}, step
        deputy.killed_after(0.03 + 0.018 * step, [], [one])
        gone = deputy.apply(absent=[one], end_sessions=["hans"])
        assert gone["done"]["wrong"] == []
        assert set(presence(gone["seen"], "g7").values()) == {"absent"}, step
        assert host.run(("id", "-Gn", "hans")).stdout == "hans\n"
    left = host.run(("find", "/etc", "/home/hans", "-name", ".opskit-*")).stdout
    assert left == ""


@pytest.mark.parametrize(
    "half",
    [
        "gpasswd -d ines adm",
        "rm /etc/sudoers.d/opskit-g8",
        "rm /home/ines/.ssh/authorized_keys",
        "rm -r /home/ines/.ssh",
        "usermod -L -e 1 -s /usr/sbin/nologin ines",
        "rm -r /var/lib/opskit /etc/cron.d/opskit-expire",
        "chmod 666 /etc/sudoers.d/opskit-g8",
        "echo 'this is no rule' > /etc/sudoers.d/opskit-g8",
        "echo 'ines ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/opskit-g8",
    ],
)
def test_what_somebody_took_away_by_hand_is_put_back_and_then_goes(
    deputy: Deputy, host: Host, key: Key, half: str
) -> None:
    one = grant(
        "g8", "ines", keys=[key.public], groups=["adm"], sudo=rules("ines", ID, now() + HOUR)
    )
    deputy.apply([one])
    assert host.run(("sh", "-c", half)).returncode == 0

    given = deputy.apply([one])
    assert given["done"]["changed"]
    assert set(presence(given["seen"], "g8").values()) == {"present"}
    assert deputy.ssh(key, "ines", f"sudo -n {ID} -u; sudo -n /bin/true").stdout == "0\n"

    host.run(("sh", "-c", half))
    gone = deputy.apply(absent=[one])
    assert gone["done"]["wrong"] == []
    assert set(presence(gone["seen"], "g8").values()) == {"absent"}


def test_a_host_that_forgot_still_loses_what_bears_the_name_of_a_grant(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g9", "jane", keys=[key.public], sudo=rules("jane", ID, now() + HOUR))
    deputy.apply([one])
    host.run(("rm", "-r", "/etc/opskit"))

    gone = deputy.apply(absent=[one], end_sessions=["jane"])

    assert gone["done"]["wrong"] == []
    assert set(presence(gone["seen"], "g9").values()) == {"absent"}
    assert deputy.ssh(key, "jane", "true").returncode == 255


def test_an_account_that_is_gone_was_revoked_well(deputy: Deputy, host: Host, key: Key) -> None:
    one = grant("g10", "kim", keys=[key.public], groups=["adm"])
    deputy.apply([one])
    host.run(("userdel", "-r", "kim"))

    gone = deputy.apply(absent=[one], end_sessions=["kim"])

    assert gone["done"]["wrong"] == []
    assert set(presence(gone["seen"], "g10").values()) == {"absent"}
    host.run(("useradd", "-m", "-p", "*", "kim"))
    assert not deputy.apply()["done"]["changed"]
    assert host.run(("getent", "shadow", "kim")).stdout.startswith("kim:*")


def test_orders_at_the_same_time_lose_nothing_of_each_other(
    deputy: Deputy, host: Host, key: Key
) -> None:
    many = [
        grant(f"m{n}", "pam", keys=[key.public], sudo=rules("pam", ID, now() + HOUR))
        for n in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda one: deputy.apply([one], confirm=False, seconds=600), many))
        assert [answer["done"]["wrong"] for answer in given] == [[]] * 4
    # Each undid what the one before had not confirmed, and nothing else.
    seen = deputy.observe(*many)
    assert host.read("/home/pam/.ssh/authorized_keys").count("opskit:m") == 4
    assert (
        sum(
            presence(seen, one["grant"])["sudo " + f"opskit-{one['grant']}"] == "present"
            for one in many
        )
        == 1
    )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: deputy.apply(absent=[one], end_sessions=["pam"]), many))
    assert {
        how for one in many for how in presence(deputy.observe(*many), one["grant"]).values()
    } == {"absent"}
