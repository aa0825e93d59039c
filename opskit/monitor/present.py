"""Uptime and status as plain data and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from opskit.core.clock import format_duration, iso
from opskit.core.interval import Interval, State, percent
from opskit.core.text import plural
from opskit.monitor.budget import Budget
from opskit.monitor.maintenance import Planned
from opskit.monitor.restatement import Version
from opskit.monitor.status import ServiceStatus, TargetStatus
from opskit.monitor.store.locations import Sighting
from opskit.monitor.uptime import Difference, ServiceUptime

_MET = {True: "met", False: "missed", None: "cannot say"}


def status_json(status: TargetStatus) -> dict[str, Any]:
    """Return a target's state for JSON."""
    return {
        "target": status.target,
        "service": status.service,
        "owner": status.owner,
        "state": str(status.state),
        "since": iso(status.since) if status.since is not None else None,
        "reason": status.reason,
        "last_probed_at": iso(status.last_at) if status.last_at is not None else None,
    }


def planned_json(one: Planned) -> dict[str, Any]:
    """Return announced work for JSON; what comes again has no id."""
    return {
        "id": one.name,
        "service": one.service,
        "from": iso(one.start),
        "until": iso(one.end),
        "state": one.state,
        "reason": one.reason,
    }


# As the states are called in rows.
WORST_FIRST = ("down", "degraded", "unknown", "maintenance", "up", "excluded")
_CELLS = {
    State.UP: "█",
    State.DEGRADED: "▆",
    State.DOWN: "▁",
    State.UNKNOWN: "?",
    State.MAINTENANCE: "m",
    State.EXCLUDED: "-",
}


def day_line(day: Sequence[State]) -> str:
    """Return a sign for each hour."""
    return "".join(_CELLS[state] for state in day)


def status_row(status: TargetStatus, service: ServiceStatus, now: int) -> tuple[str, ...]:
    """Return (target, state, for how long, last day, budget left, reason, owner).

    What is not well in announced work is shown as that, and how it is as its reason.
    """
    excused = service.state is State.MAINTENANCE and status.state is not State.UP
    reason = f"{service.reason}; {status.state}: {status.reason}" if excused else status.reason
    return (
        status.target,
        str(service.state if excused else status.state),
        format_duration(now - status.since) if status.since is not None else "",
        day_line(service.day),
        _budget_left(service),
        _with_cause(reason, service),
        status.owner,
    )


def overview_row(service: ServiceStatus, now: int) -> tuple[str, ...]:
    """Return the same of a service as a whole."""
    return (
        service.service,
        str(service.state),
        format_duration(now - service.since),
        day_line(service.day),
        _budget_left(service),
        _with_cause(service.reason, service),
        service.owner,
    )


def _with_cause(reason: str, service: ServiceStatus) -> str:
    if not service.because_of or service.state is not State.DOWN:
        return reason
    return f"{reason} (needs {', '.join(service.because_of)}, down too)".strip()


def _budget_left(service: ServiceStatus) -> str:
    """Return what is left of the first budget, and its share of the whole."""
    if not service.budgets:
        return ""
    first = service.budgets[0]
    if first.left < 0:
        return f"overspent by {format_duration(-first.left)}"
    share = "" if first.left_ratio is None else f" ({percent(first.left_ratio, 0)})"
    return f"{format_duration(first.left)}{share}"


def overview_json(service: ServiceStatus) -> dict[str, Any]:
    """Return a service's state for JSON; times in microseconds."""
    return {
        "service": service.service,
        "owner": service.owner,
        "state": str(service.state),
        "since": iso(service.since),
        "reason": service.reason,
        "because_of": list(service.because_of),
        "last_24_hours": [str(state) for state in service.day],
        "budgets": [budget_json(one) for one in service.budgets],
    }


def budget_json(budget: Budget) -> dict[str, Any]:
    """Return a budget for JSON; times in microseconds."""
    return {
        "objective": _exact(budget.objective.availability),
        "from": iso(budget.window.start),
        "to": iso(budget.window.end),
        "allowed": budget.allowed,
        "spent": budget.spent,
        "left": budget.left,
        "left_ratio": _exact(budget.left_ratio),
        "unobserved": budget.unknown,
        "exhausted_at": None if budget.exhausted_at is None else iso(budget.exhausted_at),
    }


def version_json(version: Version) -> dict[str, Any]:
    """Return a later version of a period for JSON, with how much came late by target."""
    late = dict(version.late)
    return {"version": version.number, "entry": version.seq, "at": iso(version.at), "late": late}


