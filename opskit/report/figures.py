"""Figures from evidence: each one count, sum or ratio under a printed formula. Pure.

Formulas follow the interval rules of `core.interval`. Nothing here is estimated from industry
averages, and nothing is claimed for time or hosts that were not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import (
    DriftEvidence,
    Evidence,
    HostEvidence,
    RunEvidence,
    ServiceEvidence,
)
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, availability, percent
from opskit.core.text import plural
from opskit.report.access import access_figures
from opskit.report.model import Figure, Tag

AVAILABILITY = (
    "(up + degraded / 2) / (up + degraded + down); low counts unknown time as down, high as up; "
    "maintenance and time before monitoring are in neither"
)
INSUFFICIENT = "insufficient data"
NOT_CHECKED = "not checked"


def availability_figure(service: ServiceEvidence) -> Figure:
    """Return a service's availability over the period its timeline covers."""
    result = availability(service.timeline)
    shown = percent(result.value) if result.sufficient else INSUFFICIENT
    if result.coverage is None:
        shown = percent(None)
    return Figure(
        id=f"availability.{service.name}",
        title=f"Availability of {service.name}",
        value="" if result.value is None or not result.sufficient else str(result.value),
        unit="ratio",
        display=shown,
        tag=Tag.MEASURED,
        formula=AVAILABILITY,
        note=""
        if result.coverage is None
        else f"{percent(result.coverage, 1)} of the time was observed",
        refs=service.refs,
    )


def meets(service: ServiceEvidence) -> bool | None:
    """Return whether the objective was met, with certainty; nothing where it cannot be said."""
    return availability(service.timeline).meets(service.objective, service.edge)


def objectives_figure(services: Sequence[ServiceEvidence]) -> Figure:
    """Return how many services certainly met their objective, of those that have one."""
    promised = [service for service in services if service.objective is not None]
    verdicts = [meets(service) for service in promised]
    unclear = verdicts.count(None)
    return _count(
        "objectives.met",
        "Objectives met",
        verdicts.count(True),
        f"{verdicts.count(True)} of {len(promised)}" if promised else "none set",
        "services whose lower bound of availability is at or above their objective",
        f"{plural(unclear, 'service')} cannot be judged" if unclear else "",
        (ref for service in promised for ref in service.refs),
    )


def looked(runs: Iterable[RunEvidence]) -> tuple[RunEvidence, ...]:
    """Return the checks that got to judge a host: without one, no deviation means nothing."""
    judged = (Verdict.COMPLIANT, Verdict.DRIFTED)
    return tuple(
        run
        for run in runs
        if run.mode == "check"
        and run.state == "finished"
        and any(run.verdicts.get(verdict, 0) for verdict in judged)
    )


def drift_figures(
    drifts: Sequence[DriftEvidence], runs: Sequence[RunEvidence], period: Interval
) -> tuple[Figure, ...]:
    """Return deviations found, put right, still open, and how long hosts were exposed.

    A zero rests on the checks that looked; where none did, there is no figure to give.
    """
    checks = looked(runs)
    found = [one for one in drifts if period.start <= one.detected_at < period.end]
    fixed = [one for one in drifts if one.fixed_at is not None and one.fixed_at < period.end]
    still = [one for one in drifts if one.fixed_at is None or one.fixed_at >= period.end]
    hosts = f"on {plural(len({one.host for one in found}), 'host')}" if found else ""
    figures = (
        _count("drift.found", "Deviations found", len(found), str(len(found)),
               "deviations (host, task, item) that a check of the period saw first",
               hosts, _refs(found or checks)),
        _count("drift.fixed", "Deviations put right", len(fixed), str(len(fixed)),
               "open deviations that a later check, within the period, saw gone",
               "", _refs(fixed or checks)),
        _count("drift.open", "Deviations still open", len(still), str(len(still)),
               "deviations that no check has seen gone by the end of the period",
               "", _refs(still or checks)),
        _exposure(drifts, checks, period),
    )  # fmt: skip
    if drifts or checks:
        return figures
    return tuple(replace(figure, value="", display=NOT_CHECKED, note="") for figure in figures)


