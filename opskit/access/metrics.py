"""What access shows: requests and grants by state, what is owed, and how long people wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.access.evidence import AccessEvidence
from opskit.access.lifecycle import GrantState, RequestState, residual_exposure_seconds
from opskit.access.store import certificates, grants, places, requests, reviews
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.targets.kinds import EnforcedBy, Presence
from opskit.core.clock import DAY, SECOND, Instant
from opskit.core.interval import Interval
from opskit.core.leadtime import Curve, curve
from opskit.core.metrics import Family, counter, gauge, one
from opskit.outside.database import Database

_OPEN = tuple(state for state in RequestState if not state.is_final)
_GIVING = frozenset({GrantState.ACTIVE, GrantState.PARTIAL})
# So far back waits are counted: long enough for a median, short enough to show a change.
_WAITS_KEPT = 90 * DAY
_QUANTILES = {"0.5": Fraction(1, 2), "0.9": Fraction(9, 10)}


@dataclass(frozen=True, slots=True)
class Standing:
    """How access stands at an instant.

    `items` is how many grants open reviews still ask about,
    `lists_owed` how many hosts were not told yet which keys and certificates count no more.
    """

    now: Instant
    requests: Mapping[RequestState, int]
    grants: Sequence[Grant]
    places: Sequence[Place]
    items: int
    review_due: Instant | None
    lists_owed: int = 0


def access(database: Database, now: Instant) -> Iterator[Family]:
    """Yield how access stands, as it was last looked at."""
    with database.read() as connection:
        asked = requests.in_states(connection, _OPEN)
        still_open = reviews.campaigns(connection, still_open=True)
        items = [item for one in still_open for item in reviews.items(connection, one.id)]
        standing = Standing(
            now,
            Counter(request.state_at(now) for request in asked),
            grants.everything(connection),
            places.everywhere(connection),
            sum(item.outcome in {"", "suspended"} for item in items),
            min((one.due_at for one in still_open), default=None),
            sum(one.due_at is not None for one in certificates.lists(connection)),
        )
    return families(standing)


def families(standing: Standing) -> Iterator[Family]:
    """Yield how access stands."""
    says = "Requests that nothing has become of yet; one whose time is over counts no more."
    waiting = ((standing.requests.get(one, 0), (("state", one.value),)) for one in _OPEN)
    yield gauge("opskit_access_requests", says, waiting)
    says = "Grants by state, all there ever were."
    found = Counter(grant.state for grant in standing.grants)
    by_state = ((found[one], (("state", one.value),)) for one in GrantState)
    yield gauge("opskit_access_grants", says, by_state)
    says = "When a grant that gives access ends by itself, or should have; by its number."
    ends = (
        (grant.ends_at / SECOND, (("grant", f"g{grant.id}"), ("role", grant.role)))
        for grant in standing.grants
        if grant.ends_at is not None and grant.state in _GIVING
    )
    yield gauge("opskit_access_grant_expiry_timestamp_seconds", says, ends)
    yield from _places(standing)
    yield from _revocations(standing)
    yield from _emergencies(standing)
    says = "Grants that open reviews ask about and nobody has answered for."
    yield gauge("opskit_access_review_items_unanswered", says, one(standing.items))
    says = "When the first open review suspends what nobody answered; none where none is open."
    due = None if standing.review_due is None else standing.review_due / SECOND
    yield gauge("opskit_access_review_due_timestamp_seconds", says, one(due))


def _places(standing: Standing) -> Iterator[Family]:
    """Yield where access is in force, by what on the target ends it there by itself."""
    there = [
        place
        for place in standing.places
        if place.desired is Presence.PRESENT and place.observed is not Presence.ABSENT
    ]
    found = Counter(place.enforced_by for place in there)
    says = "Places at which a grant is or may be in force, by what ends it there by itself; none: "
    says += "it ends only if opskit runs."
    enforced = ((found[one], (("enforced_by", one.value),)) for one in EnforcedBy)
    yield gauge("opskit_access_places", says, enforced)


def _revocations(standing: Standing) -> Iterator[Family]:
    now = standing.now
    ends = {grant.id: grant.ends_at for grant in standing.grants if grant.ends_at is not None}
    over = [
        (place, ends[place.grant_id])
        for place in standing.places
        if place.grant_id in ends and ends[place.grant_id] <= now
    ]
    owed = [(place, end) for place, end in over if not place.footing.is_over(now)]
    says = "Places at which a grant is past its end and was not seen gone."
    yield gauge("opskit_access_revocations_owed", says, one(len(owed)))
    oldest = min((end for _, end in owed), default=None)
    age = None if oldest is None else (now - oldest) / SECOND
    says = "How long ago the oldest of these should have been gone; none where none is owed."
    yield gauge("opskit_access_revocation_oldest_owed_age_seconds", says, one(age))
    says = "Hosts that were not told yet which keys and certificates count no more."
    yield gauge("opskit_access_revocation_lists_owed", says, one(standing.lists_owed))
    exposed = sum(residual_exposure_seconds(place.footing, end, now) for place, end in over)
    says = "For how long grants outlived their planned ends, at all places together."
    yield counter("opskit_access_residual_exposure_seconds_total", says, one(exposed))


def _emergencies(standing: Standing) -> Iterator[Family]:
    found = [one for one in standing.grants if one.break_glass and one.reviewed_at is None]
    overdue = sum(one.review_due is not None and one.review_due <= standing.now for one in found)
    says = "Emergencies that nobody has reviewed."
    yield gauge("opskit_access_breakglass_unreviewed", says, one(len(found)))
    says = "Emergencies whose review should have been done by now."
    yield gauge("opskit_access_breakglass_review_overdue", says, one(overdue))


def lead_times(database: Database, now: Instant) -> Iterator[Family]:
    """Yield how long it takes from a request to access that can be used, open ones counted."""
    period = Interval(Instant(max(0, now - _WAITS_KEPT)), Instant(now + 1))
    # No day is cut here, so that any zone does.
    source = AccessEvidence(database, configured=True, zone=ZoneInfo("UTC"))
    shown = source.evidence(period).access
    asked = shown.requests if shown is not None else ()
    waits = (each.wait(now) for each in asked)
    return _waited(curve(wait for wait in waits if wait is not None))


def _waited(estimate: Curve) -> Iterator[Family]:
    says = "Time from request to usable access within which a share was served, of 90 days; open "
    says += "requests count (Kaplan and Meier), and there is none where it was not reached."
    reached = ((name, estimate.quantile(share)) for name, share in _QUANTILES.items())
    quantiles = (
        (None if length is None else length / SECOND, (("quantile", name),))
        for name, length in reached
    )
    yield gauge("opskit_access_lead_time_seconds", says, quantiles)
    says = "Requests behind the lead time, by whether they are still open."
    counts = {"served": estimate.count - estimate.still, "open": estimate.still}
    counted = ((number, (("state", state),)) for state, number in counts.items())
    yield gauge("opskit_access_lead_time_requests", says, counted)
