"""Error budgets: what may be lost, what is left of it, and how fast it goes. Pure.

Budget = (1 - objective) x time in service over the objective's own window; spent is what was down,
and what degraded time lost, confirmed failures only. Burn rate over a window = share lost in it
/ (1 - objective): at 1 the budget lasts exactly its window (Google's SRE workbook, chapter 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.calendar import spans
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant
from opskit.core.interval import Interval, State, Stretch, Timeline, clip, overlay, totals
from opskit.monitor.catalogue import Objective
from opskit.monitor.policy import OPSKIT, Policy

# The windows of the usual multi-window rules.
BURN_WINDOWS: Mapping[str, Duration] = {
    "5m": Duration(5 * MINUTE),
    "30m": Duration(30 * MINUTE),
    "1h": HOUR,
    "2h": Duration(2 * HOUR),
    "6h": Duration(6 * HOUR),
    "1d": DAY,
    "3d": Duration(3 * DAY),
}


@dataclass(frozen=True, slots=True)
class Budget:
    """An objective's budget now; times in microseconds, weighted where the objective weighs.

    `allowed` is for the whole window, of which some may lie ahead; `exhausted_at` is when it is
    spent if all goes on as in the window so far, nothing where it lasts to the end.
    """

    objective: Objective
    window: Interval
    allowed: int
    spent: int
    unknown: int
    exhausted_at: Instant | None

    @property
    def left(self) -> int:
        """Return what may still be lost; negative once it is overspent."""
        return self.allowed - self.spent

    @property
    def left_ratio(self) -> Fraction | None:
        """Return the share that is left; nothing where nothing may be lost."""
        return Fraction(self.left, self.allowed) if self.allowed else None


def budget(
    objective: Objective,
    window: Interval,
    timeline: Timeline,
    ahead: Timeline,
    zone: ZoneInfo,
    policy: Policy = OPSKIT,
) -> Budget:
    """Return the budget of an objective over `window`.

    `timeline` is what happened of it so far, `ahead` what is planned for the rest: the times out
    of service hours and the maintenance in it are not in the budget.
    """
    weights = _Weights.of(objective, window, zone)
    known, rest = weights.totals(timeline), weights.totals(ahead)
    in_service = known.in_scope + rest.in_scope
    allowed = int((1 - objective.availability) * in_service)
    spent = known.lost(policy)
    return Budget(
        objective,
        window,
        allowed,
        spent,
        known.unknown,
        _exhausted(timeline, allowed, spent, window),
    )


def _exhausted(timeline: Timeline, allowed: int, spent: int, window: Interval) -> Instant | None:
    if not spent or not timeline:
        return None
    now = timeline[-1].end
    if spent >= allowed:
        return now
    at = now + (allowed - spent) * (now - timeline[0].start) // spent
    return Instant(at) if at < window.end else None


def burn_rates(
    objective: Fraction, timeline: Timeline, policy: Policy = OPSKIT
) -> Mapping[str, Fraction | None]:
    """Return the burn rate over each of `BURN_WINDOWS` up to the timeline's end.

    Nothing where nothing was known of a window, or nothing may be lost.
    """
    if not timeline or objective == 1:
        return dict.fromkeys(BURN_WINDOWS)
    end = timeline[-1].end
    rates: dict[str, Fraction | None] = {}
    for name, length in BURN_WINDOWS.items():
        time = totals(clip(timeline, Interval(Instant(max(0, end - length)), end)))
        lost = time.down + int((1 - policy.degraded) * time.degraded)
        rates[name] = Fraction(lost, time.known) / (1 - objective) if time.known else None
    return rates


@dataclass(frozen=True, slots=True)
class _Weighted:
    """Time by what it was, each minute times its weight."""

    in_scope: int
    unknown: int
    down: int
    degraded: int

    def lost(self, policy: Policy) -> int:
        return self.down + int((1 - policy.degraded) * self.degraded)


@dataclass(frozen=True, slots=True)
class _Weights:
    """When a minute counts for how much; one, where nothing is said."""

    parts: Sequence[tuple[Interval, int]]

    @classmethod
    def of(cls, objective: Objective, window: Interval, zone: ZoneInfo) -> _Weights:
        own = objective.timezone or zone
        return cls([
            (span, hours.weight)
            for hours in objective.weighted
            for span in spans([hours.hours], window, own)
        ])  # fmt: skip

    def totals(self, timeline: Timeline) -> _Weighted:
        plain = totals(timeline)
        sums = {"in_scope": plain.in_scope, "unknown": plain.unknown, "down": plain.down}
        sums["degraded"] = plain.degraded
        for span, weight in self.parts:
            inside = totals(clip(timeline, span))
            for name in sums:
                sums[name] += (weight - 1) * getattr(inside, name)
        return _Weighted(**sums)


def unspent(window: Interval, now: Instant, left_out: Sequence[Stretch]) -> Timeline:
    """Return the part of a window that lies ahead, as if it went well, without what is left out."""
    if now >= window.end:
        return ()
    ahead = Interval(now, window.end)
    good = Stretch(now, window.end, State.UP)
    return overlay((good,), clip(left_out, ahead))
