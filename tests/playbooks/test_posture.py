"""The posture module on a real host: it sees what was planted, changes nothing, and never fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.outside.files import content_root
from opskit.scaffold import lay_out
from tests.conftest import CASES
from tests.rig import hosts
from tests.rig.hosts import Fleet, Host
from tests.rig.plugin import require

EXPIRED = (CASES / "playbooks" / "expired.pem").read_text()
MODULE = content_root() / "playbooks" / "roles" / "baseline" / "library"
# What APT says of two updates, one of them from the security archive, and of a new dependency.
APT = """#!/bin/sh
cat <<'END'
Inst libssl3 [3.0.11-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
Inst vim [2:9.0.1-1] (2:9.0.2-1 Debian:12.8/stable [amd64]) []
Inst vim-extra (2:9.0.2-1 Debian:12.8/stable [amd64])
Conf libssl3 (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
END
"""
LISTENS = """
import socket, time
for family, kind, address in (
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 5354)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 8443)),
):
    one = socket.socket(family, kind)
    one.bind(address)
    kind == socket.SOCK_STREAM and one.listen()
    globals()[address] = one
print("listening", flush=True)
time.sleep(600)
"""


def plant(host: Host) -> None:
    """Give HOST something to be seen, and something that cannot be read."""
    host.write("/etc/nginx/tls/shop.pem", EXPIRED)
    host.write("/etc/nginx/tls/broken.crt", "-----BEGIN CERTIFICATE-----\nnonsense\n")
    host.write("/etc/nginx/tls/bundle.pem", EXPIRED * 11)
    host.write("/etc/nginx/tls/huge.pem", EXPIRED + "#" * (1 << 20))
    host.write("/usr/bin/apt-get", APT)
    host.write("/var/lib/apt/lists/deb.test_InRelease", "")
    host.write("/var/cache/apt/archives/vim_2%3a9.0.2-1_amd64.deb", "")
    host.write("/run/reboot-required.pkgs", "linux-image-amd64\nlinux-image-amd64\n")
    host.write("/root/listens.py", LISTENS)
    script = """
    chmod 755 /usr/bin/apt-get
    ln -s shop.pem /etc/nginx/tls/again.pem
    touch -d 2026-01-02T03:04:05Z /run/reboot-required
    touch -d 2026-01-03T00:00:00Z /var/cache/apt/archives/vim_*.deb
    mkdir -p /var/lib/apt/periodic
    touch -d 2026-01-04T00:00:00Z /var/lib/apt/periodic/update-success-stamp
    setsid python3 /root/listens.py >/run/listens 2>&1 &
    until grep -q listening /run/listens; do sleep 0.05; done
    """
    done = host.run(("sh", "-c", script))
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    require(hosts.available())
    with Fleet(("full", "bare"), tmp_path_factory.mktemp("fleet")) as running:
        plant(running["full"])
        running["bare"].run(
            ("sh", "-c", "rm -rf /usr/bin/openssl /var/lib/apt/lists /etc/kernel/postinst.d")
        )
        running["bare"].write("/srv/shop.pem", EXPIRED)
        yield running


def ansible(program: str, fleet: Fleet, home: Path, *words: str) -> dict[str, Any]:
    """Run one of Ansible's programs, and return what each host answered."""
    done = subprocess.run(
        (str(Path(sys.executable).with_name(program)), "-i", str(fleet.inventory), *words),
        env={**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_HOST_KEY_CHECKING": "True"},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(
        r"^(?:ok: \[)?(\w+)\]? (?:\| SUCCESS )?=> (\{.*\"posture\".*\})$", done.stdout, re.MULTILINE
    )
    return {name: json.loads(text) for name, text in found}


@pytest.fixture(scope="module")
def answers(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the standard's own task, as laid out by `opskit init`, in check mode."""
    home = tmp_path_factory.mktemp("home")
    lay_out(home / "ops")
    playbook = str(home / "ops" / "playbooks" / "baseline.yml")
    paths = json.dumps({"baseline_certificate_paths": ["/etc/nginx", "/srv", "/nowhere"]})
    return ansible(
        "ansible-playbook", fleet, home, playbook, "-t", "posture", "--check", "-v", "-e", paths
    )


@pytest.fixture(scope="module")
def full(answers: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answers["full"]["posture"]
    return found


@pytest.fixture(scope="module")
def bare(answers: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answers["bare"]["posture"]
    return found


def test_nothing_is_changed(answers: dict[str, Any]) -> None:
    assert {name: answer["changed"] for name, answer in answers.items()} == {
        "full": False,
        "bare": False,
    }


def test_updates_are_counted_and_dated_where_that_is_known(full: dict[str, Any]) -> None:
    assert full["updates"] == {
        "pending": 2,
        "security": 1,
        "omitted": 0,
        "lists_at": "2026-01-04T00:00:00Z",
        "packages": [
            {
                "name": "libssl3",
                "installed": "3.0.11-1",
                "available": "3.0.15-1~deb12u1",
                "security": True,
                "published_at": None,
            },
            {
                "name": "vim",
                "installed": "2:9.0.1-1",
                "available": "2:9.0.2-1",
                "security": False,
                "published_at": "2026-01-03T00:00:00Z",
            },
        ],
    }


def test_a_restart_is_asked_for_since_some_time(full: dict[str, Any]) -> None:
    assert full["reboot"] == {
        "required": True,
        "since": "2026-01-02T03:04:05Z",
        "packages": ["linux-image-amd64"],
    }


def test_certificates_are_read_once_and_bundles_left_out(full: dict[str, Any]) -> None:
    found = full["certificates"]
    assert [(one["path"], one["subject"], one["not_after"]) for one in found["items"]] == [
        ("/etc/nginx/tls/again.pem", "CN=shop.example.org,O=Shop", "2026-11-21T02:17:31Z"),
        ("/etc/nginx/tls/broken.crt", None, None),
    ]
    assert "cannot read it" in found["items"][1]["reason"]
    assert found["omitted"] == 0
    assert found["complete"] is True


def test_listening_ports_have_their_process(full: dict[str, Any]) -> None:
    found = {
        (one["proto"], one["address"], one["port"], one["process"])
        for one in full["ports"]["items"]
    }
    assert found >= {
        ("tcp", "0.0.0.0", 22, "sshd"),
        ("udp", "127.0.0.1", 5354, "python3"),
        ("tcp6", "::1", 8443, "python3"),
    }


def test_what_cannot_be_read_is_unknown_with_a_reason(bare: dict[str, Any]) -> None:
    assert "no package lists" in bare["updates"]["unknown"]
    assert "nothing on this host writes" in bare["reboot"]["unknown"]
    assert bare["certificates"]["items"] == [
        {
            "path": "/srv/shop.pem",
            "subject": None,
            "not_after": None,
            "reason": "openssl is not installed",
        }
    ]
    assert bare["ports"]["items"]


def test_the_number_of_certificates_is_bounded(fleet: Fleet, tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "library")
    words = ("full", "-m", "opskit_posture", "-M", str(tmp_path / "library"), "-o")
    limits = "certificate_paths=/etc/nginx max_certificates=1"
    found = ansible("ansible", fleet, tmp_path, *words, "-a", limits)["full"]["posture"]
    assert len(found["certificates"]["items"]) == 1
    assert found["certificates"]["omitted"] == 1


def test_it_is_documented(tmp_path: Path) -> None:
    done = subprocess.run(
        (str(Path(sys.executable).with_name("ansible-doc")), "-M", str(MODULE), "opskit_posture"),
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Reads pending updates" in done.stdout