def version_lines(versions: Sequence[Version], as_of: int | None) -> Iterator[str]:
    """Yield what to say of later versions of a period; of an earlier one, that there are."""
    for one in versions:
        what = ", ".join(f"{target} {count}" for target, count in one.late)
        yield f"version {one.number} since {iso(one.at)}, ledger {one.seq}: came late: {what}"
    if versions and (as_of is None or as_of >= versions[0].seq):
        yield f"--as-of {versions[0].seq - 1} shows what was said before"
    elif versions:
        yield "this is version 1; without --as-of the last one is shown"


def uptime_json(uptime: ServiceUptime) -> dict[str, Any]:
    """Return a service's period for JSON; ratios as exact fractions, times in microseconds."""
    result = uptime.availability
    return {
        "service": uptime.service,
        "owner": uptime.owner,
        "from": iso(uptime.window.start),
        "to": iso(uptime.window.end),
        "availability": _exact(result.value) if result.sufficient else None,
        "low": _exact(result.low),
        "high": _exact(result.high),
        "coverage": _exact(result.coverage),
        "sufficient": result.sufficient,
        "objective": _exact(uptime.objective),
        "objective_met": uptime.met,
        "blind": uptime.blind,
        "policy": {"name": uptime.policy.name, "version": uptime.policy.version},
        "time": {name: getattr(result.totals, name) for name in result.totals.__slots__},
        "edge": uptime.edge,
        "outages": uptime.outages,
        "blips": [
            {"at": iso(blip.at), "target": blip.target, "reason": blip.reason}
            for blip in uptime.blips
        ],
        "ledger_entries": list(uptime.refs),
    }


def _exact(ratio: Fraction | None) -> str | None:
    return None if ratio is None else str(ratio)


def uptime_row(uptime: ServiceUptime) -> tuple[str, ...]:
    """Return the cells of `opskit monitor uptime`, from the service to the objective."""
    result = uptime.availability
    shown = percent(result.value) if result.sufficient else "insufficient data"
    if result.coverage is None:
        return (uptime.service, "not observed", "", "", "", "", _objective(uptime))
    edge = f" ±{format_duration(uptime.edge)}" if uptime.edge else ""
    blips = f" + {plural(len(uptime.blips), 'blip')}" if uptime.blips else ""
    return (
        uptime.service,
        shown,
        f"{percent(result.low).removesuffix(' %')} .. {percent(result.high)}",
        percent(result.coverage, 1),
        f"{format_duration(result.totals.down)}{edge}",
        f"{uptime.outages}{blips}",
        _objective(uptime),
    )


def _objective(uptime: ServiceUptime) -> str:
    if uptime.objective is None:
        return "none"
    return f"{percent(uptime.objective)} {_MET[uptime.met]}"


def difference_json(difference: Difference) -> dict[str, Any]:
    """Return what one rule does, for JSON."""
    return {
        "rule": difference.rule,
        "here": difference.here,
        "there": difference.there,
        "change": _exact(difference.change),
    }


def difference_line(difference: Difference) -> str:
    """Return what one rule does, in words."""
    effect = "cannot be told"
    if difference.change is not None:
        effect = f"{float(difference.change * 100):+.4f} points"
    return f"{effect}: {difference.there}; here {difference.here}"


def blip_lines(uptime: ServiceUptime) -> list[str]:
    """Return a line for each failure that the next try did not confirm."""
    return [f"blip of {blip.target} at {iso(blip.at)}: {blip.reason}" for blip in uptime.blips]


def window_line(window: Interval) -> str:
    """Return the period in words."""
    return f"{iso(window.start)} to {iso(window.end)} ({format_duration(window.length)})"


def interval_rows(uptime: ServiceUptime) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (from, how long, state, reason, ledger entries) of every interval."""
    for stretch in uptime.timeline:
        refs = ", ".join(f"#{ref}" for ref in stretch.refs[:6])
        more = f" +{len(stretch.refs) - 6}" if len(stretch.refs) > 6 else ""
        yield (
            iso(stretch.start),
            format_duration(stretch.length),
            str(stretch.state),
            stretch.reason,
            refs + more,
        )


def intervals_json(uptime: ServiceUptime) -> list[dict[str, Any]]:
    """Return every interval for JSON."""
    return [
        {
            "start": stretch.start,
            "end": stretch.end,
            "state": str(stretch.state),
            "reason": stretch.reason,
            "beneath": str(stretch.beneath) if stretch.beneath else None,
            "ledger_entries": list(stretch.refs),
        }
        for stretch in uptime.timeline
    ]


def sighting_row(one: Sighting) -> tuple[str, ...]:
    """Return (from, to, target, location, seen, reason) of what a location saw."""
    first, last = iso(one.spell.began_at), iso(one.spell.last_at)
    return (first, last, one.target, one.location, str(one.spell.seen), one.spell.reason)


def sighting_json(one: Sighting) -> dict[str, Any]:
    """Return what a location saw, for JSON."""
    names = ("from", "to", "target", "location", "seen", "reason")
    return dict(zip(names, sighting_row(one), strict=True))
