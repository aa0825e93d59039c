"""`monitor objectives`: every promise, what it may still lose, and how fast it loses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant, format_duration, iso
from opskit.core.errors import ExitCode, worst
from opskit.core.interval import Interval, clip, percent, totals
from opskit.monitor.budget import BURN_WINDOWS, Budget, burn_rates
from opskit.monitor.catalogue import Catalogue, Objective
from opskit.monitor.uptime import Past
from opskit.monitor.windows import window_of


@dataclass(frozen=True, slots=True)
class Standing:
    """How a promise stands. `observed`: something was known of its window."""

    service: str
    owner: str
    budget: Budget
    burn: Mapping[str, Fraction | None]
    observed: bool

    @property
    def exit_code(self) -> ExitCode:
        """Return what a look at it ends with."""
        if self.budget.left < 0:
            return ExitCode.FINDINGS
        return ExitCode.OK if self.observed else ExitCode.UNDETERMINED


def window(catalogue: Catalogue, now: Instant, zone: ZoneInfo, names: Collection[str]) -> Interval:
    """Return the time that all promises of these services, and their burn rates, look back on."""
    starts = [
        window_of(promise, now, catalogue.timezone or zone).start
        for name in names
        for promise in catalogue.services[name].promises
    ]
    start = min([now - max(BURN_WINDOWS.values()), *starts])
    return Interval(Instant(max(0, start)), now)


def standings(past: Past, names: Collection[str]) -> tuple[Standing, ...]:
    """Return how every promise of these services stands at the end of what was read."""
    return tuple(one for name in names for one in _of_service(past, name, past.window.end))


def _of_service(past: Past, name: str, now: Instant) -> list[Standing]:
    found = past.uptime(name)
    timeline = found.timeline
    return [
        Standing(
            name,
            found.owner,
            budget,
            burn_rates(budget.objective.availability, timeline),
            totals(clip(timeline, budget.window)).known > 0,
        )
        for budget in past.budgets(found, now)
    ]


def exit_code(found: Sequence[Standing]) -> ExitCode:
    """Return what a look at all of them ends with."""
    return worst(one.exit_code for one in found)


def over(objective: Objective) -> str:
    """Return in words over which time a promise is measured."""
    if isinstance(objective.over, int):
        return f"the last {format_duration(objective.over)}"
    return f"the {objective.over}"


def row(one: Standing) -> tuple[str, ...]:
    """Return (service, objective, over, allowed, spent, left, burn 1h, 6h, 3d)."""
    budget = one.budget
    ratio = budget.left_ratio
    share = "" if ratio is None or ratio < 0 else f" ({percent(ratio, 0)})"
    left = f"{format_duration(budget.left)}{share}"
    if budget.left < 0:
        left = f"overspent by {format_duration(-budget.left)}"
    return (
        one.service,
        percent(budget.objective.availability),
        over(budget.objective),
        format_duration(budget.allowed),
        format_duration(budget.spent),
        left if one.observed else "not observed",
        *(_rate(one.burn[name]) for name in ("1h", "6h", "3d")),
    )


def _rate(rate: Fraction | None) -> str:
    return "?" if rate is None else f"{float(rate):.1f}"


def as_json(one: Standing) -> dict[str, Any]:
    """Return a standing for JSON; times in microseconds, ratios as exact fractions."""
    budget = one.budget
    return {
        "service": one.service,
        "owner": one.owner,
        "objective": str(budget.objective.availability),
        "over": over(budget.objective),
        "from": iso(budget.window.start),
        "to": iso(budget.window.end),
        "allowed": budget.allowed,
        "spent": budget.spent,
        "left": budget.left,
        "unobserved": budget.unknown,
        "observed": one.observed,
        "overspent": budget.left < 0,
        "exhausted_at": None if budget.exhausted_at is None else iso(budget.exhausted_at),
        "burn_rates": {
            name: None if rate is None else str(rate) for name, rate in one.burn.items()
        },
    }
