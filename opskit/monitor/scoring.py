"""What became of forecasts: right, late, false; and the thresholds that none foresaw. Pure."""

from __future__ import annotations

from enum import StrEnum

from opskit.core.clock import HOUR, Instant
from opskit.monitor.forecast import Goal
from opskit.monitor.season import Points


class Outcome(StrEnum):
    """What became of a forecast; `MISSED` is a threshold that was reached without one."""

    RIGHT = "right"
    LATE = "late"
    FALSE = "false"
    MISSED = "missed"


# Who is told less than this ahead can do little.
LEAD = HOUR


def judged(
    made_at: Instant, expected_at: Instant, points: Points, goal: Goal, now: Instant
) -> tuple[Outcome, Instant] | None:
    """Return what became of a forecast and when that was known; nothing while it is open.

    It has as long again as it had looked ahead, at least an hour, before it was false.
    """
    reached = next((at for at, value in points if at > made_at and goal.reached(value)), None)
    if reached is not None:
        return (Outcome.RIGHT if reached - made_at >= LEAD else Outcome.LATE), reached
    until = expected_at + max(HOUR, expected_at - made_at)
    return (Outcome.FALSE, now) if now >= until else None


def crossed(points: Points, goal: Goal) -> Instant | None:
    """Return when a number, in order, reached the threshold beyond which it is now.

    Nothing where it is not, or was not under it for the hour before.
    """
    if not points or not goal.reached(points[-1][1]):
        return None
    under = next((at for at, value in reversed(points) if not goal.reached(value)), None)
    if under is None:
        return None
    at = next(at for at, _ in points if at > under)
    before = [value for when, value in points if at - HOUR <= when < at]
    began = points[0][0] <= at - HOUR
    return at if began and before and not any(map(goal.reached, before)) else None
