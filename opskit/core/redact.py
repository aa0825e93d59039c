"""Secrets are taken out before the first write: known values, and what looks like one.

This is the second net. The first is not to produce them (`no_log`, `diff: false`, vault).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

MASK = "[redacted]"
# A value shorter than this would mask half of every text it is searched in.
_SHORTEST = 4

SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api_?key|private_?key|credential|auth_?key)s?$",
    re.IGNORECASE,
)
_PATTERNS = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\$(?:1|2[aby]|5|6|7|y|gy|argon2id?)\$[./A-Za-z0-9,=$+]{16,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"),
    re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?<=://)[^/\s:@]{1,256}:[^/\s@]{1,256}(?=@)"),
)
_ASSIGNMENT = re.compile(
    r"(?P<name>[\w.-]{0,64}(?:pass(?:word|wd|phrase)?|secret|token|api_?key|private_?key))"
    r"(?P<between>[\"']?\s*[:=]\s*[\"']?)(?P<value>[^\s\"',;]{4,})",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)


@dataclass(frozen=True)
class Redactor:
    """Masks known secret values in every form they may travel in, then patterns of secrets."""

    secrets: frozenset[str] = field(default_factory=frozenset)

    def with_secrets(self, values: Iterable[str]) -> Redactor:
        """Return a redactor that knows these values as well."""
        return Redactor(self.secrets | {value for value in values if len(value) >= _SHORTEST})

    def __call__(self, text: str) -> str:
        """Return the text with every secret replaced by `[redacted]`."""
        for form in self._forms:
            text = text.replace(form, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        text = _HEADER.sub(rf"\g<scheme>{MASK}", text)
        return _ASSIGNMENT.sub(rf"\g<name>\g<between>{MASK}", text)

    @cached_property
    def _forms(self) -> list[str]:
        forms: set[str] = set()
        for secret in self.secrets:
            raw = secret.encode("utf-8", "surrogatepass")
            forms |= {secret, quote(raw, safe=""), base64.b64encode(raw).decode().rstrip("=")}
            forms |= {line for line in secret.splitlines() if len(line) >= _SHORTEST}
        return sorted(forms, key=len, reverse=True)


def secret_values(variables: object, *, name: str = "") -> set[str]:
    """Return the string values stored under names that look like secrets, at any depth."""
    if isinstance(variables, dict):
        found = (secret_values(value, name=str(key)) for key, value in variables.items())
        return set().union(*found)
    if isinstance(variables, list):
        return set().union(*(secret_values(value, name=name) for value in variables))
    is_secret = isinstance(variables, str) and SECRET_NAME.search(name)
    return {str(variables)} if is_secret and "{{" not in str(variables) else set()