def _exposure(
    drifts: Sequence[DriftEvidence], checks: Sequence[RunEvidence], period: Interval
) -> Figure:
    total = sum(
        min(one.fixed_at or period.end, period.end) - max(one.detected_at, period.start)
        for one in drifts
    )
    return Figure(
        id="drift.exposure",
        title="Time hosts were off standard, seen",
        value=str(total),
        unit="microseconds",
        display=format_duration(total) if drifts else "none seen",
        tag=Tag.MEASURED,
        formula="sum over deviations of (seen gone - found), within the period",
        note="from the check that found each; it may have begun any time since the last good check"
        if drifts
        else "",
        refs=_refs(drifts or checks),
    )


def run_figures(runs: Sequence[RunEvidence], hosts: Sequence[HostEvidence]) -> tuple[Figure, ...]:
    """Return how many runs there were and how each host was last found."""
    done = [run for run in runs if run.state == "finished"]
    runs_done = _count(
        "runs.finished", "Runs over the fleet", len(done), str(len(done)),
        "check and apply runs of the period that came to their end",
        f"{plural(len(runs) - len(done), 'run')} did not" if len(done) != len(runs) else "",
        _refs(runs),
    )  # fmt: skip
    return (runs_done, *([_compliance(hosts)] if hosts else []))


def _compliance(hosts: Sequence[HostEvidence]) -> Figure:
    total = len(hosts)
    compliant = sum(one.verdict is Verdict.COMPLIANT for one in hosts)
    return Figure(
        id="fleet.compliant",
        title="Hosts as the standard says",
        value=str(Fraction(compliant, total)) if total else "",
        unit="ratio",
        display=f"{compliant} of {total}",
        tag=Tag.MEASURED,
        formula="compliant hosts / all hosts, each as the period's last finished check of the "
        "whole standard saw it; unreachable and not evaluated hosts are in the denominator",
        note="",
        refs=_refs(hosts),
    )


def downtime_figure(services: Sequence[ServiceEvidence]) -> Figure:
    """Return the downtime of all services together; nothing where none was observed."""
    times = [availability(service.timeline).totals for service in services]
    total = sum(time.down for time in times)
    observed = sum(time.known > 0 for time in times)
    return Figure(
        id="downtime.total",
        title="Downtime, all services",
        value=str(total) if observed else "",
        unit="microseconds",
        display=(format_duration(total) if total else "none seen") if observed else percent(None),
        tag=Tag.MEASURED,
        formula="sum over services of the time in state down; an outage runs from its first "
        "failed try to the first good one",
        note=_downtime_note(services, observed),
        refs=tuple(sorted({ref for service in services for ref in service.refs})),
    )


def _downtime_note(services: Sequence[ServiceEvidence], observed: int) -> str:
    edge = sum(service.edge for service in services)
    seen = f"{observed} of {plural(len(services), 'service')} observed"
    off = f"outage edges lie between two probes: at most {format_duration(edge)} off"
    return "; ".join([*([seen] if observed < len(services) else []), *([off] if edge else [])])


def all_figures(evidence: Evidence, period: Interval) -> tuple[Figure, ...]:
    """Return every figure of a report, in reading order."""
    return (
        *(
            (objectives_figure(evidence.services), downtime_figure(evidence.services))
            if evidence.services
            else ()
        ),
        *drift_figures(evidence.drifts, evidence.runs, period),
        *run_figures(evidence.runs, evidence.hosts),
        *(() if evidence.access is None else access_figures(evidence.access, period)),
        *(availability_figure(service) for service in evidence.services),
    )


def _count(  # the parts of a figure
    figure_id: str,
    title: str,
    count: int,
    display: str,
    formula: str,
    note: str,
    refs: Iterable[int],
) -> Figure:
    unique = tuple(sorted(set(refs)))
    return Figure(
        figure_id, title, str(count), "count", display, Tag.MEASURED, formula, note, unique
    )


def _refs(rows: Iterable[DriftEvidence | HostEvidence | RunEvidence]) -> tuple[int, ...]:
    return tuple(sorted({ref for row in rows for ref in row.refs}))
