"""Secrets are taken out before the first write: known values, and what looks like one.

This is the second net. The first is not to produce them (`no_log`, `diff: false`, vault).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
# Masking shortens a text: of a long one this many times what is asked for is read.
_SPARE = 20
# What stands at the end of a text that was cut may be the beginning of a secret, not known by it.
_LONGEST = 4_096
# A value shorter than this would mask half of every text it is searched in.
_SHORTEST = 4

SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api_?key|private_?key|credential|auth_?key)s?$",
    re.IGNORECASE,
)
_PATTERNS = (
    re.compile(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        re.DOTALL,
    ),
    re.compile(r"\$(?:1|2[aby]|5|6|7|y|gy|apr1|argon2id?)\$[./A-Za-z0-9,=$+]{16,}"),
    re.compile(r"\bSCRAM-SHA-(?:1|256)\$\d+:[\w+/=]+\$[\w+/=:]+"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(
        r"\b(?:gh[pousr]_|github_pat_|glpat-|npm_|pypi-|hvs\.|[rs]k_(?:live|test)_|xox[abeprs]-"
        r"|AIza|AGE-SECRET-KEY-1)[\w-]{10,}"
    ),
    re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]+"),
    # A run is entered at its start only: from every place in it, the work would grow as a square.
    re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?<=://)[^/\s:@]{0,256}:[^/\s@]{1,256}(?=@)"),
)
_NAME = (
    r"(?<!/)(?:pass(?:word|wd|phrase)?|secret(?:_?access_?key)?|token|credential"
    r"|(?:api|private|auth|account)[_-]?key)"
)
_ESCAPE = re.compile("%[0-9A-F]{2}")
_VALUE = r"""[^\s"',;\\]{4,}"""
_ASSIGNMENT = re.compile(
    rf"(?P<kept>{_NAME}\\*[\"']?\s*[:=]\s*)"
    rf"(?:(?P<quote>\\*[\"'])(?:(?!(?P=quote))[^\n]){{1,4096}}(?P=quote)|[|>][+-]?\n\s+[^\n]+|\\*[\"']?{_VALUE})",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(?P<kept>--[\w-]{{0,40}}{_NAME}\s+)(?!-){_VALUE}", re.IGNORECASE)
_SQL = re.compile(r"(?P<kept>\b(?:PASSWORD|IDENTIFIED BY)\s+)'[^'\n]+'", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<kept>\bAuthorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?)[\w.~+/=-]{8,}", re.IGNORECASE
)
# Without its header, a scheme is an English word: what follows must look like a token.
_SCHEME = re.compile(
    r"(?P<kept>\b(?:Bearer|Basic)\s+)(?=[\w.~+/-]{0,64}[0-9=])[\w.~+/=-]{16,}", re.IGNORECASE
)


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
        for pattern in (_HEADER, _SCHEME, _ASSIGNMENT, _OPTION, _SQL):
            text = pattern.sub(rf"\g<kept>{MASK}", text)
        return text

    def start_of(self, text: str, length: int) -> str:
        """Return the start of a redacted text, without reading all of a very long one."""
        read = text[: length * _SPARE]
        told = self(read)
        if len(read) < len(text):
            told = told[: -max([_LONGEST, *map(len, self._forms[:1])])] + MASK
        return told[:length]

    @cached_property
    def _forms(self) -> list[str]:
        forms = {form for secret in self.secrets for form in _forms(secret)}
        return sorted(forms, key=len, reverse=True)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it stands in URLs, JSON, HTML and shell commands, and line by line."""
    raw = secret.encode("utf-8", "surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    yield from (secret, escaped, json.dumps(escaped)[1:-1])
    yield from (json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret))
    yield secret.replace("'", "'\"'\"'")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield from (quoted, _ESCAPE.sub(lambda match: match[0].lower(), quoted))
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
    yield from (line for line in secret.splitlines() if len(line) >= _SHORTEST)


def secret_values(variables: object, *, name: str = "") -> set[str]:
    """Return the string values stored under names that look like secrets, at any depth."""
    if isinstance(variables, dict):
        found = (secret_values(value, name=str(key)) for key, value in variables.items())
        return set().union(*found)
    if isinstance(variables, list):
        return set().union(*(secret_values(value, name=name) for value in variables))
    is_secret = isinstance(variables, str) and SECRET_NAME.search(name)
    return {str(variables)} if is_secret and "{{" not in str(variables) else set()
