"""What there is to see: grants and requests as they stand now. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.access.lifecycle import GrantState, RequestState, residual_exposure_seconds
from opskit.access.requesting import is_overdue
from opskit.access.store import decisions, grants, places, requests
from opskit.access.store.decisions import Decision
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.store.requests import Request
from opskit.access.workplace import Workplace
from opskit.core.clock import Instant

_OPEN = tuple(state for state in GrantState if not state.is_final)


@dataclass(frozen=True, slots=True)
class GrantSeen:
    """A grant, where it is, and what is still owed for it."""

    grant: Grant
    places: tuple[Place, ...]
    now: Instant

    @property
    def review_overdue(self) -> bool:
        """Return whether it was an emergency whose review should have been done."""
        return is_overdue(self.grant, self.now)

    def residual_seconds(self, place: Place) -> float | None:
        """Return for how long it outlived its planned end at a place; None before that end."""
        ends_at = self.grant.ends_at
        if ends_at is None or ends_at > self.now:
            return None
        return residual_exposure_seconds(place.footing, ends_at, self.now)

    def as_json(self) -> dict[str, object]:
        """Return it as data; instants are microseconds since 1970, UTC."""
        grant = self.grant
        return {
            "grant": grant.name, "request": f"r{grant.request}", "person": grant.person,
            "account": grant.account, "role": grant.role, "targets": list(grant.targets),
            "state": grant.state.value, "reason": grant.reason, "starts_at": grant.starts_at,
            "provisioned_at": grant.provisioned_at, "usable_at": grant.usable_at,
            "ends_at": grant.ends_at, "ended_at": grant.ended_at, "end_reason": grant.end_reason,
            "break_glass": grant.break_glass, "review_due": grant.review_due,
            "reviewed_by": grant.reviewed_by or None,
            "places": [self._place(one) for one in self.places],
        }  # fmt: skip

    def _place(self, one: Place) -> dict[str, object]:
        return {
            "place": one.place, "target": one.target, "kind": one.kind,
            "desired": one.desired.value, "observed": one.observed.value,
            "enforced_by": one.enforced_by.value, "fence_until": one.fence_until,
            "observed_at": one.observed_at, "absent_at": one.absent_at, "reason": one.reason,
            "parts": list(one.parts), "residual_exposure_seconds": self.residual_seconds(one),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """A request, what was said to it, and its state at this moment."""

    request: Request
    decisions: tuple[Decision, ...]
    state: RequestState
    grant: Grant | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        one = self.request
        return {
            "request": one.name, **one.ask.as_json(), "state": self.state.value,
            "hash": one.hash, "created_at": one.created_at, "lapses_at": one.lapses_at,
            "closed_at": one.closed_at, "policy_version": one.policy_version,
            "check_hash": one.check_hash, "check": one.judgment,
            "grant": self.grant.name if self.grant else None,
            "decisions": [self._decision(each) for each in self.decisions],
        }  # fmt: skip

    def _decision(self, one: Decision) -> dict[str, object]:
        return {
            "approver": one.approver, "verdict": one.verdict, "reason": one.reason, "at": one.at,
            "counts": one.check_hash == self.request.check_hash, "key": one.key or None,
            "signed": bool(one.signature),
        }  # fmt: skip


def open_grants(work: Workplace, *, everything: bool = False) -> tuple[GrantSeen, ...]:
    """Return the grants that are not over, or all there ever were, oldest first."""
    now = work.now()
    with work.database.read() as connection:
        found = grants.everything(connection) if everything else grants.in_states(connection, _OPEN)
        where = places.of_grants(connection, [one.id for one in found])
    return tuple(GrantSeen(one, tuple(where[one.id]), now) for one in found)


def waiting(work: Workplace, *, everything: bool = False) -> tuple[RequestSeen, ...]:
    """Return the requests that wait for a decision, or all there ever were, oldest first."""
    now = work.now()
    states = tuple(RequestState) if everything else (RequestState.PENDING,)
    with work.database.read() as connection:
        found = requests.in_states(connection, states)
        seen = [
            RequestSeen(one, decisions.of(connection, one.id), one.state_at(now)) for one in found
        ]
    return tuple(one for one in seen if everything or one.state is RequestState.PENDING)


def one_request(work: Workplace, number: int) -> RequestSeen:
    """Return a request.

    Raises:
        ConfigError: there is none with this number.
    """
    with work.database.read() as connection:
        one = requests.one(connection, number)
        said = decisions.of(connection, number)
        grant = grants.of_request(connection, number)
    return RequestSeen(one, said, one.state_at(work.now()), grant)


def one_grant(work: Workplace, number: int) -> GrantSeen:
    """Return a grant.

    Raises:
        ConfigError: there is none with this number.
    """
    with work.database.read() as connection:
        one = grants.one(connection, number)
        where = places.of_grant(connection, number)
    return GrantSeen(one, where, work.now())
