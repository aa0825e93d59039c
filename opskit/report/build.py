"""Put a report together: evidence in, one model out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from opskit.core.clock import format_duration, to_datetime
from opskit.core.evidence import DriftEvidence, Evidence, RunEvidence, ServiceEvidence
from opskit.core.hosts import Verdict
from opskit.core.interval import (
    Interval,
    State,
    Timeline,
    Totals,
    availability,
    percent,
)
from opskit.core.text import plural
from opskit.report import access
from opskit.report.claims.candidate import confirmed, others
from opskit.report.claims.decisions import decision
from opskit.report.claims.finding import Found
from opskit.report.claims.ledger import claims
from opskit.report.claims.misses import misses
from opskit.report.claims.restated import restated
from opskit.report.claims.wins import wins
from opskit.report.figures.catalogue import all_figures
from opskit.report.figures.services import meets
from opskit.report.front import front
from opskit.report.ground import Ground
from opskit.report.inputs import Inputs
from opskit.report.model import (
    Claim,
    DriftRow,
    Figure,
    Front,
    Gap,
    Outage,
    Point,
    Report,
    Restatement,
    RunRow,
    ServiceSection,
)
from opskit.report.ribbon import ribbon


@dataclass(frozen=True, slots=True)
class Outline:
    """What a report says of its evidence, before any section of it: figures, claims, page 1."""

    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    restated: tuple[Restatement, ...]
    misses: tuple[Point, ...]
    front: Front


def outline(inputs: Inputs, figures: Sequence[Figure] = ()) -> Outline:
    """Return what a report of its inputs says.

    `figures` are those of its ground where they are known already: they take the longest.
    """
    ground = inputs.ground
    every = _confirmed(figures or all_figures(ground), ground)
    by_id = {figure.id: figure for figure in every}
    made, told = claims(ground, by_id), restated(inputs.previous, by_id)
    found = Found(ground, by_id, made, told)
    missed = misses(found)
    first = front(inputs, by_id, wins(made), missed[0], decision(found))
    return Outline(every, made, told, missed, first)


def build(inputs: Inputs, report_id: str, figures: Sequence[Figure] = ()) -> Report:
    """Return the report of its inputs; `report_id` is their hash.

    `figures` are as an outline takes them.
    """
    evidence, period = inputs.ground.evidence, inputs.ground.period
    zone = ZoneInfo(inputs.ground.zone)
    said = outline(inputs, figures)
    by_id = {figure.id: figure for figure in said.figures}
    return Report(
        id=report_id,
        version=inputs.previous.version + 1 if inputs.previous else 1,
        title=_title(period, zone),
        period=period,
        zone=zone.key,
        front=said.front,
        services=tuple(_service(one, by_id, period, zone) for one in evidence.services),
        drifts=tuple(_drift(one) for one in evidence.drifts),
        runs=tuple(_run(one) for one in evidence.runs),
        figures=said.figures,
        gaps=_gaps(evidence),
        claims=said.claims,
        restated=said.restated,
        entries=inputs.entries,
        seal=inputs.seal,
        sources=inputs.sources,
        opskit_version=inputs.opskit_version,
        access=None if evidence.access is None else access.section(evidence.access, period),
        declared=inputs.declared,
        misses=said.misses,
    )


def _confirmed(figures: Iterable[Figure], ground: Ground) -> tuple[Figure, ...]:
    """Return the figures with the teams that benefited and say that they are so."""
    teams = confirmed(ground)
    return tuple(
        replace(one, confirmed_by=others(teams[one.id], ground.evidence))
        if one.id in teams
        else one
        for one in figures
    )


def _title(period: Interval, zone: ZoneInfo) -> str:
    start, end = to_datetime(period.start, zone), to_datetime(period.end, zone)
    # The day before an end at midnight is the last of the period.
    last = to_datetime(max(period.start, period.end - 1), zone)
    from_midnight = to_datetime(period.start - 1, zone).date() < start.date()
    to_midnight = last.date() < end.date()
    if start.date() == last.date():
        if from_midnight and to_midnight:
            return f"Operations on {start:%-d %B %Y}"
        until = "24:00" if to_midnight else f"{end:%H:%M}"
        return f"Operations on {start:%-d %B %Y}, {start:%H:%M} to {until}"
    if from_midnight and start.day == 1 and (start.year, start.month) == (last.year, last.month):
        if to_midnight and end.day == 1:
            return f"Operations in {start:%B %Y}"
        until = f"{last:%-d %B}" if to_midnight else f"{end:%-d %B %H:%M}"
        return f"Operations in {start:%B %Y}, up to {until}"
    return f"Operations from {start:%-d %B %Y} to {last:%-d %B %Y}"


def _service(
    service: ServiceEvidence, by_id: dict[str, Figure], period: Interval, zone: ZoneInfo
) -> ServiceSection:
    result = availability(service.timeline)
    return ServiceSection(
        name=service.name,
        owner=service.owner,
        kind=service.kind,
        objective="" if service.objective is None else percent(service.objective),
        met=meets(service),
        availability=by_id[f"availability.{service.name}"],
        low=percent(result.low),
        high=percent(result.high),
        coverage=percent(result.coverage, 1),
        downtime=format_duration(result.totals.down),
        edge=format_duration(service.edge),
        outages=_outages(service.timeline),
        blips=len(service.blips),
        ribbon=ribbon(service.timeline, period, zone),
    )


def _outages(timeline: Timeline) -> tuple[Outage, ...]:
    """Return each unbroken time of being down, whatever reasons it had on the way."""
    found: list[Outage] = []
    for stretch in timeline:
        if stretch.state is not State.DOWN:
            continue
        last = found[-1] if found else None
        if last is not None and last.end == stretch.start:
            refs = tuple(sorted({*last.refs, *stretch.refs}))
            found[-1] = replace(last, end=stretch.end, refs=refs)
        else:
            found.append(Outage(stretch.start, stretch.end, stretch.reason, stretch.refs))
    return tuple(found)


def _drift(one: DriftEvidence) -> DriftRow:
    return DriftRow(
        one.host, one.control, one.severity, one.task,
        one.last_good_at, one.detected_at, one.fixed_at, one.refs,
    )  # fmt: skip


def _run(run: RunEvidence) -> RunRow:
    counted: Iterable[tuple[str, int]] = Counter(dict(run.verdicts)).items()
    took = "" if run.finished_at is None else format_duration(run.finished_at - run.started_at)
    hosts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted) if count)
    return RunRow(
        run.run_id, run.mode, run.standard, run.state, run.started_at, took, hosts, run.refs
    )


def _why_unseen(time: Totals) -> str:
    if time.maintenance:
        return "in maintenance whenever it was monitored"
    return "not monitored in this period" if time.excluded else "never observed in this period"


_UNJUDGED = frozenset({Verdict.UNREACHABLE, Verdict.NOT_EVALUATED, Verdict.FAILED})


def _unjudged(run: RunEvidence) -> frozenset[Verdict]:
    # An apply leaves judging what it changed to the check after it.
    return _UNJUDGED - {Verdict.NOT_EVALUATED} if run.mode == "apply" else _UNJUDGED


def _gaps(evidence: Evidence) -> tuple[Gap, ...]:
    gaps = [Gap(subject, reason) for subject, reason in sorted(evidence.not_configured.items())]
    for service in evidence.services:
        result = availability(service.timeline)
        if result.coverage is None:
            gaps.append(Gap(service.name, _why_unseen(result.totals)))
        elif result.totals.unknown:
            time = format_duration(result.totals.unknown)
            gaps.append(Gap(service.name, f"not observed for {time} while it was monitored"))
    for run in evidence.runs:
        if run.state != "finished":
            gaps.append(Gap(run.run_id, f"this run is {run.state}: it says nothing of its hosts"))
        gaps += [
            Gap(run.run_id, f"{plural(count, 'host')} {verdict}")
            for verdict, count in run.verdicts.items()
            if verdict in _unjudged(run) and count
        ]
    return tuple(gaps)
