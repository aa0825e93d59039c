"""Certificates as stock ssh-keygen reads them; what is never signed; lists of revoked keys."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import HOUR, Instant, from_datetime
from opskit.core.errors import ConfigError, OutsideError, Refused
from opskit.outside import process, sshca
from opskit.outside.krl import RevokedCertificate, revocation_list
from opskit.outside.sshca import Signer, Template, require_sound, signer
from tests.access.targets.deputy import Key

NOON = from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC))
UNTIL = Instant(NOON + HOUR)
PASSPHRASE = "a very long canary phrase"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("ca", "alice", "bob"):
        Key.made(directory / name)
    generate(directory / "locked", "-t", "ed25519", "-N", PASSPHRASE)
    generate(directory / "rsa2048", "-t", "rsa", "-b", "2048", "-N", "")
    generate(directory / "rsa3072", "-t", "rsa", "-b", "3072", "-N", "")
    generate(directory / "p256", "-t", "ecdsa", "-N", "")
    (directory / "phrase").write_text(f"{PASSPHRASE}\n")
    (directory / "phrase").chmod(0o600)
    return directory


def generate(path: Path, *words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-C", "", "-f", str(path), *words], check=True)


@pytest.fixture(scope="module")
def agent(keys: Path) -> Iterator[dict[str, str]]:
    """Hold the authority's key in an agent."""
    socket = keys / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    own = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
    asked = ["ssh-add", "-l"]
    while subprocess.run(asked, env=own, capture_output=True, check=False).returncode == 2:
        assert process.poll() is None
    subprocess.run(["ssh-add", "-q", str(keys / "ca")], env=own, check=True)
    yield own
    process.terminate()
    process.wait()


def public(path: Path) -> str:
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


