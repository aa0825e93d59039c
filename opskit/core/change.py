"""Desired against observed: the diff that drift, access and alert state share.

The algorithm is always observe, compare, change, observe again. A thing is settled only when the
second observation says so, never because a command reported success.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """What has to happen to make observed equal desired."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose observed value is not the desired one; `None` means absent."""

    key: str
    kind: ChangeKind
    observed: object | None
    desired: object | None


def diff(observed: Mapping[str, object], desired: Mapping[str, object]) -> tuple[Change, ...]:
    """Return what must change for `observed` to become `desired`, ordered by key."""
    return tuple(
        Change(key, _kind(key, observed, desired), observed.get(key), desired.get(key))
        for key in sorted(observed.keys() | desired.keys())
        if key not in observed or key not in desired or observed[key] != desired[key]
    )


def _kind(key: str, observed: Mapping[str, object], desired: Mapping[str, object]) -> ChangeKind:
    if key not in observed:
        return ChangeKind.ADD
    return ChangeKind.REPLACE if key in desired else ChangeKind.REMOVE


def keyed_hash(key: bytes, text: str) -> str:
    """Return an HMAC-SHA256 of a state, 32 hex digits.

    Equal states stay comparable after their text was redacted, while somebody without the key
    cannot test guesses against the hash.
    """
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
