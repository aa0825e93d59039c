"""How ssh reaches the hosts of an inventory, as Ansible reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.core.errors import OutsideError
from opskit.outside.ansible.inventory import Way, ways

INVENTORY = """\
[berlin:children]
web
[web]
web1 ansible_host=192.0.2.1 ansible_port=2222 ansible_user=ops
web2 ansible_ssh_common_args='-o "ProxyJump gate" -o UserKnownHostsFile=/k'
web3 ansible_host="{{ addresses[inventory_hostname] }}"
web4 ansible_password=secret
web5 ansible_connection=local
web6 ansible_ssh_common_args="-o 'open"
[db]
db1 ansible_python_interpreter=/opt/py/bin/python3 ansible_ssh_private_key_file=/k/id
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Way]:
    root = tmp_path_factory.mktemp("project")
    root.chmod(0o700)
    (root / "hosts.ini").write_text(INVENTORY)
    (root / "ansible.cfg").write_text("[defaults]\nremote_user = deploy\n")
    caller = {"PATH": os.environ["PATH"], "HOME": str(root)}
    return dict(ways([root / "hosts.ini"], root, caller))


FIRM = "BatchMode=yes -o StrictHostKeyChecking=yes"


def test_every_host_is_there_with_its_groups_and_those_above(known: dict[str, Way]) -> None:
    assert set(known) == {"web1", "web2", "web3", "web4", "web5", "web6", "db1"}
    assert known["web1"].groups == {"web", "berlin"}
    assert known["db1"].groups == {"db"}


@pytest.mark.parametrize(
    ("host", "tail"),
    [
        ("web1", "-p 2222 -l ops -- 192.0.2.1 python3 -I -S -B -"),
        ("web2", "-o ProxyJump gate -o UserKnownHostsFile=/k -l deploy -- web2 python3 -I -S -B -"),
        ("db1", "-i /k/id -l deploy -- db1 /opt/py/bin/python3 -I -S -B -"),
    ],
)
def test_ssh_is_told_what_the_inventory_and_the_settings_say(
    known: dict[str, Way], host: str, tail: str
) -> None:
    line = " ".join(known[host].argv)
    assert line.endswith(f" -T {tail}")
    assert FIRM in line
    # ssh keeps what it reads first: nothing of the inventory's stands before this.
    assert known[host].argv[:3] == ("ssh", "-o", "BatchMode=yes")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("web3", "how it is reached is a template"),
        ("web4", "it needs a password"),
        ("web5", "it is not reached by ssh"),
        ("web6", "its ssh arguments are not well quoted"),
    ],
)
def test_where_it_cannot_be_told_it_says_why(known: dict[str, Way], host: str, reason: str) -> None:
    assert (known[host].argv, known[host].reason) == ((), reason)


def test_an_inventory_that_ansible_cannot_read_is_an_error(tmp_path: Path) -> None:
    caller = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    (tmp_path / "hosts.yml").write_text("all: [")
    with pytest.raises(OutsideError, match="cannot read"):
        ways([tmp_path / "hosts.yml"], tmp_path, caller)
