"""What somebody prepares on a host while they may be there, so as not to lose it: they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access.targets.deputy import Deputy, Key, grant, presence, rules
from tests.rig.hosts import Host

NAMES = ("web1",)
ACCOUNT = "vera"


@pytest.fixture
def vera(host: Host, deputy: Deputy) -> Iterator[str]:
    """Let there be an account that is none of opskit's making, so that it stays open."""
    host.run(("sh", "-c", f"useradd -m -p '*' -s /bin/bash {ACCOUNT}"))
    yield ACCOUNT
    host.run(("sh", "-c", f"pkill -9 -u {ACCOUNT}; chattr -R -i /home/{ACCOUNT}"))
    host.run(("sh", "-c", f"userdel -r -f {ACCOUNT}"))


def as_vera(host: Host, script: str) -> None:
    done = host.run(("su", "-s", "/bin/bash", ACCOUNT, "-c", f"cd ~ && {script}"))
    assert done.returncode == 0, done.stderr


KEPT = "cp .ssh/authorized_keys k; sed -i 's/^[^ ]* //; s/ opskit:.*//' k; mv k .ssh/k; "
WAYS = {
    "a link": "cd .ssh; mv k real; ln -sf real authorized_keys",
    "a second name": "cd .ssh; mv k authorized_keys; ln authorized_keys k",
    "a linked directory": "mv .ssh/k .ssh/authorized_keys; mv .ssh dot; ln -s dot .ssh",
    "too much": "cd .ssh; mv k authorized_keys; yes '#' | head -c 2000000 >> authorized_keys",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_keys_that_cannot_be_rewritten_are_moved_aside(
    vera: str, deputy: Deputy, host: Host, key: Key, way: str
) -> None:
    one = grant("g30", vera, keys=[key.public])
    assert deputy.apply([one])["done"]["wrong"] == []
    as_vera(host, KEPT + way)
    assert deputy.ssh(key, vera, "true").returncode == 0, "it works until it is taken"

    gone = deputy.apply(absent=[one], end_sessions=[vera])

    assert gone["done"]["wrong"] == []
    assert deputy.ssh(key, vera, "true").returncode == 255
    assert set(presence(gone["seen"], "g30").values()) == {"absent"}
    kept = host.run(("find", f"/home/{vera}", "-name", "*.opskit-*")).stdout
    assert kept.count("\n") == 1, "nothing of it is lost"


def test_a_flag_that_keeps_a_file_as_it_is_does_not_keep_the_key(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g31", vera, keys=[key.public])
    deputy.apply([one])
    frozen = f"chattr +i /home/{vera}/.ssh/authorized_keys /home/{vera}/.ssh"
    if host.run(("sh", "-c", frozen)).returncode:
        pytest.skip("this file system has no such flags")
    gone = deputy.apply(absent=[one], end_sessions=[vera])
    assert gone["done"]["wrong"] == []
    assert deputy.ssh(key, vera, "true").returncode == 255


def test_a_key_that_is_put_back_while_it_is_taken_is_taken_again(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g32", vera, keys=[key.public])
    deputy.apply([one])
    loop = "while :; do cp k .ssh/authorized_keys; sleep 0.01; done"
    as_vera(host, "sed 's/^[^ ]* //; s/ opskit:.*//' .ssh/authorized_keys > k; "
                  f"(setsid bash -c '{loop}' >/dev/null 2>&1 &)")  # fmt: skip

    gone = deputy.apply(absent=[one], end_sessions=[vera])

    assert gone["done"]["wrong"] == []
    assert deputy.ssh(key, vera, "true").returncode == 255
    assert deputy.state()["again"] == {}


# Each is gone once it has started the next: whoever looks for it by its number comes too late.
HYDRA = """
trap '' TERM
anew() { anew & }
for n in $(seq 30); do anew & done
"""


def test_what_starts_itself_anew_faster_than_it_is_looked_at_ends(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g33", vera, keys=[key.public])
    deputy.apply([one])
    host.write("/tmp/hydra", HYDRA)
    as_vera(host, "setsid sh /tmp/hydra >/dev/null 2>&1 &")
    gone = deputy.apply(absent=[one], end_sessions=[vera])
    assert gone["done"]["wrong"] == []
    assert "sh /tmp/hydra" in gone["done"]["ended"][vera]
    # What is dead and only not yet waited for runs no more.
    assert host.run(("pgrep", "-u", vera, "--runstates", "D,I,R,S,T,t")).stdout == ""


def test_what_runs_in_a_container_as_a_number_of_the_account_ends(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g34", vera, keys=[key.public])
    deputy.apply([one])
    # Other tests' hosts have processes of no such number.
    host.write("/etc/subuid", f"other:700000:65536\n{vera}:900000:65536\nx\n{vera}:0:2000\n")
    for uid in (900033, 700033):
        host.run(("sh", "-c", f"setpriv --reuid {uid} setsid sleep 990 >/dev/null 2>&1 &"))
    gone = deputy.apply(absent=[one], end_sessions=[vera])
    assert gone["done"]["ended"][vera] == ["sleep 990"]
    assert host.run(("pgrep", "-u", "900033")).stdout == ""
    assert host.run(("pgrep", "-u", "700033")).stdout != "", "somebody else's goes on"
    host.run(("pkill", "-u", "700033"))
    host.run(("rm", "/etc/subuid"))


def test_one_thing_that_cannot_be_swept_keeps_nothing_else(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g35", vera, keys=[key.public], sudo=rules(vera, "/usr/bin/id", 2_000_000_000))
    deputy.apply([one])
    wants = ".config/systemd/user"
    as_vera(host, f"for n in $(seq 120); do mkdir -p {wants}/a$n.wants; done; "
                  f"mkdir -p {wants}/default.target.wants/a {wants}/z.target.wants; "
                  f"ln -s /x {wants}/z.target.wants/evil.service")  # fmt: skip
    jobs = "* * * * * true\\n" + "#" * 2_000_000
    host.run(("sh", "-c", f"install -m 600 -o {vera} /dev/stdin /var/spool/cron/crontabs/{vera}"),
             jobs)  # fmt: skip
    host.run(("mkdir", "-p", f"/run/sudo/ts/{vera}"))  # a name that cannot be unlinked

    gone = deputy.apply(absent=[one], end_sessions=[vera])

    assert f"sudo-timestamp /run/sudo/ts/{vera}" in "".join(gone["done"]["wrong"])
    left = {row["what"] for row in gone["seen"]["remains"] if row["account"] == vera}
    assert left == {"sudo-timestamp"}
    assert not host.exists(f"/var/spool/cron/crontabs/{vera}")
    host.run(("rmdir", f"/run/sudo/ts/{vera}"))
    assert deputy.apply(absent=[one], end_sessions=[vera])["done"]["wrong"] == []


def test_a_program_that_keeps_a_group_for_its_owner_keeps_it_no_longer(
    vera: str, deputy: Deputy, host: Host, key: Key
) -> None:
    one = grant("g36", vera, keys=[key.public], groups=["adm"])
    deputy.apply([one])
    as_vera(host, "cp /usr/bin/id /tmp/kept; chgrp adm /tmp/kept; chmod 2755 /tmp/kept; "
                  "mkdir -p a/b; cp /usr/bin/id a/b/own; chmod 4755 a/b/own; "
                  "ln -s /usr/bin/su a/su; ln -s / a/all")  # fmt: skip
    gone = deputy.apply(absent=[one], end_sessions=[vera])
    assert gone["done"]["wrong"] == []
    paths = {f"/home/{vera}/a/b/own", "/tmp/kept"}
    assert {f"setuid {path}" for path in paths} == set(gone["done"]["ended"][vera])
    assert host.run(("stat", "-c", "%a", *sorted(paths))).stdout == "755\n755\n"
    assert host.run(("stat", "-L", "-c", "%a", "/usr/bin/su")).stdout == "4755\n"
    assert "adm" not in deputy.ssh(key, vera, "/tmp/kept -Gn").stdout
    host.run(("rm", "/tmp/kept"))


def test_a_device_in_the_place_of_a_command_is_not_opened(
    vera: str, deputy: Deputy, host: Host
) -> None:
    # Whoever opens this end waits for the other, or would be counted as a reader.
    as_vera(host, "mkfifo pipe")
    host.write("/etc/sudoers.d/t", f"games ALL=(root) /home/{vera}/pipe, /dev/tty\n")
    facts = {row["path"]: row for row in deputy.observe()["paths"]}
    assert facts[f"/home/{vera}/pipe"]["sha256"] == ""
    host.run(("rm", "/etc/sudoers.d/t"))
