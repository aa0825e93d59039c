"""A finding: one thing that is not as wanted, where it is, and what to do about it.

Every check in opskit returns findings; every output format is a rendering of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, mildest first when sorted by `rank`.

    `INFO` is told and fails nothing: it says what was not judged, or is good to know.
    """

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for info to 4 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; `line` and `column` count from 1, 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return `path:line:column`, as compilers print it and editors open it."""
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.path, *numbers])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as wanted.

    `rule` is a stable id (`file-unknown-key`), `subject` what it is about (a key path, a host, a
    service), `fix` the next step in one sentence.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    location: Location | None = None
    fix: str = ""

    @property
    def fingerprint(self) -> str:
        """Return a hash that stays the same when the finding moves to another line."""
        path = self.location.path if self.location else ""
        material = f"{self.rule}\0{path}\0{self.subject}\0{self.message}"
        return hashlib.sha256(material.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def sort_key(self) -> tuple[int, str, int, str]:
        """Order: most severe first, then by file and line."""
        place = self.location or Location("")
        return (-self.severity.rank, place.path, place.line, self.rule)


def ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings most severe first, each one once."""
    unique = {(finding.fingerprint, finding.location): finding for finding in findings}
    return tuple(sorted(unique.values(), key=lambda finding: finding.sort_key))
