"""Public keys of OpenSSH: what type, how long, and the fingerprint that ssh-keygen prints.

The form of the blob is that of RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4 and
OpenSSH's PROTOCOL.u2f; strings and numbers are those of RFC 4251 section 5.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace
from functools import lru_cache

from opskit.access.hosts.model import PublicKey

_CURVES = {"nistp256": 256, "nistp384": 384, "nistp521": 521}
_ECDSA = {f"ecdsa-sha2-{curve}": curve for curve in _CURVES}
_SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
_ED25519 = frozenset({"ssh-ed25519", "sk-ssh-ed25519@openssh.com"})
TYPES = frozenset({"ssh-rsa", "ssh-dss", *_ED25519, *_ECDSA, _SK_ECDSA})
CERTIFICATE = "-cert-v01@openssh.com"


class NoKeyError(ValueError):
    """The text is no public key; the message says why."""


def public_key(text: str) -> PublicKey:
    """Return the key of a line `TYPE BASE64 [COMMENT]`, as it stands in a .pub file.

    Raises:
        NoKeyError: it is none.
    """
    words = text.split(None, 2)
    if len(words) < 2:
        raise NoKeyError("a key has a type and its value")
    key = decoded(words[0], words[1])
    return replace(key, comment=words[2].strip()) if len(words) == 3 else key


@lru_cache(maxsize=65_536)
def decoded(kind: str, text: str) -> PublicKey:
    """Return the key of a type and its base64.

    Raises:
        NoKeyError: it is none.
    """
    if kind.endswith(CERTIFICATE):
        raise NoKeyError("a certificate stands where a key should")
    if kind not in TYPES:
        raise NoKeyError(f"{kind[:60]!r} is no type of key")
    try:
        blob = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoKeyError("the key is no base64") from None
    # As sshd: bits that mean nothing must be zero, or one key could be written in two ways.
    if base64.b64encode(blob).decode() != text:
        raise NoKeyError("the key is no base64")
    bits = _bits(kind, _fields(blob))
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(kind, bits, f"SHA256:{digest}", "", text)


def _fields(blob: bytes) -> list[bytes]:
    """Return the strings a blob is made of."""
    found: list[bytes] = []
    at = 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if at + 4 > len(blob) or end > len(blob):
            raise NoKeyError("the key is cut off")
        found.append(blob[at + 4 : end])
        at = end
    return found


# How many strings follow the type in a blob.
_PARTS = {"ssh-rsa": 2, "ssh-dss": 4, "ssh-ed25519": 1, "sk-ssh-ed25519@openssh.com": 2,
          _SK_ECDSA: 3, **dict.fromkeys(_ECDSA, 2)}  # fmt: skip


def _bits(kind: str, fields: list[bytes]) -> int:
    if not fields or fields[0] != kind.encode():
        raise NoKeyError("the key is of another type than the line says")
    parts = fields[1:]
    if len(parts) != _PARTS[kind]:
        raise NoKeyError("the key is cut off, or something follows it")
    if kind == "ssh-rsa":
        return int.from_bytes(parts[1], "big").bit_length()
    if kind == "ssh-dss":
        return int.from_bytes(parts[0], "big").bit_length()
    if kind in _ED25519:
        if len(parts[0]) != 32:
            raise NoKeyError("the point of the key has the wrong length")
        return 256
    curve = parts[0].decode("ascii", "replace")
    if curve != _ECDSA.get(kind, "nistp256"):
        raise NoKeyError("the key is on another curve than the line says")
    return _CURVES[curve]
