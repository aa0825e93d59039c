"""Figures that must not get worse beside a claim, and whether the months before show it too. Pure.

What is won on one side must not be lost on the other: a shorter wait for access beside more
refusals, more convergence beside more failed runs.
"""

from __future__ import annotations

from collections.abc import Callable

from opskit.core.evidence import DeskEvidence, WarningEvidence, recorded
from opskit.core.interval import availability
from opskit.report.claims.candidate import Kind
from opskit.report.figures.access import ON_TIME, taken_early
from opskit.report.figures.episodes import put_right
from opskit.report.figures.renewals import renewed_in_time
from opskit.report.figures.warnings import acted_on
from opskit.report.figures.work import used_again
from opskit.report.ground import Ground
from opskit.report.statistics.process import Change, Scale, compare

Measure = Callable[[Ground], float | None]
Happened = Callable[[Ground], object]
# Of so many months before, so many must show the same for it to be no one-off.
RECENT, LASTING = 3, 2


def is_worse(measure: Measure, ground: Ground) -> bool | None:
    """Return whether a counter-figure is more than the months before vary; None: nobody can say."""
    now = measure(ground)
    if not now:
        return None if now is None else False
    history = [value for one in ground.past if (value := measure(ground.at(one))) is not None]
    change = compare(history, now, Scale.PLAIN)
    return None if change is Change.TOO_FEW else change is Change.HIGHER


def months_like(kind: Kind, ground: Ground) -> int | None:
    """Return how many of the three months before show the same; None where that says nothing."""
    happened = _HAPPENED.get(kind)
    if happened is None:
        return None
    return sum(bool(happened(ground.at(one))) for one in ground.past[-RECENT:])


def _late(ground: Ground) -> float | None:
    access = ground.evidence.access
    if access is None:
        return None
    return float(sum(one.gone_at is None or one.exposure > ON_TIME for one in access.revocations))


def _refused(ground: Ground) -> float | None:
    access = ground.evidence.access
    return None if access is None else float(len(access.refusals))


def _failed_runs(ground: Ground) -> float | None:
    runs = ground.evidence.runs
    return sum(one.state != "finished" for one in runs) / len(runs) if runs else None


def _false_warnings(ground: Ground) -> float | None:
    told = ground.evidence.warnings
    if not recorded(told, "predictions", "acted"):
        return None
    quiet = (one for one in told.predictions if one.acted_at is None and one.failed_at is None)
    return float(sum(one.closed_at is not None for one in quiet))


def _ran_out(ground: Ground) -> float | None:
    told = ground.evidence.warnings
    if not recorded(told, "renewals"):
        return None
    return float(sum(one.missed(ground.period.end) for one in told.renewals))


def _unwatched(ground: Ground) -> float | None:
    times = [availability(one.timeline).totals for one in ground.evidence.services]
    whole = sum(one.in_scope for one in times)
    return sum(one.unknown for one in times) / whole if whole else None


def _again(ground: Ground) -> float | None:
    if not recorded(ground.evidence.desk, "incidents"):
        return None
    seen = [one.fingerprint for one in ground.evidence.desk.incidents if one.fingerprint]
    return float(len(seen) - len(set(seen)))


_FAILED_RUNS, _REFUSED = ("failed runs", _failed_runs), ("refusals", _refused)
_LATE, _UNWATCHED = ("access that outlived its end", _late), ("time not watched", _unwatched)
_FALSE = ("warnings that came to nothing", _false_warnings)
COUNTERS: dict[Kind, tuple[tuple[str, Measure], ...]] = {
    Kind.REPLAY: (_FALSE,),
    Kind.WARNINGS: (_FALSE,),
    Kind.RENEWALS: (("what ran out in service", _ran_out),),
    Kind.DRIFT: (_FAILED_RUNS,),
    Kind.ACCESS: (_LATE, _REFUSED),
    Kind.HAND_WORK: (_FAILED_RUNS, _LATE, _REFUSED),
    Kind.FIXES: (("incidents of one kind again", _again),),
    Kind.RATE: (_UNWATCHED,),
    Kind.DOWNTIME: (_UNWATCHED,),
    Kind.QUIET: (_UNWATCHED,),
}
# Figures that may not be told to be worse than before beside a claim.
BESIDE: dict[Kind, tuple[str, ...]] = {
    Kind.ACCESS: ("access.lead_time",),
    Kind.HAND_WORK: ("access.lead_time",),
    Kind.RATE: ("incidents.restore",),
}
_HAPPENED: dict[Kind, Happened] = {
    Kind.REPLAY: lambda ground: (ground.evidence.warnings or WarningEvidence()).trends,
    Kind.WARNINGS: acted_on,
    Kind.RENEWALS: renewed_in_time,
    Kind.DRIFT: put_right,
    Kind.ACCESS: taken_early,
    Kind.HAND_WORK: lambda ground: (ground.evidence.desk or DeskEvidence()).automated,
    Kind.FIXES: used_again,
}
