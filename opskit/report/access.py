"""The report's section about access, besides its figures. Pure."""

from __future__ import annotations

from opskit.core.clock import format_duration
from opskit.core.evidence import AccessEvidence, ReviewEvidence, RevocationEvidence
from opskit.core.interval import Interval
from opskit.core.text import plural
from opskit.report.figures.access import ON_TIME, review_state
from opskit.report.model import AccessSection, EmergencyRow, Figure, LateRow, ReviewRow


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
    late = [one for one in found.revocations if one.gone_at is None or one.exposure > ON_TIME]
    return AccessSection(
        tuple(_late(one) for one in sorted(late, key=lambda one: -one.exposure)),
        tuple(
            EmergencyRow(
                one.grant, one.person, one.role, one.reason, one.opened_at,
                review_state(one, period), one.reviewed_by, one.refs,
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
