"""The report's section about access, besides its figures. Pure."""

from __future__ import annotations

from opskit.core.clock import format_duration
from opskit.core.evidence import AccessEvidence, ReviewEvidence, RevocationEvidence
from opskit.core.interval import Interval
from opskit.report.figures.access import ON_TIME, review_state
from opskit.report.model import AccessSection, EmergencyRow, LateRow, ReviewRow


def section(found: AccessEvidence, period: Interval) -> AccessSection:
    """Return the rows of the section: what was late, taken in an emergency, looked at."""
    late = [one for one in found.revocations if one.gone_at is None or one.exposure > ON_TIME]
    return AccessSection(
        tuple(_late(one) for one in sorted(late, key=lambda one: -one.exposure)),
        tuple(
            EmergencyRow(
                one.grant, one.team, one.role, one.opened_at, review_state(one, period), one.refs
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
        one.grant, one.team, one.place, one.planned_end, one.gone_at,
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
