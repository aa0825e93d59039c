"""The report's section about access: asked, given, taken away in time, looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from opskit.core.clock import MINUTE, format_duration
from opskit.core.evidence import (
    AccessEvidence,
    EmergencyEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
)
from opskit.core.interval import Interval
from opskit.core.leadtime import curve
from opskit.core.text import plural
from opskit.report.model import AccessSection, EmergencyRow, Figure, LateRow, ReviewRow, Tag

# Taking away what ends before its time needs a run over its targets: so much is allowed for it.
_ON_TIME = MINUTE
_NINE_OF_TEN = Fraction(9, 10)


class _Referred(Protocol):
    @property
    def refs(self) -> tuple[int, ...]: ...


def _refs(rows: Iterable[_Referred]) -> tuple[int, ...]:
    return tuple(sorted({ref for row in rows for ref in row.refs}))


@dataclass(frozen=True, slots=True)
class _Told:
    """What is printed of a figure, and the rows it was made from."""

    value: str
    display: str
    note: str
    rows: Sequence[_Referred]


def access_figures(found: AccessEvidence, period: Interval) -> tuple[Figure, ...]:
    """Return every figure about access, in reading order."""
    return (
        *_request_figures(found),
        _lead_time(found.requests, period),
        *_revocation_figures(found.revocations),
        _emergencies(found.emergencies, period),
        _reviews(found.reviews),
    )


def _figure(name: str, title: str, unit: str, formula: str, told: _Told) -> Figure:
    tag = Tag.DERIVED if name == "lead_time" else Tag.MEASURED
    return Figure(
        f"access.{name}", title, told.value, unit, told.display, tag, formula, told.note,
        _refs(told.rows),
    )  # fmt: skip


def _request_figures(found: AccessEvidence) -> tuple[Figure, ...]:
    asked = found.requests
    by_files = [one for one in found.refusals if one.kind == "request.refused"]
    outcomes = [one.outcome for one in asked]
    granted, denied = outcomes.count("approved"), outcomes.count("denied")
    refused = denied + len(by_files)
    left = [
        f"{outcomes.count(name)} {name}" for name in ("withdrawn", "lapsed") if name in outcomes
    ]
    waiting = outcomes.count("pending")
    return (
        _figure(
            "asked", "Requests for access", "count",
            "requests written in the period, those that the files refused at once left out",
            _Told(str(len(asked)), str(len(asked)), "", asked),
        ),
        _figure(
            "approved", "Requests approved", "count",
            "requests of the period that were approved by its end",
            _Told(
                str(granted), f"{granted} of {len(asked)}" if asked else "none asked",
                ", ".join([*([f"{waiting} waiting for a decision"] if waiting else []), *left]),
                [one for one in asked if one.outcome == "approved"],
            ),
        ),
        _figure(
            "refused", "Requests refused", "count",
            "requests that the files refused at once, and requests of the period that were denied",
            _Told(
                str(refused), str(refused),
                f"{len(by_files)} by the files, {denied} by approvers" if refused else "",
                [*by_files, *(one for one in asked if one.outcome == "denied")],
            ),
        ),
    )  # fmt: skip


def _lead_time(asked: Sequence[RequestEvidence], period: Interval) -> Figure:
    counted = [(one, one.wait(period.end)) for one in asked]
    estimate = curve(wait for _, wait in counted if wait is not None)
    median, most = estimate.median, estimate.quantile(_NINE_OF_TEN)
    shown = "not reached" if median is None else format_duration(median)
    note = f"n = {estimate.count}, of which {estimate.still} still open"
    if most is not None:
        note += f"; nine of ten within {format_duration(most)}"
    rows = [one for one, wait in counted if wait is not None]
    told = _Told("" if median is None else str(median), shown, note, rows)
    return _figure(
        "lead_time", "From request to usable access, median", "microseconds",
        "shortest time within which half could use what they asked for, by Kaplan and Meier's "
        "product-limit estimate: what was not usable by the end of the period counts as waiting "
        "until then; from the request, or the start it asked for; denied, withdrawn and lapsed "
        "requests, emergencies and extensions are left out",
        told if rows else _Told("", "none asked", "", ()),
    )  # fmt: skip


def _revocation_figures(ends: Sequence[RevocationEvidence]) -> tuple[Figure, ...]:
    on_time = [one for one in ends if one.gone_at is not None and one.exposure <= _ON_TIME]
    still = sum(one.gone_at is None for one in ends)
    exposed = [one for one in ends if one.exposure]
    longest = max((one.exposure for one in ends), default=0)
    total = sum(one.exposure for one in ends)
    none = "none seen" if ends else "none due"
    return (
        _figure(
            "revoked_on_time", "Access gone on time", "count",
            "places at which a grant was seen gone, or ended by the target itself, within a minute "
            "of its planned end; of all at which one was to be gone by the end of the period",
            _Told(
                str(len(on_time)), f"{len(on_time)} of {len(ends)}" if ends else "none due",
                f"{still} not seen gone" if still else "", ends,
            ),
        ),
        _figure(
            "exposure.max", "Longest time access outlived its end", "microseconds",
            "largest (seen gone, or ended by the target itself - planned end) at one place; what "
            "is not gone counts up to the end of the period",
            _Told(str(longest), format_duration(longest) if longest else none, "", exposed or ends),
        ),
        _figure(
            "exposure.total", "Time access outlived its end, all places", "microseconds",
            "sum over places of (seen gone, or ended by the target itself - planned end)",
            _Told(
                str(total), format_duration(total) if total else none,
                f"at {plural(len(exposed), 'place')}" if exposed else "", exposed or ends,
            ),
        ),
    )  # fmt: skip


def _emergencies(found: Sequence[EmergencyEvidence], period: Interval) -> Figure:
    states = [_review_state(one, period) for one in found]
    note = ", ".join(
        f"{states.count(name)} {word}"
        for name, word in (("done", "reviewed"), ("open", "to be reviewed"), ("overdue", "overdue"))
        if name in states
    )
    return _figure(
        "emergencies", "Access taken in an emergency", "count",
        "grants taken without waiting for a yes in the period, and earlier ones that nobody had "
        "reviewed when it began",
        _Told(str(len(found)), str(len(found)), note, found),
    )  # fmt: skip


def _reviews(found: Sequence[ReviewEvidence]) -> Figure:
    closed = sum(one.closed_at is not None for one in found)
    return _figure(
        "reviews", "Reviews of all access held", "count",
        "review campaigns that were closed in the period; open ones are in the note",
        _Told(
            str(closed), str(closed),
            f"{len(found) - closed} not closed" if len(found) > closed else "", found,
        ),
    )  # fmt: skip


def _review_state(one: EmergencyEvidence, period: Interval) -> str:
    if one.reviewed_at is not None:
        return "done"
    return "overdue" if one.review_due is not None and one.review_due < period.end else "open"


def sentence(found: AccessEvidence, by_id: dict[str, Figure]) -> str:
    """Return what a manager needs to know of access; nothing where nothing happened."""
    parts = []
    if found.requests:
        asked, approved = len(found.requests), by_id["access.approved"].value
        were = "was" if asked == 1 else "were"
        parts.append(f"{approved} of {plural(asked, 'request')} for access {were} approved")
        if by_id["access.lead_time"].value:
            parts.append(f"half could use it within {by_id['access.lead_time'].display}")
    still = sum(one.gone_at is None for one in found.revocations)
    if still:
        were = "place is" if still == 1 else "places are"
        parts.append(f"{still} {were} not known to be rid of access that ended")
    return "; ".join(parts) + "." if parts else ""


def section(found: AccessEvidence, period: Interval) -> AccessSection:
    """Return the rows of the section: what was late, taken in an emergency, looked at."""
    late = [one for one in found.revocations if one.gone_at is None or one.exposure > _ON_TIME]
    return AccessSection(
        tuple(_late(one) for one in sorted(late, key=lambda one: -one.exposure)),
        tuple(
            EmergencyRow(
                one.grant, one.person, one.role, one.reason, one.opened_at,
                _review_state(one, period), one.reviewed_by, one.refs,
            )
            for one in found.emergencies
        ),
        tuple(
            ReviewRow(one.name, one.opened_at, one.closed_at, _said(one), one.refs)
            for one in found.reviews
        ),
    )  # fmt: skip


def _late(one: RevocationEvidence) -> LateRow:
    return LateRow(
        one.grant, one.person, one.place, one.planned_end, one.gone_at,
        format_duration(one.exposure), one.reason, one.refs,
    )  # fmt: skip


def _said(one: ReviewEvidence) -> str:
    counts = (
        (one.kept, f"kept ({one.by_themselves} by themselves)" if one.by_themselves else "kept"),
        (one.revoked, "revoked"),
        (one.suspended, "suspended"),
        (one.unanswered, "not answered"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to look at"
