"""Giving and taking on a real host: what somebody can really do there, before and after."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.targets.deputy import (
    HOUR,
    Deputy,
    Key,
    enforced,
    grant,
    now,
    presence,
    rules,
)
from tests.rig.hosts import Fleet, Host

NAMES = ("web1",)
ID = "/usr/bin/id"
PAST = 90


@pytest.fixture(scope="module")
def deputy(host: Host) -> Deputy:
    """Plant the modules, and let the host have a cron daemon as hosts do."""
    found = Deputy.on(host)
    started = host.run(("cron",))
    assert started.returncode == 0, started.stderr
    return found


@pytest.fixture
def live(deputy: Deputy, key: Key) -> Iterator[list[subprocess.Popen[str]]]:
    """Hold sessions that a test has opened, and end those it left."""
    opened: list[subprocess.Popen[str]] = []
    yield opened
    for one in opened:
        one.kill()
        one.communicate()


def opened(deputy: Deputy, key: Key, account: str, script: str) -> subprocess.Popen[str]:
    """Open a session that says when it is there."""
    words = (*deputy.ssh_words(key, account), f"{script} & echo there; wait")
    session = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "there\n"
    return session


@pytest.fixture(scope="module", autouse=True)
def overdue(deputy: Deputy, key: Key) -> dict[str, object]:
    """Give a group until now, which a daemon takes away: the last test looks at it."""
    one = grant("cron1", "carol", keys=[key.public], groups=["audio"], until=now())
    assert deputy.apply([one])["done"]["wrong"] == []
    return one


# Giving and taking


def test_who_is_given_access_has_it_and_who_is_revoked_has_nothing_left(
    deputy: Deputy, host: Host, key: Key, live: list[subprocess.Popen[str]]
) -> None:
    one = grant(
        "g1", "alice", keys=[key.public], groups=["adm"], sudo=rules("alice", ID, now() + HOUR)
    )

    given = deputy.apply([one])

    assert given["done"]["wrong"] == []
    assert set(presence(given["seen"], "g1").values()) == {"present"}
    login = deputy.ssh(key, "alice", f"id -Gn; sudo -n {ID} -u; sudo -n /bin/cat /etc/shadow")
    assert login.stdout.splitlines() == ["alice adm", "0"]
    live.append(opened(deputy, key, "alice", "sleep 600"))
    seen = deputy.observe(one)
    assert "sleep 600" in {row["what"] for row in seen["sessions"]}

    gone = deputy.apply(absent=[one], end_sessions=["alice"])

    assert gone["done"]["wrong"] == []
    assert set(presence(gone["seen"], "g1").values()) == {"absent"}
    assert gone["seen"]["sessions"] == []
    assert "sleep 600" in gone["done"]["ended"]["alice"]
    assert live[0].wait(10) == 255
    assert deputy.ssh(key, "alice", "true").returncode == 255
    assert not host.exists("/etc/sudoers.d/opskit-g1")
    assert "alice" not in host.run(("getent", "group", "adm")).stdout


def test_a_second_time_changes_nothing(deputy: Deputy, key: Key) -> None:
    one = grant(
        "g2", "bert", keys=[key.public], groups=["adm"], sudo=rules("bert", ID, now() + HOUR)
    )
    assert deputy.apply([one])["done"]["changed"]

    again = deputy.apply([one])
    assert (again["done"]["changed"], again["done"]["armed"]) == (False, "")

    assert deputy.apply(absent=[one], end_sessions=["bert"])["done"]["changed"]
    assert not deputy.apply(absent=[one], end_sessions=["bert"])["done"]["changed"]


def test_an_account_is_kept_so_that_its_number_is_not_given_again(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g3", "cleo", keys=[key.public])
    deputy.apply([one])
    number = host.run(("id", "-u", "cleo")).stdout
    deputy.apply(absent=[one])

    passwd = host.run(("getent", "passwd", "cleo")).stdout
    assert passwd.split(":")[2] == number.strip()
    assert passwd.rstrip().endswith("/nologin")
    assert host.run(("getent", "shadow", "cleo")).stdout.startswith("cleo:!")
    host.run(("su", "cleo", "-s", "/bin/true"))

    other = grant("g4", "cleo", keys=[key.public])
    deputy.apply([other])
    assert deputy.ssh(key, "cleo", "id -u").stdout == number
    deputy.apply(absent=[other])


def test_what_two_grants_share_stays_until_the_last_is_gone(
    deputy: Deputy, host: Host, key: Key
) -> None:
    first = grant("g5", "dora", keys=[key.public], groups=["adm", "audio"])
    second = grant("g6", "dora", keys=[key.public], groups=["adm"], until=now() + 2 * HOUR)
    deputy.apply([first, second])

    deputy.apply(absent=[first])
    assert host.run(("id", "-Gn", "dora")).stdout == "dora adm\n"
    assert deputy.ssh(key, "dora", "true").returncode == 0
    left = deputy.apply([second], [first])

    assert set(presence(left["seen"], "g5").values()) == {"absent"}
    assert set(presence(left["seen"], "g6").values()) == {"present"}
    assert deputy.ssh(key, "dora", "id -Gn").stdout == "dora adm\n"
    deputy.apply(absent=[second])
    assert host.run(("id", "-Gn", "dora")).stdout == "dora\n"
    assert deputy.ssh(key, "dora", "true").returncode == 255


def test_what_somebody_had_before_a_grant_they_have_after_it(
    deputy: Deputy, host: Host, key: Key
) -> None:
    host.run(("useradd", "-m", "-p", "*", "-G", "audio", "-s", "/bin/sh", "emil"))
    own = f"# mine\n\n{key.public} emil@home  \r\nnonsense \udcff line\n{key.public.upper()}"
    before = base64.b64encode(own.encode("utf-8", "surrogateescape")).decode()
    path = "/home/emil/.ssh/authorized_keys"
    plant = f"install -d -m 700 -o emil /home/emil/.ssh && base64 -d > {path} && chown emil {path}"
    host.run(("sh", "-c", plant), before)
    one = grant("g7", "emil", keys=[key.public], groups=["audio", "adm"])

    deputy.apply([one])
    assert host.run(("tail", "-c9", path)).stdout == "opskit:g7\n"[-9:]
    gone = deputy.apply(absent=[one], end_sessions=["emil"])

    assert set(presence(gone["seen"], "g7").values()) == {"absent"}
    after = base64.b64decode(host.run(("base64", path)).stdout)
    assert after.removesuffix(b"\n") == base64.b64decode(before)
    assert set(host.run(("id", "-Gn", "emil")).stdout.split()) == {"emil", "audio"}
    assert deputy.ssh(key, "emil", "true").returncode == 0
    assert host.run(("getent", "passwd", "emil")).stdout.endswith("/bin/sh\n")


def test_a_key_its_holder_wrote_once_more_goes_with_the_grant(
    deputy: Deputy, host: Host, key: Key, tmp_path: Path
) -> None:
    other = Key.made(tmp_path / "other")
    host.run(("useradd", "-m", "-p", "*", "fred"))
    one = grant("g8", "fred", keys=[key.public], until=now() - PAST)
    deputy.apply([one])
    assert deputy.ssh(key, "fred", "true").returncode == 255
    copies = f"{key.public} always\n{other.public} mine\n"
    host.run(("su", "fred", "-c", "cat >> ~/.ssh/authorized_keys"), copies)
    assert deputy.ssh(key, "fred", "true").returncode == 0

    tampered = deputy.observe(one)
    gone = deputy.apply(absent=[one])

    what = next(part for part in presence(tampered, "g8") if part.startswith("key"))
    assert enforced(tampered, "g8")[what] == "none"
    assert set(presence(gone["seen"], "g8").values()) == {"absent"}
    assert deputy.ssh(key, "fred", "true").returncode == 255
    assert deputy.ssh(other, "fred", "true").returncode == 0, "a key nobody knows is not touched"


def test_a_connection_kept_open_for_more_sessions_is_ended(
    deputy: Deputy, key: Key, tmp_path: Path
) -> None:
    one = grant("g9", "gina", keys=[key.public])
    deputy.apply([one])
    path = f"ControlPath={tmp_path}/c"
    master = deputy.ssh(
        key, "gina", "-fN", options=("-o", path, "-o", "ControlMaster=yes", "-f", "-N")
    )
    assert master.returncode == 0, master.stderr
    shared = deputy.ssh(key, "gina", "echo in", options=("-o", path))
    assert shared.stdout == "in\n"

    deputy.apply(absent=[one], end_sessions=["gina"])

    assert deputy.ssh(key, "gina", "echo in", options=("-o", path)).stdout == ""


def test_what_goes_on_by_itself_is_swept_and_kept_aside(
    deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g10", "hugo", keys=[key.public], sudo=rules("hugo", ID, now() + HOUR))
    deputy.apply([one])
    deputy.ssh(key, "hugo", f"sudo -n {ID}; mkdir -p ~/.config/systemd/user/default.target.wants")
    host.run(("crontab", "-u", "hugo", "-"), "@reboot /tmp/again\n")
    script = """
    uid=$(id -u hugo)
    mkdir -p /var/lib/systemd/linger /var/spool/cron/atjobs
    touch /var/lib/systemd/linger/hugo
    mkdir -p /run/sudo/ts && touch /run/sudo/ts/hugo
    echo job > /var/spool/cron/atjobs/a00001 && chown hugo /var/spool/cron/atjobs/a00001
    ln -s ../x /home/hugo/.config/systemd/user/default.target.wants/x.service
    setsid su hugo -c 'exec setsid sleep 700' >/dev/null 2>&1 &
    until pgrep -u hugo sleep >/dev/null; do sleep 0.05; done
    """
    host.run(("sh", "-c", script))
    kinds = {row["what"] for row in deputy.observe(one)["remains"] if row["account"] == "hugo"}
    assert kinds == {"crontab", "at", "linger", "systemd-unit", "sudo-timestamp"}

    gone = deputy.apply(absent=[one], end_sessions=["hugo"])

    assert gone["done"]["wrong"] == []
    assert [row for row in gone["seen"]["remains"] if row["account"] == "hugo"] == []
    assert host.run(("pgrep", "-u", "hugo")).stdout == ""
    assert "/tmp/again" in host.run(("sh", "-c", "cat /etc/opskit/swept/crontab-hugo-*")).stdout


_STAYS = "sudo -n sh -c 'trap \"\" HUP TERM; echo there; exec sleep 800'"


def test_a_root_shell_on_a_terminal_ends_with_who_opened_it(
    deputy: Deputy, host: Host, key: Key, live: list[subprocess.Popen[str]]
) -> None:
    one = grant("g11", "ida", keys=[key.public], sudo=rules("ida", "ALL", now() + HOUR))
    deputy.apply([one])
    words = (*deputy.ssh_words(key, "ida", ("-tt",)), _STAYS)
    live.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
    assert live[0].stdout is not None
    assert live[0].stdout.readline().strip() == "there"

    deputy.apply(absent=[one], end_sessions=["ida"])

    assert host.run(("pgrep", "-f", "sleep 800")).stdout == ""


# Ends without opskit


def test_the_host_itself_refuses_what_is_over(deputy: Deputy, key: Key) -> None:
    end = now() - PAST
    over = grant("g12", "jack", keys=[key.public], until=end, sudo=rules("jack", ID, end))
    after = deputy.apply([over])["seen"]
    assert deputy.ssh(key, "jack", "true").returncode == 255
    named = {name: by for name, by in enforced(after, "g12").items() if "account" not in name}
    assert set(named.values()) == {"expiry-time", "notafter"}

    # The key of another grant opens the account; sudo refuses all the same.
    other = grant("g13", "jack", keys=[key.public])
    deputy.apply([over, other])
    login = deputy.ssh(key, "jack", f"echo in; sudo -n {ID}")
    assert login.stdout == "in\n"
    assert "password is required" in login.stderr
    deputy.apply(absent=[over, other])


def test_an_account_over_at_its_day_lets_nobody_in(deputy: Deputy, host: Host, key: Key) -> None:
    one = grant("g14", "kate", keys=[key.public], until=now() - 3 * 24 * HOUR)
    deputy.apply([one])
    line = f"{key.public} forever\n"
    host.write("/home/kate/.ssh/authorized_keys", line)
    assert deputy.ssh(key, "kate", "true").returncode == 255
    host.run(("usermod", "-e", "", "kate"))
    assert deputy.ssh(key, "kate", "true").returncode == 0, "it was the account that was over"
    deputy.apply(absent=[one])


def test_a_turn_of_the_planted_script_ends_what_is_over_and_nothing_else(
    deputy: Deputy, host: Host, key: Key, live: list[subprocess.Popen[str]]
) -> None:
    over = grant("g15", "lena", keys=[key.public], groups=["adm"])
    stays = grant("g16", "mona", keys=[key.public], groups=["adm"])
    deputy.apply([over, stays])
    live.append(opened(deputy, key, "lena", "sleep 900"))
    live.append(opened(deputy, key, "mona", "sleep 900"))
    state = deputy.state()
    state["grants"]["g15"]["until"] = now() - 1
    host.write("/etc/opskit/access.json", json.dumps(state))

    turned = deputy.turn()

    assert turned.returncode == 0, turned.stderr
    assert live[0].wait(10) == 255
    assert live[1].poll() is None
    seen = deputy.observe(over, stays)
    assert set(presence(seen, "g15").values()) == {"absent"}
    assert set(presence(seen, "g16").values()) == {"present"}
    assert enforced(seen, "g16")["group adm"] == "timer"
    assert deputy.ssh(key, "lena", "true").returncode == 255
    assert "g15" not in deputy.state()["grants"]
    deputy.apply(absent=[stays])


@pytest.mark.parametrize(
    ("version", "written"),
    [((9, 1), "20261122120000Z"), ((9, 0), "20261122220000"), ((7, 7), "20261122220000")],
)
def test_a_time_is_written_as_the_sshd_of_the_host_reads_it(
    host: Host, deputy: Deputy, version: tuple[int, int], written: str
) -> None:
    # Sydney is at +11:00 then; its standard time, which old sshd takes, is +10:00.
    script = (
        "from ansible.module_utils.opskit_access_ways import Ways\n"
        f"ways = Ways(); ways.ssh = {version}\nprint(ways.expiry(1795348800))\n"
    )
    words = ("env", "PYTHONPATH=/root/deputy", "TZ=Australia/Sydney", "python3", "-B", "-")
    assert host.run(words, script).stdout == f'expiry-time="{written}"\n'


def test_a_sshd_of_before_9_1_ends_a_key_on_time_in_summer(
    own_fleet: Fleet, host: Host, key: Key
) -> None:
    # It takes what is written for the time of winter, all year; so does the one here.
    host.run(("ln", "-sfn", "/usr/share/zoneinfo/Australia/Sydney", "/etc/localtime"))
    old = Deputy(host, {"ssh": [9, 0]})
    over = grant("g21", "sam", keys=[key.public], until=now() - 600)
    assert not [word for word in old.apply([over])["done"]["wrong"] if word]
    assert "Z" not in host.read("/home/sam/.ssh/authorized_keys").split('"')[1]
    assert old.ssh(key, "sam", "true").returncode == 255

    old.apply([grant("g21", "sam", keys=[key.public], until=now() + 600)])
    assert old.ssh(key, "sam", "true").returncode == 0
    host.run(("ln", "-sfn", "/usr/share/zoneinfo/UTC", "/etc/localtime"))
    old.apply(absent=[over])


def test_a_sshd_and_sudo_that_know_no_end_leave_it_to_the_timer(host: Host, key: Key) -> None:
    old = Deputy(host, {"ssh": [7, 6], "notafter": False})
    end = now() + HOUR
    one = grant("g17", "nina", keys=[key.public], sudo=rules("nina", ID, end), until=end)

    seen = old.apply([one])["seen"]

    assert set(enforced(seen, "g17").values()) == {"timer"}
    assert "expiry-time" not in host.read("/home/nina/.ssh/authorized_keys")
    assert "NOTAFTER" not in host.read("/etc/sudoers.d/opskit-g17")
    assert {part["fence"] for part in seen["standings"]["g17"]} == {end + 60}
    old.apply(absent=[one])


def test_cron_takes_away_what_is_over_without_opskit(
    deputy: Deputy, host: Host, overdue: dict[str, object]
) -> None:
    until = time.monotonic() + 75
    while deputy.state()["grants"].get("cron1") and time.monotonic() < until:
        time.sleep(0.5)
    assert host.run(("id", "-Gn", "carol")).stdout == "carol\n"
    assert host.exists("/run/opskit-expire.ran")
