"""The two machines: what may become of a request, and of a grant. Pure.

A request waits for decisions; a grant is in force on targets. Which step is allowed is written in
two tables; whether a time is over is computed when it is read, so no job has to run for a request
to lapse.

A grant is revoked only once every target was seen without it, or what the target itself plants
(its fence) has ended it. Where one could not be reached the revocation is deferred, and stays owed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from opskit.access.targets.kinds import EnforcedBy, Presence
from opskit.core.clock import SECOND, Instant
from opskit.core.errors import Refused


class RequestState(StrEnum):
    """Where a request is."""

    DRAFT = "draft"
    CHECKED = "checked"
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"

    @property
    def is_final(self) -> bool:
        """Return whether nothing more becomes of it."""
        return self in _CLOSED


_CLOSED = frozenset(
    {RequestState.APPROVED, RequestState.DENIED, RequestState.WITHDRAWN, RequestState.LAPSED}
)


class GrantState(StrEnum):
    """Where a grant is."""

    SCHEDULED = "scheduled"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    PARTIAL = "partial"
    FAILED = "failed"
    SUSPENDED = "suspended"
    REVOKING = "revoking"
    REVOKED = "revoked"
    REVOKE_DEFERRED = "revoke_deferred"

    @property
    def is_final(self) -> bool:
        """Return whether nothing more becomes of it."""
        return self is GrantState.REVOKED

    @property
    def is_ending(self) -> bool:
        """Return whether it is on its way out, or gone."""
        return self in {GrantState.REVOKING, GrantState.REVOKED, GrantState.REVOKE_DEFERRED}


_R, _G = RequestState, GrantState

REQUEST_STEPS: dict[RequestState, frozenset[RequestState]] = {
    _R.DRAFT: frozenset({_R.CHECKED}),
    _R.CHECKED: frozenset({_R.PENDING}),
    _R.PENDING: frozenset({_R.PENDING, _R.APPROVED, _R.DENIED, _R.WITHDRAWN, _R.LAPSED}),
    **dict.fromkeys(_CLOSED, frozenset()),
}
_IN_FORCE = frozenset({_G.SUSPENDED, _G.REVOKING})
GRANT_STEPS: dict[GrantState, frozenset[GrantState]] = {
    _G.SCHEDULED: frozenset({_G.PROVISIONING, _G.REVOKED}),
    _G.PROVISIONING: _IN_FORCE | {_G.ACTIVE, _G.PARTIAL, _G.FAILED},
    _G.ACTIVE: _IN_FORCE | {_G.PARTIAL, _G.FAILED},
    _G.PARTIAL: _IN_FORCE | {_G.ACTIVE, _G.FAILED},
    _G.FAILED: _IN_FORCE | {_G.ACTIVE, _G.PARTIAL},
    _G.SUSPENDED: frozenset({_G.PROVISIONING, _G.REVOKING}),
    _G.REVOKING: frozenset({_G.REVOKED, _G.REVOKE_DEFERRED}),
    _G.REVOKE_DEFERRED: frozenset({_G.REVOKED}),
    _G.REVOKED: frozenset(),
}


def require_request_step(name: str, before: RequestState, after: RequestState) -> None:
    """Refuse a step that is none.

    Raises:
        Refused: what is over stays over.
    """
    if after not in REQUEST_STEPS[before]:
        raise Refused(f"{name} is {before.value}", hint=f"opskit access show {name}")


def require_grant_step(name: str, before: GrantState, after: GrantState) -> None:
    """Refuse a step that is none.

    Raises:
        Refused: what is gone cannot be given, nor taken twice.
    """
    if after not in GRANT_STEPS[before]:
        raise Refused(f"{name} is {before.value}", hint=f"opskit access show {name}")


@dataclass(frozen=True, slots=True)
class Footing:
    """A grant on one target: what is wanted, what was seen, what ends it there by itself.

    `absent_at` is when it was first seen gone.
    """

    desired: Presence
    observed: Presence
    enforced_by: EnforcedBy = EnforcedBy.NONE
    fence_until: Instant | None = None
    absent_at: Instant | None = None

    def is_over(self, now: Instant) -> bool:
        """Return whether it is gone: seen so, or ended by the target itself."""
        fenced = self.fence_until is not None and self.fence_until <= now
        return self.observed is Presence.ABSENT or fenced

    def gone_at(self) -> Instant | None:
        """Return when it was gone at the latest; None while nobody can tell."""
        known = [one for one in (self.absent_at, self.fence_until) if one is not None]
        return min(known, default=None)


def provisioned(footings: Iterable[Footing]) -> GrantState:
    """Return what a grant is once it was put on its targets and these were looked at."""
    seen = {one.observed for one in footings if one.desired is Presence.PRESENT}
    if seen == {Presence.PRESENT}:
        return GrantState.ACTIVE
    if seen & {Presence.PRESENT, Presence.PARTIAL}:
        return GrantState.PARTIAL
    return GrantState.FAILED


def revoked(footings: Iterable[Footing], now: Instant) -> GrantState:
    """Return what a grant is once it was taken off its targets and these were looked at."""
    over = all(one.is_over(now) for one in footings)
    return GrantState.REVOKED if over else GrantState.REVOKE_DEFERRED


def residual_exposure_seconds(footing: Footing, planned_end: Instant, now: Instant) -> float:
    """Return for how long access outlived its planned end on a target, up to now.

    (first seen absent, or the fence, whichever came first) - planned end, never below 0. While
    neither has come it still grows.
    """
    gone = footing.gone_at()
    end = now if gone is None or gone > now else gone
    return max(0, end - planned_end) / SECOND
