"""Certificates of opskit's own on a real sshd: whom they open it for, and what shuts it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, MINUTE, SECOND, Instant, SystemClock
from opskit.outside.krl import RevokedCertificate, revocation_list
from opskit.outside.sshca import Signer, Template, signer
from tests.access.targets.deputy import Deputy, Key, grant, now
from tests.rig.hosts import Fleet

NAMES = ("web1",)


@dataclass(frozen=True)
class Site:
    """A host that is set up for certificates, and who signs them."""

    deputy: Deputy
    signs: Signer

    def certify(self, key: Key, principal: str, **changes: object) -> RevokedCertificate:
        """Put a certificate beside a key, where ssh finds it."""
        time = SystemClock().now()
        asked = Template(
            key.public, "g1:alice", (principal,), 7412, Instant(time - 5 * MINUTE),
            Instant(time + HOUR),
        )  # fmt: skip
        template = replace(asked, **changes)  # type: ignore[arg-type]  # its own fields
        line = self.signs.sign(template)
        key.path.with_name(f"{key.path.name}-cert.pub").write_text(f"{line}\n")
        return RevokedCertificate(self.signs.public, template.serial, line)

    def opens(self, key: Key, account: str) -> bool:
        done = self.deputy.ssh(key, account, "true")
        assert done.returncode in {0, 255}, done.stderr
        return done.returncode == 0

    def revokes(self, *revoked: RevokedCertificate) -> None:
        krl = revocation_list(revoked, (), now(), os.environ)
        done = self.deputy.apply(krl=krl)
        assert done["done"]["wrong"] == []


@pytest.fixture(scope="module")
def site(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Site:
    host = own_fleet["web1"]
    authority = Key.made(tmp_path_factory.mktemp("authority") / "ca")
    host.write("/etc/ssh/ca.pub", f"{authority.public}\n")
    host.write("/etc/ssh/revoked", "")
    host.write(
        "/etc/ssh/sshd_config.d/opskit.conf",
        "TrustedUserCAKeys /etc/ssh/ca.pub\n"
        "AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u\n"
        "RevokedKeys /etc/ssh/revoked\n",
    )
    host.run(("sh", "-c", "kill -HUP $(cat /run/sshd.pid)"))
    return Site(Deputy.on(host), signer(authority.path, None, os.environ))


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return Key.made(tmp_path / "key")


def test_it_opens_the_account_of_its_grant_and_no_other(site: Site, key: Key) -> None:
    mine = grant("g1", "alice", login="certificate")
    other = grant("g2", "bob", login="certificate")
    site.deputy.apply([mine, other])
    assert not site.opens(key, "alice")  # the key alone opens nothing
    site.certify(key, "grant-g1-alice")
    assert site.opens(key, "alice")
    site.certify(key, "grant-g2-alice")  # a number may come again, as somebody else's
    assert not site.opens(key, "bob")
    site.certify(key, "grant-g1-alice")
    assert not site.opens(key, "bob")
    assert not site.opens(key, "root")
    site.deputy.apply(absent=[mine, other])
    assert not site.opens(key, "alice")


def test_times_and_addresses_are_kept_by_sshd(site: Site, key: Key) -> None:
    mine = grant("g3", "carol", login="certificate")
    site.deputy.apply([mine])
    time = SystemClock().now()
    site.certify(key, "grant-g3-carol", valid_before=Instant(time - SECOND))
    assert not site.opens(key, "carol")  # over
    site.certify(key, "grant-g3-carol", valid_after=Instant(time + 5 * MINUTE))
    assert not site.opens(key, "carol")  # not yet
    site.certify(key, "grant-g3-carol", source_addresses=("192.0.2.0/24",))
    assert not site.opens(key, "carol")  # not from here
    site.certify(key, "grant-g3-carol", source_addresses=("0.0.0.0/0",))
    assert site.opens(key, "carol")
    site.deputy.apply(absent=[mine])


def test_who_else_signs_opens_nothing(site: Site, key: Key, tmp_path: Path) -> None:
    mine = grant("g4", "dave", login="certificate")
    site.deputy.apply([mine])
    stranger = signer(Key.made(tmp_path / "stranger").path, None, os.environ)
    replace(site, signs=stranger).certify(key, "grant-g4-dave")
    assert not site.opens(key, "dave")
    site.deputy.apply(absent=[mine])


def test_the_list_shuts_out_one_certificate_while_its_grant_is_there(
    site: Site, key: Key, tmp_path: Path
) -> None:
    mine = grant("g5", "erin", login="certificate")
    site.deputy.apply([mine])
    spare = Key.made(tmp_path / "spare")
    lost = site.certify(key, "grant-g5-erin", serial=1)
    site.certify(spare, "grant-g5-erin", serial=2)
    assert site.opens(key, "erin")
    site.revokes(lost)
    assert not site.opens(key, "erin")
    assert site.opens(spare, "erin")
    assert site.deputy.host.ssh("true").returncode == 0  # and opskit itself comes in
    site.revokes()
    assert site.opens(key, "erin")
    site.deputy.apply(absent=[mine])


@contextmanager
def multiplexed(site: Site, key: Key, account: str, socket: Path) -> Iterator[list[str]]:
    """Hold a connection that others are sent through; yield what uses it."""
    control = ["-o", f"ControlPath={socket}"]
    opened = [*control, "-o", "ControlMaster=yes"]
    words = [*site.deputy.ssh_words(key, account, opened), "echo up; exec sleep 600"]
    master = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert master.stdout is not None
    assert master.stdout.readline() == b"up\n"
    yield control
    master.kill()
    master.wait()
    master.stdout.close()


def test_a_connection_that_is_shared_goes_with_the_grant(
    site: Site, key: Key, tmp_path: Path
) -> None:
    mine = grant("g6", "fay", login="certificate")
    site.deputy.apply([mine])
    revoked = site.certify(key, "grant-g6-fay")
    with multiplexed(site, key, "fay", tmp_path / "control") as through:
        assert site.deputy.ssh(key, "fay", "true", options=through).returncode == 0
        site.revokes(revoked)
        # The list alone is not enough: what is connected is asked no more.
        assert site.deputy.ssh(key, "fay", "true", options=through).returncode == 0
        site.deputy.apply(absent=[mine], end_sessions=["fay"])
        assert site.deputy.ssh(key, "fay", "true", options=through).returncode == 255
    site.revokes()
