"""How often each shift of a rota was called. Pure, and never of a person: shifts are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from opskit.alerts.routing.plan import Plan
from opskit.core.clock import Instant
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Call:
    """A message that called a human: `told` are the destinations it went to."""

    at: Instant
    told: frozenset[str]
    after_hours: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How often the shifts of a rota were called, one number of `calls` a shift, oldest first.

    `limit` is how many calls of one shift its owner finds bearable; None where that is not said.
    """

    rota: str
    calls: tuple[int, ...]
    after_hours: int
    limit: int | None

    @property
    def total(self) -> int:
        """Return the calls of all shifts."""
        return sum(self.calls)

    @property
    def each(self) -> Fraction | None:
        """Return the calls per shift; None where there was no shift."""
        return Fraction(self.total, len(self.calls)) if self.calls else None

    @property
    def over(self) -> int:
        """Return how many shifts were called more often than the limit."""
        return 0 if self.limit is None else sum(one > self.limit for one in self.calls)


def loads(plan: Plan, calls: Sequence[Call], period: Interval) -> tuple[Load, ...]:
    """Return the load of each rota in a period, by the rotas as they are written now.

    Shifts are cut at the ends of the period: no call is counted in two of them. Whoever is on call
    without ever handing over has one shift. A call is a rota's where it went to all that a receiver
    with that rota reached at its time; one may be of several rotas.
    """
    return tuple(_load(plan, name, calls, period) for name in plan.duties)


def _load(plan: Plan, name: str, calls: Sequence[Call], period: Interval) -> Load:
    shifts = [one.interval for one in plan.duties[name].shifts(period)]
    receivers = [one.name for one in plan.routes.receivers if one.rota == name]
    own = [
        one
        for one in calls
        if any(plan.recipients(receiver, one.at) <= one.told for receiver in receivers)
    ]
    within = [[one for one in own if shift.holds(one.at)] for shift in shifts]
    limit = next(one.most_calls for one in plan.routes.rotas if one.name == name)
    return Load(
        rota=name,
        calls=tuple(map(len, within)),
        after_hours=sum(one.after_hours for some in within for one in some),
        limit=limit,
    )
