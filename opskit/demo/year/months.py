"""What was known of the year at the end of each month, as the slices would have told it then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TypeVar

from opskit.core.clock import NOTHING, Duration, Instant
from opskit.core.evidence import Evidence, RevocationEvidence, ServiceEvidence
from opskit.core.evidence.rows import UNRECORDED, Rows
from opskit.core.interval import Interval, State, clip

T = TypeVar("T")
G = TypeVar("G", bound=Rows)

# When each kind of row begins, by the first of these names that it has a value for.
_BEGINS = (
    "started_at", "detected_at", "asked_at", "approved_at", "planned_end", "opened_at",
    "starts_at", "left_at", "warned_at", "acted_at", "renewed_at", "frozen_at", "spotted_at",
    "failed_at", "at",
)  # fmt: skip
# When it is over, and of no concern to later months: the first that it has.
_ENDS = {
    "GrantEvidence": "ended_at",
    "RevocationEvidence": "gone_at",
    "ReviewEvidence": "closed_at",
    "DriftEvidence": "fixed_at",
    "IncidentEvidence": "resolved_at",
    "PredictionEvidence": "closed_at",
    "RiskEvidence": "closed_at",
    "WantedEvidence": "until",
    "OutcomeEvidence": "due_at",
    "HandoverEvidence": "accepted_at",
}
# These are told once, in the month they belong to, with what is known of them at its end.
_LATER = frozenset(
    {
        "resolved_at", "acknowledged_at", "fixed_at", "ended_at", "gone_at", "closed_at",
        "usable_at", "reviewed_at", "ready_at", "done_at", "accepted_at", "mitigated_at",
        "failed_at", "acted_at",
    }
)  # fmt: skip


def known(whole: Evidence, period: Interval) -> Evidence:
    """Return what can be said of services and hosts in a month, at its end."""
    return replace(
        whole,
        services=tuple(_service(one, period) for one in whole.services),
        drifts=_rows(whole.drifts, period),
        runs=_rows(whole.runs, period),
        hosts=_rows(whole.hosts, period),
    )


def group_known(group: G, period: Interval) -> G:
    """Return what a group can say of a month, at its end."""
    kinds = {one.name for one in fields(group)} - {UNRECORDED}  # type: ignore[arg-type]  # a dataclass
    return replace(  # type: ignore[type-var]  # the same
        group, **{name: _rows(getattr(group, name), period) for name in kinds}
    )


def _service(one: ServiceEvidence, period: Interval) -> ServiceEvidence:
    timeline = clip(one.timeline, period)
    outage = any(part.state in {State.DOWN, State.DEGRADED} for part in timeline)
    blips = tuple(blip for blip in one.blips if period.start <= blip.at < period.end)
    refs = tuple(sorted({*one.refs, *(ref for part in timeline for ref in part.refs)}))
    edge = one.edge if outage else NOTHING
    return replace(one, timeline=timeline, blips=blips, edge=edge, refs=refs)


def _rows(rows: Iterable[T], period: Interval) -> tuple[T, ...]:
    return tuple(_seen(one, period.end) for one in rows if _within(one, period))


def _within(row: object, period: Interval) -> bool:
    start = _begin(row)
    if start is None:
        return False
    end = _ENDS.get(type(row).__name__)
    if end is None:
        return period.start <= start < period.end
    over = getattr(row, end)
    return start < period.end and (over is None or over >= period.start)


def _begin(row: object) -> Instant | None:
    """Return when a row begins; None for what a month counts as a whole."""
    if hasattr(row, "period"):
        begun: Instant = row.period.start
        return begun
    found = (getattr(row, name, None) for name in _BEGINS)
    return next((one for one in found if one is not None), None)


def _seen(row: T, end: Instant) -> T:
    ahead = {
        one.name: None
        for one in fields(row)  # type: ignore[arg-type]  # rows are dataclasses
        if one.name in _LATER and (getattr(row, one.name) or 0) >= end
    }
    known_now = replace(row, **ahead) if ahead else row  # type: ignore[type-var]  # the same
    if isinstance(known_now, RevocationEvidence):
        last = known_now.gone_at or end
        return replace(known_now, exposure=Duration(max(0, last - known_now.planned_end)))
    return known_now
