"""What a rule about access finds: who holds what on which target, why, and where that is written.

A finding of a file says where a mistake stands (`core.findings.Finding`). A finding about access
also says how somebody comes by a right: the chain from them to it, and every line on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from opskit.core.findings import Finding, Location, Severity


class Scope(StrEnum):
    """What a rule speaks of: a request, the state of a host or database, or the policy files."""

    REQUEST = "request"
    STATE = "state"
    POLICY = "policy"


class Evidence(NamedTuple):
    """A line as it stands in a file. `line` counts from 1; 0 is the file as a whole."""

    file: str
    line: int
    raw: str

    def as_json(self) -> dict[str, object]:
        """Return the shape every JSON output gives it."""
        return {"file": self.file, "line": self.line, "raw": self.raw}


class AccessFinding(NamedTuple):
    """One thing wrong with a right that somebody has, or asks for.

    `subject` is who has it or what it is about (`alice`, `%ops`, a key's fingerprint, a file);
    `target` the host or database, empty for a policy; `path` the chain from the subject to the
    right, one step each; `meaning` what was found in words that no edit of spacing, order or
    place changes: with rule, target and subject it makes the fingerprint.
    """

    rule: str
    severity: Severity
    scope: Scope
    subject: str
    target: str
    message: str
    path: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    fix: str
    meaning: tuple[str, ...]
    grant: str = ""

    @property
    def fingerprint(self) -> str:
        """Return a hash that an edit leaves as it is unless it changes what is meant."""
        material = "\0".join((self.rule, self.target, self.subject, *self.meaning))
        return hashlib.sha256(material.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Order: most severe first, then by target, file and line."""
        first = self.evidence[0] if self.evidence else Evidence("", 0, "")
        return (
            -self.severity.rank, self.target, first.file, first.line, self.rule, self.subject,
            self.meaning,
        )  # fmt: skip

    def as_json(self) -> dict[str, object]:
        """Return the stable form of `opskit access lint --json`."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "scope": self.scope.value,
            "subject": self.subject,
            "target": self.target,
            "message": self.message,
            "path": list(self.path),
            "evidence": [one.as_json() for one in self.evidence],
            "fix": self.fix,
            "grant": self.grant or None,
            "fingerprint": self.fingerprint,
        }

    def as_finding(self) -> Finding:
        """Return it as other checks tell theirs, for SARIF, JUnit and annotations."""
        first = self.evidence[0] if self.evidence else None
        where = Location(first.file, first.line) if first else None
        subject = f"{self.subject} on {self.target}" if self.target else self.subject
        return Finding(self.rule, self.severity, subject, self.message, where, self.fix)


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A rule that could not be asked of a target, and what was missing."""

    rule: str
    target: str
    reason: str


def ordered(findings: Iterable[AccessFinding]) -> tuple[AccessFinding, ...]:
    """Return the findings most severe first, each one once."""
    unique = {
        (one.rule, one.target, one.subject, one.meaning, one.evidence): one for one in findings
    }
    return tuple(sorted(unique.values(), key=lambda one: one.sort_key))