def template(keys: Path, **changes: object) -> Template:
    plain = Template(
        public(keys / "alice"), "g7:alice", ("grant-g7",), 7412, Instant(NOON - HOUR), UNTIL
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # its own fields


def read(line: str) -> str:
    """Return what ssh-keygen says of a certificate."""
    words = ["ssh-keygen", "-L", "-f", "-"]
    done = subprocess.run(
        words, input=line, capture_output=True, text=True, check=True,
        env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    return done.stdout


def ways_to_sign(keys: Path, agent: dict[str, str]) -> dict[str, Signer]:
    return {
        "file": signer(keys / "ca", None, os.environ),
        "agent": signer(keys / "ca.pub", None, agent),
        "passphrase": signer(keys / "locked", keys / "phrase", os.environ),
        "rsa": signer(keys / "rsa3072", None, os.environ),
    }


def test_every_way_to_sign_says_the_same(keys: Path, agent: dict[str, str]) -> None:
    for name, one in ways_to_sign(keys, agent).items():
        said = read(one.sign(template(keys, source_addresses=("10.0.0.0/8", "192.0.2.7"))))
        assert "Type: ssh-ed25519-cert-v01@openssh.com user certificate" in said
        assert 'Key ID: "g7:alice"' in said
        assert "Serial: 7412" in said
        assert "Valid: from 2026-10-01T11:00:00 to 2026-10-01T13:00:00" in said, name
        assert said.split("Principals:")[1].split("Critical")[0].split() == ["grant-g7"]
        assert "source-address 10.0.0.0/8,192.0.2.7" in said
        assert said.split("Extensions:")[1].split() == ["permit-pty"], name


def test_forwarding_is_allowed_only_where_it_is_asked_for(
    keys: Path, agent: dict[str, str]
) -> None:
    allowed = ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty"]
    for one in ways_to_sign(keys, agent).values():
        said = read(one.sign(template(keys, forwarding=True)))
        assert said.split("Extensions:")[1].split() == allowed


def test_other_kinds_of_keys_are_certified(keys: Path) -> None:
    one = signer(keys / "ca", None, os.environ)
    for kind in ("p256", "rsa3072"):
        assert "grant-g7" in read(one.sign(template(keys, key=public(keys / kind))))


def test_a_key_in_hardware_keeps_what_it_is_bound_to(keys: Path) -> None:
    kind = b"sk-ssh-ed25519@openssh.com"
    blob = b"".join(len(one).to_bytes(4, "big") + one for one in (kind, b"k" * 32, b"ssh:opskit"))
    key = f"{kind.decode()} {base64.b64encode(blob).decode()}"
    made = signer(keys / "ca", None, os.environ).sign(template(keys, key=key))
    assert made.startswith("sk-ssh-ed25519-cert-v01@openssh.com ")
    assert b"ssh:opskit" in base64.b64decode(made.split()[1])
    assert read(made).split("Extensions:")[1].split() == ["permit-pty"]


@pytest.mark.parametrize(
    "changes",
    [
        {"principals": ()},
        {"principals": ("grant-g7,root",)},
        {"principals": ("grant-g7", "")},
        {"principals": ("*",)},
        {"principals": ("root\n",)},
        {"principals": ("Grant-g7",)},
        {"key_id": ""},
        {"key_id": "g7 alice\nforged"},
        {"serial": 0},
        {"serial": 2**64},
        {"valid_before": Instant(NOON - HOUR)},
        {"valid_after": Instant(-HOUR)},
        {"source_addresses": ("0.0.0.0/0,root",)},
        {"source_addresses": ("*.example.org",)},
        {"key": "ssh-dss AAAAB3NzaC1kc3MAAACB"},
        {"key": "ssh-rsa AAAAB3NzaC1yc2E"},
        {"key": "ssh-ed25519"},
        {"key": ""},
    ],
)
def test_what_would_open_too_much_is_signed_by_nobody(
    keys: Path, agent: dict[str, str], changes: dict[str, object]
) -> None:
    asked = template(keys, **changes)
    for one in ways_to_sign(keys, agent).values():
        with pytest.raises(Refused):
            one.sign(asked)


def test_short_rsa_keys_neither_sign_nor_are_certified(keys: Path) -> None:
    with pytest.raises(Refused, match="2048 bits"):
        signer(keys / "ca", None, os.environ).sign(template(keys, key=public(keys / "rsa2048")))
    weak = signer(keys / "rsa2048", None, os.environ)
    with pytest.raises(Refused, match="2048 bits"):
        weak.sign(template(keys))


def test_a_key_that_others_can_read_signs_nothing(keys: Path, tmp_path: Path) -> None:
    loose = tmp_path / "ca"
    loose.write_bytes((keys / "ca").read_bytes())
    for mode in (0o640, 0o604, 0o660):
        loose.chmod(mode)
        with pytest.raises(ConfigError, match="others can get at it"):
            signer(loose, None, os.environ)


@pytest.mark.parametrize("text", ["", "garbage", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_told_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ca"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        assert signer(path, None, os.environ).public


def test_a_wrong_or_missing_passphrase_is_told_without_it(keys: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "phrase"
    wrong.write_text("not-the-phrase\n")
    wrong.chmod(0o600)
    with pytest.raises(ConfigError, match="cannot be used") as error:
        signer(keys / "locked", wrong, os.environ)
    assert "not-the-phrase" not in f"{error.value} {error.value.hint}"
    with pytest.raises(ConfigError, match="password"):
        assert signer(keys / "locked", None, os.environ).public


def test_an_agent_without_the_key_is_told_so(keys: Path) -> None:
    own = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    with pytest.raises(OutsideError, match="cannot sign") as error:
        signer(keys / "ca.pub", None, own).sign(template(keys))
    assert "ssh-add" in error.value.hint


def test_no_passphrase_and_no_key_is_ever_an_argument_or_shown(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = process.run

    def watched(argv: list[str], **options: object) -> object:
        seen.append(f"{argv} {options}")
        return real(argv, **options)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(sshca, "run", watched)
    locked = signer(keys / "locked", keys / "phrase", os.environ)
    held = signer(keys / "ca", None, os.environ)
    locked.sign(template(keys))
    held.sign(template(keys))
    said = f"{seen} {locked!r} {held!r}"
    assert len(seen) == 2
    assert PASSPHRASE not in said
    assert "PRIVATE KEY" not in said


@given(
    serial=st.integers(1, 2**64 - 1),
    start=st.integers(0, 2**33),
    length=st.integers(1, 86_400),
    principal=st.from_regex(r"grant-g[0-9]{1,12}", fullmatch=True),
)
def test_what_is_signed_is_what_was_asked(
    keys: Path, serial: int, start: int, length: int, principal: str
) -> None:
    from cryptography.hazmat.primitives.serialization import (
        SSHCertificate,
        load_ssh_public_identity,
    )

    after, before = Instant(start * 1_000_000), Instant((start + length) * 1_000_000)
    asked = template(
        keys, serial=serial, principals=(principal,), valid_after=after, valid_before=before
    )
    require_sound(asked)
    made = load_ssh_public_identity(signer(keys / "ca", None, {}).sign(asked).encode())
    assert isinstance(made, SSHCertificate)
    made.verify_cert_signature()
    assert (made.serial, made.valid_principals) == (serial, [principal.encode()])
    assert (made.valid_after, made.valid_before) == (start, start + length)
    assert made.critical_options == {}
    assert made.extensions == {b"permit-pty": b""}


# Lists of revoked keys


def revoked(keys: Path, serial: int, authority: str = "ca") -> RevokedCertificate:
    one = signer(keys / authority, None, os.environ)
    line = one.sign(template(keys, serial=serial, key=public(keys / "bob")))
    return RevokedCertificate(one.public, serial, line)


def refuses(krl: bytes, line: str, directory: Path) -> bool:
    (directory / "krl").write_bytes(krl)
    (directory / "asked.pub").write_text(f"{line}\n")
    argv = ["ssh-keygen", "-Q", "-f", str(directory / "krl"), str(directory / "asked.pub")]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 1


def test_a_list_revokes_a_serial_of_one_authority_and_no_other(keys: Path, tmp_path: Path) -> None:
    mine, other = revoked(keys, 7), revoked(keys, 8)
    same_serial = revoked(keys, 7, "rsa3072")
    krl = revocation_list([mine, revoked(keys, 9, "rsa3072")], (), 1, os.environ)
    assert refuses(krl, mine.line, tmp_path)
    assert not refuses(krl, other.line, tmp_path)
    assert not refuses(krl, same_serial.line, tmp_path)
    assert not refuses(krl, public(keys / "bob"), tmp_path)


def test_a_revoked_key_counts_neither_by_itself_nor_in_a_certificate(
    keys: Path, tmp_path: Path
) -> None:
    krl = revocation_list((), [public(keys / "bob")], 1, os.environ)
    assert refuses(krl, public(keys / "bob"), tmp_path)
    assert refuses(krl, revoked(keys, 99).line, tmp_path)
    assert not refuses(krl, public(keys / "alice"), tmp_path)


def test_an_empty_list_is_a_list_and_refuses_nobody(keys: Path, tmp_path: Path) -> None:
    krl = revocation_list((), (), 1, os.environ)
    assert krl.startswith(b"SSHKRL\n\0")
    assert not refuses(krl, public(keys / "bob"), tmp_path)


def test_a_list_that_does_not_revoke_what_it_should_is_not_handed_out(keys: Path) -> None:
    wrong = replace(revoked(keys, 7), serial=8)
    with pytest.raises(OutsideError, match="would not revoke"):
        revocation_list([wrong], (), 1, os.environ)


def test_nothing_is_left_behind(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    signer(keys / "locked", keys / "phrase", os.environ).sign(template(keys))
    revocation_list([revoked(keys, 7)], [public(keys / "alice")], 1, os.environ)
    assert list(tmp_path.iterdir()) == []
