"""An accepted deviation: what, where, why, who answers for it, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from opskit.core.clock import Instant


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted deviation: `hosts` is a pattern like `web*`, `subject` says it in words."""

    id: int
    hosts: str
    subject: str
    fingerprint: str
    reason: str
    owner: str
    granted_by: str
    granted_at: Instant
    granted_seq: int
    expires_at: Instant
    renewals: int
    ended_at: Instant | None
    ended_seq: int | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"W-{self.id}"

    def covers(self, host: str) -> bool:
        """Return whether it speaks of this host."""
        return fnmatchcase(host, self.hosts)

    def fits(self, host: str, fingerprint: str, now: Instant) -> bool:
        """Return whether it holds now for this very deviation of this host."""
        return self.expires_at > now and self.fingerprint == fingerprint and self.covers(host)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a deviation is accepted, who answers for it, and until when."""

    reason: str
    owner: str
    expires_at: Instant
