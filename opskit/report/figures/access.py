"""Access: asked, usable, gone in time, looked at. F7 among them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from opskit.core.clock import MINUTE, format_duration
from opskit.core.evidence import AccessEvidence, EmergencyEvidence
from opskit.core.interval import Interval
from opskit.core.leadtime import curve
from opskit.core.text import plural
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, time
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence, Tag

ACCESS = Methods()
# Taking away what ends before its time needs a run over its targets: so much is allowed for it.
ON_TIME = MINUTE
_NINE_OF_TEN = Fraction(9, 10)


@ACCESS.method("F7a", 1)
def requests(ground: Ground) -> Iterator[Figure]:
    """Requests for access, and what was said to them.

    Formula: requests written in the period; of those, the ones approved by its end, and the ones
        refused by the files at once or denied
    Unit: requests
    Source: the requests and decisions of the ledger
    Not for: how much access there is, or whether it was needed
    """
    if ground.evidence.access is not None:
        yield from _requests(ground.evidence.access)


def _requests(found: AccessEvidence) -> Iterator[Figure]:
    asked = found.requests
    by_files = [one for one in found.refusals if one.kind == "request.refused"]
    outcomes = [one.outcome for one in asked]
    granted, denied = outcomes.count("approved"), outcomes.count("denied")
    refused, waiting = denied + len(by_files), outcomes.count("pending")
    left = [
        f"{outcomes.count(name)} {name}" for name in ("withdrawn", "lapsed") if name in outcomes
    ]
    yield count(
        Name(
            "access.asked", "Requests for access",
            "requests written in the period, those that the files refused at once left out",
        ), len(asked), Basis(asked),
    )  # fmt: skip
    yield count(
        Name(
            "access.approved", "Requests approved",
            "requests of the period that were approved by its end",
        ), granted, Basis(
            [one for one in asked if one.outcome == "approved"],
            ", ".join([*([f"{waiting} waiting for a decision"] if waiting else []), *left]),
        ), f"{granted} of {len(asked)}" if asked else "none asked",
    )  # fmt: skip
    yield count(
        Name(
            "access.refused", "Requests refused",
            "requests that the files refused at once, and requests of the period that were denied",
        ), refused, Basis(
            [*by_files, *(one for one in asked if one.outcome == "denied")],
            f"{len(by_files)} by the files, {denied} by approvers" if refused else "",
        ),
    )  # fmt: skip


@ACCESS.method("F7", 1)
def lead_time(ground: Ground) -> Iterator[Figure]:
    """Time from request to usable access.

    Formula: shortest time within which half could use what they asked for, by Kaplan and Meier's
        product-limit estimate: what was not usable by the end of the period counts as waiting until
        then; from the request, or the start it asked for; denied, withdrawn and lapsed requests,
        emergencies and extensions are left out
    Unit: microseconds
    Source: core/leadtime.py; requests and grants of the ledger
    Not for: the speed of single approvers; read it beside what was refused and what was too broad
    """
    if ground.evidence.access is None:
        return
    name = Name("access.lead_time", "From request to usable access, median")
    counted = [(one, one.wait(ground.period.end)) for one in ground.evidence.access.requests]
    estimate = curve(wait for _, wait in counted if wait is not None)
    median, most = estimate.median, estimate.quantile(_NINE_OF_TEN)
    note = f"n = {estimate.count}, of which {estimate.still} still open"
    if most is not None:
        note += f"; nine of ten within {format_duration(most)}"
    basis = Basis([one for one, wait in counted if wait is not None], note, Tag.DERIVED)
    if not basis.rows:
        none = Basis((), "", Tag.DERIVED)
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "none asked", none)
    elif median is None:
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "not reached", basis)
    else:
        yield time(name, median, basis)


@ACCESS.method("F12a", 1)
def revocations(ground: Ground) -> Iterator[Figure]:
    """Access gone on time, and how long what was not outlived its end.

    Formula: at each place, (seen gone, or ended by the target itself, whichever came first) -
        planned end; what is not gone counts up to the end of the period
    Unit: places, and microseconds
    Source: the observations of each place
    Not for: harm done by access that was left over
    """
    if ground.evidence.access is None:
        return
    ends = ground.evidence.access.revocations
    on_time = [one for one in ends if one.gone_at is not None and one.exposure <= ON_TIME]
    still = sum(one.gone_at is None for one in ends)
    exposed = [one for one in ends if one.exposure]
    longest = max((one.exposure for one in ends), default=0)
    total = sum(one.exposure for one in ends)
    none = "none seen" if ends else "none due"
    yield count(
        Name(
            "access.revoked_on_time", "Access gone on time",
            "places at which a grant was seen gone, or ended by the target itself, within a minute "
            "of its planned end; of all at which one was to be gone by the end of the period",
        ), len(on_time), Basis(ends, f"{still} not seen gone" if still else ""),
        f"{len(on_time)} of {len(ends)}" if ends else "none due",
    )  # fmt: skip
    yield time(
        Name(
            "access.exposure.max", "Longest time access outlived its end",
            "largest (seen gone, or ended by the target itself - planned end) at one place; what "
            "is not gone counts up to the end of the period",
        ), longest, Basis(exposed or ends), "" if longest else none,
    )  # fmt: skip
    yield time(
        Name(
            "access.exposure.total", "Time access outlived its end, all places",
            "sum over places of (seen gone, or ended by the target itself - planned end)",
        ), total, Basis(exposed or ends, f"at {plural(len(exposed), 'place')}" if exposed else ""),
        "" if total else none,
    )  # fmt: skip


@ACCESS.method("F12b", 1)
def emergencies(ground: Ground) -> Iterator[Figure]:
    """Access taken in an emergency.

    Formula: grants taken without waiting for a yes in the period, and earlier ones that nobody had
        reviewed when it began
    Unit: grants
    Source: the grants of the ledger
    Not for: blame: an emergency that was reviewed is the rule at work
    """
    if ground.evidence.access is None:
        return
    found = ground.evidence.access.emergencies
    states = [review_state(one, ground.period) for one in found]
    words = (("done", "reviewed"), ("open", "to be reviewed"), ("overdue", "overdue"))
    note = ", ".join(f"{states.count(name)} {word}" for name, word in words if name in states)
    name = Name("access.emergencies", "Access taken in an emergency")
    yield count(name, len(found), Basis(found, note))


@ACCESS.method("F12c", 1)
def reviews(ground: Ground) -> Iterator[Figure]:
    """Reviews of all access that is held.

    Formula: review campaigns that were closed in the period; open ones are in the note
    Unit: campaigns
    Source: the reviews of the ledger
    Not for: how carefully anybody looked
    """
    if ground.evidence.access is None:
        return
    found = ground.evidence.access.reviews
    closed = sum(one.closed_at is not None for one in found)
    note = f"{len(found) - closed} not closed" if len(found) > closed else ""
    yield count(Name("access.reviews", "Reviews of all access held"), closed, Basis(found, note))


def review_state(one: EmergencyEvidence, period: Interval) -> str:
    """Return whether somebody looked at an emergency afterwards: done, open or overdue."""
    if one.reviewed_at is not None:
        return "done"
    return "overdue" if one.review_due is not None and one.review_due < period.end else "open"
