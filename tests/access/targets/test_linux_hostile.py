"""What others plant: links, names that are none, accounts that no grant may touch."""

from __future__ import annotations

import pytest

from tests.access.targets.deputy import (
    Deputy,
    Key,
    grant,
    presence,
)
from tests.rig.hosts import Host

NAMES = ("web1",)


@pytest.mark.parametrize(
    "plant",
    [
        "ln -s /home/planted .ssh",
        "install -d -o olga -m 700 .ssh; ln -s /home/planted/keys .ssh/authorized_keys",
        "install -d -o olga -m 700 .ssh; ln /home/planted/keys .ssh/authorized_keys",
        "install -d -o daemon -m 755 .ssh",
        "install -d -o olga -m 700 .ssh; mkfifo .ssh/authorized_keys",
    ],
)
def test_a_link_is_refused_and_never_followed(
    deputy: Deputy, host: Host, key: Key, plant: str
) -> None:
    made = "id olga 2>/dev/null || useradd -m -p '*' olga; cd /home/olga; rm -rf .ssh; "
    planted = "mkdir -p /home/planted; echo own > /home/planted/keys; "
    assert host.run(("sh", "-c", made + planted + plant)).returncode == 0
    one = grant("g18", "olga", keys=[key.public])

    found = deputy.apply([one])

    assert found["done"]["wrong"]
    assert found["seen"]["unread"] or plant.endswith(".ssh")
    how = {part: how for part, how in presence(found["seen"], "g18").items() if "key" in part}
    assert "present" not in how.values()
    assert host.run(("ls", "-A", "/home/planted")).stdout == "keys\n"
    assert host.read("/home/planted/keys") == "own\n"
    host.run(("rm", "-rf", "/home/olga/.ssh"))
    assert deputy.apply(absent=[one])["done"]["wrong"] == []


FLIP = """
import os, shutil, sys
os.setegid(int(sys.argv[2])); os.seteuid(int(sys.argv[1]))
os.chdir("/home/pete")
turns = 0
while not os.path.exists("/tmp/stop"):
    try:
        os.rename(".ssh", ".away")
        os.symlink("/etc/target", ".ssh")
        turns += 1
        os.unlink(".ssh")
        shutil.rmtree(".away")
        os.mkdir(".ssh", 0o700)
    except OSError:
        shutil.rmtree(".away", ignore_errors=True)
print(turns)
"""
WRITE = """
import os, sys
from ansible.module_utils import opskit_access_cut as cut, opskit_access_places as places
owner = places.entry("pete")
wrote = refused = 0
while wrote + refused < 10_000:
    line = b"line %d\\n" % (wrote + refused)
    try:
        cut.rewritten("/home/pete/.ssh/authorized_keys", lambda _: [line], owner)
        wrote += 1
    except places.Trouble:
        refused += 1
open("/tmp/stop", "w").close()
print(wrote, refused)
"""


def test_a_link_flipped_while_a_key_is_written_never_leads_elsewhere(
    deputy: Deputy, host: Host
) -> None:
    host.run(("useradd", "-m", "-p", "*", "pete"))
    host.run(("sh", "-c", "install -d -o pete -m 700 /home/pete/.ssh; mkdir /etc/target"))
    host.write("/root/flip.py", FLIP)
    host.write("/root/write.py", WRITE)
    race = (
        "python3 -B /root/flip.py $(id -u pete) $(id -g pete) & "
        "PYTHONPATH=/root/deputy python3 -B /root/write.py; wait"
    )
    done = host.run(("sh", "-c", race))
    assert done.returncode == 0, done.stderr
    numbers = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert len(numbers) == 3
    assert all(numbers), "it was written, it was refused, and it was flipped"
    assert host.run(("ls", "-A", "/etc/target")).stdout == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "../etc"},
        {"account": "a b"},
        {"account": "root\nx"},
        {"grant": "g.1"},
        {"grant": "../../x"},
        {"keys": ["ssh-ed25519 AAAA\nssh-ed25519 BBBB"]},
        {"keys": ['command="/bin/sh" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5']},
        {"groups": ["adm,sudo"]},
        {"from": ['10.0.0.1",command="x']},
        {"shell": "/bin/sh\n"},
    ],
)
def test_what_no_name_can_be_is_refused_before_anything_is_changed(
    deputy: Deputy, host: Host, key: Key, wrong: dict[str, object]
) -> None:
    before = host.read("/etc/passwd")
    one = {**grant("g19", "quinn", keys=[key.public]), **wrong}
    found = deputy.apply([one])
    assert found["done"]["refused"]
    assert host.read("/etc/passwd") == before


def test_accounts_of_the_system_and_administrators_are_not_touched(
    deputy: Deputy, host: Host, key: Key
) -> None:
    host.run(("useradd", "-m", "-p", "*", "admina"))
    before = host.run(("getent", "passwd", "daemon", "root", "admina")).stdout
    for account in ("root", "daemon", "admina"):
        one = grant("g20", account, keys=[key.public], groups=["adm"])
        order = deputy.apply([one], administrators=["root", "admina"], end_sessions=["root"])
        assert any(account in reason for reason in order["done"]["wrong"])
        deputy.apply(absent=[one])
    assert host.run(("getent", "passwd", "daemon", "root", "admina")).stdout == before
    assert deputy.ssh(key, "admina", "true").returncode == 255
