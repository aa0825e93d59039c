"""Root's own files of keys, certificates, and revoked keys, on a real sshd set up for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.access.targets.deputy import Deputy, Key, enforced, grant, now, presence
from tests.rig.command import run
from tests.rig.hosts import Fleet, Host

NAMES = ("web1", "web2")


@pytest.fixture(scope="module")
def certified(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Deputy, Key]:
    """Set a host up for certificates, keys in root's own directory, and revoked keys."""
    found = own_fleet["web2"]
    authority = Key.made(tmp_path_factory.mktemp("authority") / "ca")
    found.write("/etc/ssh/ca.pub", authority.public + "\n")
    found.write(
        "/etc/ssh/sshd_config.d/opskit.conf",
        "TrustedUserCAKeys /etc/ssh/ca.pub\n"
        "AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u\n"
        "RevokedKeys /etc/ssh/revoked\n"
        "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u /etc/rig/authorized_keys\n",
    )
    found.write("/etc/ssh/revoked", "")
    found.run(("sh", "-c", "kill -HUP $(cat /run/sshd.pid)"))
    return Deputy.on(found), authority


def certified_key(authority: Key, key: Key, principal: str) -> None:
    done = run((
        *("ssh-keygen", "-q", "-s", str(authority.path), "-I", "t", "-n", principal),
        *("-z", "7", "-V", "-5m:+1h", f"{key.path}.pub"),
    ))  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_keys_are_put_in_roots_own_file_where_sshd_reads_one(
    certified: tuple[Deputy, Key], key: Key
) -> None:
    deputy, _ = certified
    one = grant("g11", "lars", keys=[key.public], **{"from": ["10.0.0.0/8"]})

    deputy.apply([one])

    assert not deputy.host.exists("/home/lars/.ssh")
    assert 'from="10.0.0.0/8",restrict,pty ' in deputy.host.read("/etc/ssh/keys/lars")
    assert deputy.ssh(key, "lars", "true").returncode == 0
    deputy.apply(absent=[one])
    assert deputy.ssh(key, "lars", "true").returncode == 255


def test_a_certificate_opens_only_while_its_grant_is_there(
    certified: tuple[Deputy, Key], tmp_path: Path
) -> None:
    deputy, authority = certified
    key = Key.made(tmp_path / "key")
    certified_key(authority, key, "grant-g12-lucy")
    over = grant("g13", "lucy", login="certificate", until=now() - 90)
    one = grant("g12", "lucy", login="certificate")

    given = deputy.apply([over, one])

    assert given["done"]["wrong"] == []
    assert enforced(given["seen"], "g12")["principal grant-g12"] == "expiry-time"
    assert deputy.ssh(key, "lucy", "true").returncode == 0
    over_key = Key.made(tmp_path / "over")
    certified_key(authority, over_key, "grant-g13-lucy")
    assert deputy.ssh(over_key, "lucy", "true").returncode == 255

    # An early end: the principal goes, and the certificate is revoked besides.
    deputy.apply([over], [one])
    assert deputy.ssh(key, "lucy", "true").returncode == 255
    deputy.apply(absent=[over])


def test_a_list_of_revoked_keys_is_placed_only_if_it_is_one(
    certified: tuple[Deputy, Key], tmp_path: Path
) -> None:
    deputy, authority = certified
    key = Key.made(tmp_path / "key")
    certified_key(authority, key, "grant-g14-mark")
    one = grant("g14", "mark", login="certificate")
    deputy.apply([one])
    assert deputy.ssh(key, "mark", "true").returncode == 0

    broken = deputy.apply([one], krl=b"SSHKRL\n\0garbage")
    assert [reason for reason in broken["done"]["wrong"] if "revoked keys" in reason]
    assert deputy.ssh(key, "mark", "true").returncode == 0

    (tmp_path / "spec").write_text("serial: 7\n")
    made = run((
        *("ssh-keygen", "-q", "-k", "-f", str(tmp_path / "krl")),
        *("-s", f"{authority.path}.pub", str(tmp_path / "spec")),
    ))  # fmt: skip
    assert made.returncode == 0, made.stderr
    placed = deputy.apply([one], krl=(tmp_path / "krl").read_bytes())
    assert placed["done"]["wrong"] == []
    assert deputy.ssh(key, "mark", "true").returncode == 255
    deputy.apply(absent=[one])


def test_a_host_not_set_up_for_it_refuses_certificates_and_revoked_keys(
    deputy: Deputy, host: Host
) -> None:
    one = grant("g15", "nora", login="certificate")
    found = deputy.apply([one], krl=b"SSHKRL")
    reasons = " ".join(found["done"]["wrong"])
    assert "TrustedUserCAKeys" in reasons
    assert "RevokedKeys" in reasons
    assert presence(found["seen"], "g15")["principal grant-g15"] == "absent"
    assert not host.exists("/etc/ssh/revoked")
    deputy.apply(absent=[one])
