"""Uptime and status as plain data and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from opskit.core.clock import format_duration, iso
from opskit.core.interval import Interval, percent
from opskit.core.text import plural
from opskit.monitor.status import TargetStatus
from opskit.monitor.uptime import ServiceUptime

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


def status_row(status: TargetStatus, now: int) -> tuple[str, str, str, str, str, str]:
    """Return (target, state, for how long, reason, last probe, owner)."""
    return (
        status.target,
        str(status.state),
        format_duration(now - status.since) if status.since is not None else "",
        status.reason,
        f"{format_duration(now - status.last_at)} ago" if status.last_at is not None else "never",
        status.owner,
    )


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
