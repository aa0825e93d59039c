"""From objectives to OpenSLO documents. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, HOUR, MINUTE
from opskit.core.interval import percent
from opskit.monitor.catalogue import Catalogue, Objective
from opskit.monitor.openslo.model import CALENDAR, VERSION


@dataclass
class Written:
    """Documents as plain values, and the objectives that OpenSLO has no words for."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def written(catalogue: Catalogue, names: Sequence[str], zone: ZoneInfo) -> Written:
    """Return the objectives of services as OpenSLO documents."""
    found = Written()
    for name in names:
        service = catalogue.services[name]
        if service.promises:
            found.documents.append(_document("Service", name, {"description": service.kind}))
        for number, promise in enumerate(service.promises, 1):
            window = _window(promise, promise.timezone or catalogue.timezone or zone)
            if window is None:
                found.left_out.append(f"{name}: {percent(promise.availability)}")
                continue
            spec = _spec(name, promise, window)
            found.documents.append(_document("SLO", f"{name}-{number}", spec))
    return found


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _spec(name: str, promise: Objective, window: dict[str, Any]) -> dict[str, Any]:
    good, total = (
        {"metricSource": {"type": "opskit", "spec": {"service": name, "seconds": which}}}
        for which in ("well", "in service")
    )
    indicator = {"ratioMetric": {"counter": True, "good": good, "total": total}}
    return {
        "description": f"{name} is well",
        "service": name,
        "indicator": {"metadata": {"name": f"{name}-availability"}, "spec": indicator},
        "timeWindow": [window],
        "budgetingMethod": "Occurrences",
        "objectives": [{"target": float(promise.availability)}],
    }


def _window(promise: Objective, zone: ZoneInfo) -> dict[str, Any] | None:
    """Return the window, or nothing where OpenSLO cannot say it: weights, parts of a minute."""
    if promise.weighted:
        return None
    if isinstance(promise.over, int):
        units = (("d", DAY), ("h", HOUR), ("m", MINUTE))
        found = next(_in_units(promise.over, units), "")
        return {"duration": found, "isRolling": True} if found else None
    duration = next(key for key, value in CALENDAR.items() if value == promise.over)
    calendar = {"startTime": "2026-01-01 00:00:00", "timeZone": str(zone)}
    return {"duration": duration, "isRolling": False, "calendar": calendar}


def _in_units(length: int, units: Sequence[tuple[str, int]]) -> Iterator[str]:
    yield from (f"{length // unit}{name}" for name, unit in units if length % unit == 0 < length)
