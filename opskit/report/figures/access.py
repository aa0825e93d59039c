"""Access: how long people wait (F7), what was taken away (F12), and what both rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from statistics import median

from opskit.core.clock import HOUR, MINUTE, format_duration
from opskit.core.evidence import (
    AccessEvidence,
    ArrivalEvidence,
    DepartureEvidence,
    EmergencyEvidence,
    GrantEvidence,
    UseEvidence,
    recorded,
)
from opskit.core.interval import Interval
from opskit.core.leadtime import Curve, curve
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, time
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.process import Scale
from opskit.report.statistics.waits import median_between

ACCESS = Methods()
# Taking away what ends before its time needs a run over its targets: so much is allowed for it.
ON_TIME = MINUTE
_NINE_OF_TEN = Fraction(9, 10)


@ACCESS.method("F7a", 1, Comparing(Scale.PLAIN, Better.NEITHER, Per.DAY))
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


@ACCESS.method("F7", 1, Comparing(Scale.LOGARITHMIC, Better.LOWER, Per.MONTH))
def lead_time(ground: Ground) -> Iterator[Figure]:
    """Time from request to usable access.

    Formula: shortest time within which half could use what they asked for, by Kaplan and Meier's
        product-limit estimate: what was not usable by the end of the period counts as waiting until
        then; from the request, or the start it asked for; denied, withdrawn and lapsed requests,
        emergencies and extensions are left out; 90 % interval of Brookmeyer and Crowley from five
        that are over
    Unit: microseconds
    Source: core/leadtime.py; requests and grants of the ledger
    Not for: the speed of single approvers; read it beside what was refused and what was too broad
    """
    name = Name("access.lead_time", "From request to usable access, median")
    if ground.evidence.access is None:
        why = ground.evidence.not_configured.get("access", "no access is recorded anywhere")
        nothing = Basis((), why, Tag.DERIVED)
        yield missing(name, "microseconds", Presence.NOT_CONFIGURED, "not configured", nothing)
        return
    counted = [(one, one.wait(ground.period.end)) for one in ground.evidence.access.requests]
    estimate = curve(wait for _, wait in counted if wait is not None)
    median, most = estimate.median, estimate.quantile(_NINE_OF_TEN)
    asked = plural(estimate.count, "request")
    note = f"{asked}, {estimate.still or 'none'} still open"
    if most is not None:
        note += f"; nine of ten within {format_duration(most)}"
    basis = Basis([one for one, wait in counted if wait is not None], note, Tag.DERIVED)
    if not basis.rows:
        none = Basis((), "", Tag.DERIVED)
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "none asked", none)
    elif median is None:
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, "not reached", basis)
    else:
        yield time(name, median, replace(basis, bounds=_between(estimate)))


def _between(estimate: Curve) -> Bounds | None:
    found = median_between(estimate)
    if found is None:
        return None
    low, high = found
    most = "no end to be told" if high is None else format_duration(high)
    edge = "" if high is None else str(high)
    return Bounds(str(low), edge, f"{format_duration(low)} to {most}", "90 % interval")


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


@ACCESS.method("F12", 2)
def standing_removed(ground: Ground) -> Iterator[Figure]:
    """Access that was taken away before anybody would have asked about it.

    Formula: sum over grants ended in the period before their time, per level of risk, of (the first
        of next review, holder leaving, planned end and end of the period) - ended; access taken in
        an emergency is left out, and levels are never added up
    Unit: grant-hours, as microseconds
    Source: grants and their ends in the ledger
    Not for: breaches prevented, or money
    """
    if ground.evidence.access is None:
        return
    early = taken_early(ground)
    for level in sorted({one.level for one in early}):
        rows = [one for one in early if one.level == level]
        total = sum(spared(one, ground.period) for one in rows)
        risk = f", {level} risk" if level else ""
        name = Name(f"access.removed.{level or 'unrated'}", f"Access taken away early{risk}")
        note = plural(len(rows), "grant")
        yield time(name, total, Basis(rows, note, Tag.DERIVED), f"{total // HOUR:,} grant-hours")


def taken_early(ground: Ground) -> list[GrantEvidence]:
    """Return the grants that ended early in the period; emergencies are short by nature."""
    found = ground.evidence.access or AccessEvidence()
    short = {one.grant for one in found.emergencies}
    rows = {one.name: one for one in found.grants if spared(one, ground.period) > 0}
    return [one for name, one in rows.items() if name not in short]


def spared(one: GrantEvidence, period: Interval) -> int:
    """Return for how long it would have stayed, as far as anybody can say."""
    if one.ended_at is None or not period.start <= one.ended_at < period.end:
        return 0
    known = (one.review_due, one.leaves_at, one.ends_at, period.end)
    return min(at for at in known if at is not None) - one.ended_at


@ACCESS.method("F12d", 1)
def leftovers(ground: Ground) -> Iterator[Figure]:
    """Access that people still had after they left, and the wait of those who came.

    Formula: (last access seen gone - left), longest and median; (all in place - first day), median;
        what is not gone, or not in place, counts up to the end of the period
    Unit: microseconds
    Source: on- and offboardings of the ledger
    Not for: harm done with it
    """
    if ground.evidence.access is None:
        return
    end = ground.period.end
    left = [(max(0, (one.gone_at or end) - one.left_at), one) for one in _left(ground)]
    came = [(max(0, (one.ready_at or end) - one.starts_at), one) for one in _came(ground)]
    if left:
        rows, lengths = [one for _, one in left], [length for length, _ in left]
        still = sum(one.gone_at is None for one in rows)
        note = f"median {format_duration(int(median(lengths)))}, n = {len(rows)}"
        basis = Basis(rows, f"{note}; {still} not gone" if still else note)
        title = "Longest time access was left after somebody left"
        yield time(Name("access.leftover.max", title), max(lengths), basis)
    if came:
        newcomers, waits = [one for _, one in came], [length for length, _ in came]
        lacking = sum(one.ready_at is None for one in newcomers)
        said = f"n = {len(newcomers)}" + (f", {lacking} not ready" if lacking else "")
        title = "From the first day to all in place, median"
        name = Name("access.ready.median", title)
        yield time(name, int(median(waits)), Basis(newcomers, said))


@ACCESS.method("F12e", 1)
def privileged_use(ground: Ground) -> Iterator[Figure]:
    """Privileged use: commands through sudo, and logins by SSH.

    Formula: sum over days of the lines by which sudo tells of a command that it ran, and sshd of a
        login; of hosts whose imported logs cover the whole period
    Unit: commands, and logins
    Source: logs of sudo and sshd, as they were imported
    Not for: what single persons did, or whether it was right; hosts whose logs were not imported
    """
    desk = ground.evidence.desk
    if recorded(desk, "commands"):
        yield _used(Name("access.used.sudo", "Commands run through sudo"), desk.commands)
    if recorded(desk, "logins"):
        yield _used(Name("access.used.login", "Logins by SSH"), desk.logins)


def _used(name: Name, rows: tuple[UseEvidence, ...]) -> Figure:
    total = sum(one.times for one in rows)
    if not total:
        return count(name, 0, Basis(rows), "none seen")
    days = len({one.at for one in rows})
    ours = sum(one.granted for one in rows)
    unknown = sum(one.times for one in rows if not one.team)
    said = [f"imported; on {plural(days, 'day')}", f"{total - ours:,} by no grant of opskit"]
    said += [f"{unknown:,} by accounts whose team is not known"] if unknown else []
    return count(name, total, Basis(rows, "; ".join(said)), f"{total:,}")


def _left(ground: Ground) -> list[DepartureEvidence]:
    rows = ground.evidence.access.departures if ground.evidence.access else ()
    return [one for one in rows if one.left_at < ground.period.end]


def _came(ground: Ground) -> list[ArrivalEvidence]:
    rows = ground.evidence.access.arrivals if ground.evidence.access else ()
    return [one for one in rows if one.starts_at < ground.period.end]


def review_state(one: EmergencyEvidence, period: Interval) -> str:
    """Return whether somebody looked at an emergency afterwards: done, open or overdue."""
    if one.reviewed_at is not None:
        return "done"
    return "overdue" if one.review_due is not None and one.review_due < period.end else "open"
