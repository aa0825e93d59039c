"""A request as it is judged, and what the judgment holds. Pure.

The digest of a judgment is what an approval binds to, so that nobody approves one thing and another
is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from opskit.access.approvers import Seats
from opskit.access.findings import AccessFinding
from opskit.access.registry import digest
from opskit.core.clock import NOTHING, Duration, Instant


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for. `duration` in microseconds; `starts_at` None is: once approved."""

    requester: str
    beneficiary: str
    role: str
    targets: tuple[str, ...]
    duration: Duration
    reason: str
    ticket: str = ""
    starts_at: Instant | None = None
    break_glass: bool = False
    # The grant whose end is to be later, where this asks for more time.
    extends: int | None = None
    # The command it is for, where one was named.
    need: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "requester": self.requester,
            "beneficiary": self.beneficiary,
            "role": self.role,
            "targets": list(self.targets),
            "duration": self.duration,
            "reason": self.reason,
            "ticket": self.ticket,
            "starts_at": self.starts_at,
            "break_glass": self.break_glass,
            "extends": self.extends,
            "need": self.need,
        }


class Verdict(StrEnum):
    """What becomes of a request."""

    REFUSED = "refused"
    ASK = "needs approval"
    APPROVED = "approved by rule"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: which rule, whose, in words, and what to do instead."""

    rule: str
    whose: str
    message: str
    way: str

    def as_json(self) -> dict[str, str]:
        """Return it as data."""
        return {"rule": self.rule, "whose": self.whose, "message": self.message, "way": self.way}


@dataclass(frozen=True, slots=True)
class Judgment:
    """What the files say of a request. `rules` are the names of the rules that decided."""

    refusals: tuple[Refusal, ...] = ()
    groups: tuple[Seats, ...] = ()
    rules: tuple[str, ...] = ()
    signed: bool = False
    within: Duration = NOTHING
    start_within: Duration = NOTHING
    blast: str = ""
    findings: tuple[AccessFinding, ...] = field(default=())
    role_digest: str = ""
    # Changes with the account, the keys and the targets that it is about.
    opened: str = ""

    @property
    def verdict(self) -> Verdict:
        """Return what follows."""
        if self.refusals:
            return Verdict.REFUSED
        return Verdict.ASK if self.groups else Verdict.APPROVED

    @property
    def digest(self) -> str:
        """Return what changes with anything an approver has to know."""
        return digest(self.as_json())

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "verdict": self.verdict.value,
            "refusals": [one.as_json() for one in self.refusals],
            "approval": [one.as_json() for one in self.groups],
            "rules": list(self.rules),
            "signed": self.signed,
            "within": self.within,
            "start_within": self.start_within,
            "blast_radius": self.blast,
            "findings": [one.as_json() for one in self.findings],
            "role": self.role_digest,
            "opened": self.opened,
        }
