"""The door to reading certificates: what a server showed, as far as it can be read.

A certificate comes from outside: its dates may be none and its names anything. What cannot be read
is nothing, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from opskit.core.clock import Instant, from_datetime
from opskit.core.text import clean


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whose it is, who says so, from when until when, and the SHA-256 of it all in hex."""

    subject: str
    issuer: str
    begins: Instant
    ends: Instant
    fingerprint: str


def read(raw: bytes | str) -> Certificate | None:
    """Return a certificate in PEM or DER; nothing of one that cannot be read."""
    try:
        return _read(raw)
    except Exception:  # noqa: BLE001  # a parser's complaint about what a stranger wrote
        return None


def _read(raw: bytes | str) -> Certificate:
    from cryptography import x509  # noqa: PLC0415  # heavy, and most commands read none
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    if isinstance(raw, str):
        found = x509.load_pem_x509_certificate(raw.encode())
    else:
        found = x509.load_der_x509_certificate(raw)
    return Certificate(
        subject=clean(found.subject.rfc4514_string()),
        issuer=clean(found.issuer.rfc4514_string()),
        begins=from_datetime(found.not_valid_before_utc),
        ends=from_datetime(found.not_valid_after_utc),
        fingerprint=hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(),
    )


def earliest_end(chain: Iterable[bytes | str]) -> Instant | None:
    """Return when the first certificate of a chain ends; nothing where any cannot be read."""
    ends = [one.ends if (one := read(raw)) else None for raw in chain]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None
