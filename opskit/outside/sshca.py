"""The door to signing SSH certificates (OpenSSH's PROTOCOL.certkeys).

A certificate is signed by a private key in a file, through the `cryptography` library, or by
`ssh-keygen -s` where the key is in an agent, has a passphrase, or the key to be certified lives in
hardware. No private key and no passphrase is ever an argument.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from opskit.core.clock import SECOND, Instant, to_datetime
from opskit.core.errors import ConfigError, OutsideError, Refused
from opskit.core.text import clean
from opskit.outside.files import read_secret, translated
from opskit.outside.process import Completed, run

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import SSHCertPrivateKeyTypes

_SECONDS = 60.0
_KEYGEN = "ssh-keygen"
_MINIMAL = ("HOME", "PATH", "SSH_AUTH_SOCK")
_LEAST_RSA = 3072
_MOST_SERIAL = 2**64 - 1
_LONGEST_KEY = 65_536
# sshd before 10.3 takes a comma in a principal for two principals (CVE-2026-35414).
_PRINCIPAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEY_ID = re.compile(r"[!-~]{1,128}")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+(?:/[0-9]{1,3})?")
_FORWARDING = ("permit-agent-forwarding", "permit-port-forwarding")
_SIGNED_BY_KEYGEN = ("sk-",)
_KEYS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")
# What ssh-keygen asks is answered from a file, so that no argument and no variable holds it.
_ANSWER = '#!/bin/sh\nexec cat -- "$OPSKIT_ANSWER_FILE"\n'


@dataclass(frozen=True, slots=True)
class Template:
    """What a user certificate shall say.

    `key` is `type base64` of the key it is for. Both instants are cut to whole seconds. Nothing but
    a terminal is allowed, and forwarding where `forwarding` says so.
    """

    key: str
    key_id: str
    principals: tuple[str, ...]
    serial: int
    valid_after: Instant
    valid_before: Instant
    forwarding: bool = False
    source_addresses: tuple[str, ...] = ()

    @property
    def extensions(self) -> tuple[str, ...]:
        """Return what it allows, in the order sshd wants them."""
        return tuple(sorted(("permit-pty", *(_FORWARDING if self.forwarding else ()))))


class Signer(Protocol):
    """A certificate authority."""

    @property
    def public(self) -> str:
        """Return `type base64` of its public key."""
        ...

    def sign(self, template: Template) -> str:
        """Return the certificate, as the line of a -cert.pub file.

        Raises:
            Refused: no such certificate is ever signed.
            OutsideError: the key could not be used.
        """
        ...


def signer(key_file: Path, passphrase_file: Path | None, environment: Mapping[str, str]) -> Signer:
    """Return who signs with a key: of a file, or of the agent where the file is public.

    Raises:
        ConfigError: it is no key, too weak a one, or others can read it.
    """
    raw = _key_bytes(key_file)
    if raw.startswith(tuple(kind.encode() for kind in _KEYS)):
        public = _two_words(raw.decode("ascii", "replace"))
        _require_strong(public, f"{key_file}")
        return _Keygen(key_file, public, None, environment, agent=True)
    if passphrase_file is not None:
        read_secret(passphrase_file)  # told now, not when ssh-keygen fails
        public = _public_of(key_file, passphrase_file, environment)
        _require_strong(public, f"{key_file}")
        return _Keygen(key_file, public, passphrase_file, environment)
    return _Held(key_file, raw, environment)


def _key_bytes(path: Path) -> bytes:
    """Return a key file, refused where anybody but its owner could read a private key."""
    with translated(path), path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        raw = stream.read(_LONGEST_KEY) if stat.S_ISREG(status.st_mode) else b""
    if not raw.strip():
        raise ConfigError(f"{path} holds no key", hint="ssh-keygen -t ed25519 makes one")
    private = b"PRIVATE KEY" in raw
    if private and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
        raise ConfigError(
            f"{path} signs certificates, and others can get at it",
            hint=f"chown {os.geteuid()} {path}; chmod 600 {path}",
        )
    return raw.lstrip()


# What is never signed


def require_sound(template: Template) -> None:
    """Refuse to sign what sshd would read as more than was meant, or could not revoke.

    Raises:
        Refused: a principal is missing or odd, the key is weak, or the times or serial are none.
    """
    odd = [one for one in template.principals if not _PRINCIPAL.fullmatch(one)]
    if not template.principals or odd:
        named = ", ".join(map(repr, odd)) or "none at all"
        raise Refused(f"a certificate for {named} could open any account", hint=_BUG)
    if not _KEY_ID.fullmatch(template.key_id):
        raise Refused(f"{template.key_id!r} is no key id", hint=_BUG)
    if not 0 < template.serial <= _MOST_SERIAL:
        raise Refused("a serial is 1 to 2^64 - 1: others cannot be revoked", hint=_BUG)
    if not 0 <= _seconds(template.valid_after) < _seconds(template.valid_before):
        raise Refused("a certificate must be valid for a while, and not forever", hint=_BUG)
    if not all(map(_ADDRESS.fullmatch, template.source_addresses)):
        raise Refused("a source address is not one", hint="source_addresses in access/roles.yaml")
    _require_strong(template.key, "the key")


_BUG = "report it: opskit should not have asked for this"


def _require_strong(public: str, whose: str) -> None:
    """Refuse keys that can be broken: DSA, RSA below 3072 bits, what is no key."""
    kind, _, blob = public.partition(" ")
    if not kind.startswith(_KEYS) or "-cert-" in kind:
        raise Refused(f"{whose} is a {kind[:40]!r}", hint="ssh-keygen -t ed25519 makes a good one")
    bits = _rsa_bits(public) if kind == "ssh-rsa" else _LEAST_RSA
    if bits < _LEAST_RSA or not blob:
        raise Refused(
            f"{whose} is an RSA key of {bits} bits", hint="ssh-keygen -t ed25519 makes a good one"
        )


def _rsa_bits(public: str) -> int:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # heavy
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # noqa: PLC0415

    try:
        found = load_ssh_public_key(public.encode())
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return found.key_size if isinstance(found, RSAPublicKey) else 0


def _seconds(instant: Instant) -> int:
    return instant // SECOND


def _two_words(text: str) -> str:
    return " ".join(text.split()[:2])


# A key in a file, without a passphrase


@dataclass(frozen=True)
class _Held:
    """Signs in this process. The key is in memory only, and in no representation."""

    path: Path
    raw: bytes
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        return f"_Held({self.path})"

    @cached_property
    def _key(self) -> SSHCertPrivateKeyTypes:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # heavy
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

        good = (ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)
        try:
            found = s.load_ssh_private_key(self.raw, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(
                f"{self.path} cannot be used: {clean(str(error))}",
                hint="an OpenSSH private key; with a passphrase, name its passphrase_file",
            ) from error
        if not isinstance(found, good):
            raise ConfigError(f"{self.path} is too weak a key", hint="ssh-keygen -t ed25519")
        return found

    @cached_property
    def public(self) -> str:
        """Return the public half."""
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415  # heavy

        raw = self._key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH)
        found = raw.decode("ascii")
        _require_strong(found, f"{self.path}")
        return found

    def sign(self, template: Template) -> str:
        """Return the certificate."""
        require_sound(template)
        if not self.public:
            raise ConfigError(f"{self.path} has no public half")
        if template.key.startswith(_SIGNED_BY_KEYGEN):  # the library would drop the application
            return _Keygen(self.path, self.public, None, self.environment).sign(template)
        return _two_words(self._built(template).decode("ascii"))

    def _built(self, template: Template) -> bytes:
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415  # heavy

        try:
            key = s.load_ssh_public_key(template.key.encode())
        except ValueError as error:
            raise Refused(f"the key cannot be read: {clean(str(error))}") from error
        builder = (
            s.SSHCertificateBuilder()
            .public_key(key)  # type: ignore[arg-type]  # the kinds that are left are those it takes
            .type(s.SSHCertificateType.USER)
            .serial(template.serial)
            .key_id(template.key_id.encode())
            .valid_principals([one.encode() for one in template.principals])
            .valid_after(_seconds(template.valid_after))
            .valid_before(_seconds(template.valid_before))
        )
        if template.source_addresses:
            addresses = ",".join(template.source_addresses).encode()
            builder = builder.add_critical_option(b"source-address", addresses)
        for name in template.extensions:
            builder = builder.add_extension(name.encode(), b"")
        return builder.sign(self._key).public_bytes()


# A key that ssh-keygen uses


@dataclass(frozen=True)
class _Keygen:
    """Signs through `ssh-keygen -s`: with a key of the agent, or one that has a passphrase."""

    path: Path
    public: str
    passphrase_file: Path | None
    environment: Mapping[str, str]
    agent: bool = False

    def sign(self, template: Template) -> str:
        """Return the certificate."""
        require_sound(template)
        with tempfile.TemporaryDirectory(prefix="opskit-") as name:
            directory = Path(name)
            key = directory / "key.pub"
            key.write_text(f"{template.key}\n", encoding="ascii")
            done = _asked(
                (*self._argv(template), str(key)), directory, self.passphrase_file, self.environment
            )
            made = directory / "key-cert.pub"
            if done.status != 0 or not made.exists():
                raise OutsideError(
                    f"ssh-keygen cannot sign with {self.path}: {said(done)}", hint=self._hint
                )
            return _two_words(made.read_text(encoding="ascii"))

    def _argv(self, template: Template) -> tuple[str, ...]:
        allowed = [word for one in template.extensions for word in ("-O", one)]
        if template.source_addresses:
            allowed += ["-O", f"source-address={','.join(template.source_addresses)}"]
        after, before = (
            f"{to_datetime(one):%Y%m%d%H%M%S}"
            for one in (template.valid_after, template.valid_before)
        )
        return (
            *(_KEYGEN, "-q", *(["-U"] if self.agent else []), "-s", str(self.path)),
            *("-I", template.key_id, "-n", ",".join(template.principals)),
            *("-z", str(template.serial), "-V", f"{after}:{before}", "-O", "clear", *allowed),
        )

    @property
    def _hint(self) -> str:
        if self.agent:
            return "put the private key into your agent: ssh-add, or ssh-add -s for hardware"
        return "is passphrase_file the one of this key?"


def _public_of(path: Path, passphrase_file: Path, environment: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory(prefix="opskit-") as name:
        argv = (_KEYGEN, "-y", "-f", str(path))
        done = _asked(argv, Path(name), passphrase_file, environment)
    if done.status != 0:
        raise ConfigError(
            f"{path} cannot be used: {said(done)}", hint="is passphrase_file the one of this key?"
        )
    return _two_words(done.stdout)


def _asked(
    argv: tuple[str, ...],
    directory: Path,
    passphrase_file: Path | None,
    environment: Mapping[str, str],
) -> Completed:
    """Run ssh-keygen; what it asks is answered from the passphrase's file, or not at all."""
    own = minimal(environment)
    if passphrase_file is not None:
        answer = directory / "answer"
        answer.write_text(_ANSWER, encoding="ascii")
        answer.chmod(0o700)
        own |= {
            "SSH_ASKPASS": str(answer),
            "SSH_ASKPASS_REQUIRE": "force",
            "OPSKIT_ANSWER_FILE": str(passphrase_file.resolve()),
        }
    return run(argv, timeout=_SECONDS, environment=own)


def minimal(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment ssh-keygen needs, and nothing else."""
    kept = {name: value for name, value in caller.items() if name in _MINIMAL}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}  # ssh-keygen takes times for local ones


def said(done: Completed) -> str:
    """Return why ssh-keygen failed, in its own words."""
    if done.timed_out:
        return "it did not end in time"
    lines = (done.stderr or done.stdout).strip().splitlines()
    return clean(lines[-1]) if lines else f"exit status {done.status}"
