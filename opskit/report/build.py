"""Put a report together: evidence in, one model out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from opskit import __version__
from opskit.core.clock import Instant, format_duration, to_datetime
from opskit.core.evidence import DriftEvidence, Evidence, RunEvidence, ServiceEvidence
from opskit.core.hosts import Verdict
from opskit.core.interval import (
    DEGRADED_WEIGHT,
    Interval,
    State,
    Timeline,
    Totals,
    availability,
    percent,
)
from opskit.core.text import plural
from opskit.report import access
from opskit.report.figures.catalogue import all_figures
from opskit.report.figures.fleet import NOT_CHECKED
from opskit.report.figures.services import meets
from opskit.report.ground import Ground
from opskit.report.model import (
    DriftRow,
    EvidenceRow,
    Figure,
    Gap,
    Outage,
    Report,
    RunRow,
    ServiceSection,
)
from opskit.report.ribbon import ribbon

# A sentence that names more is no longer read; the table below it names them all.
_MISSED_NAMED = 3
_TILES = ("objectives.met", "downtime.total", "fleet.compliant", "drift.fixed")


@dataclass(frozen=True, slots=True)
class Chain:
    """The ledger at the moment of building: its head, and the entries a figure may name."""

    head_seq: int
    head_hash: str
    entries: dict[int, EvidenceRow]


def build(ground: Ground, chain: Chain, built_at: Instant) -> Report:
    """Return the report of a period; its end is at most the moment of building."""
    evidence, period, zone = ground.evidence, ground.period, ZoneInfo(ground.zone)
    every = all_figures(ground)
    by_id = {figure.id: figure for figure in every}
    used = sorted({ref for figure in every for ref in figure.refs})
    report = Report(
        title=_title(period, zone),
        period=period,
        zone=zone.key,
        built_at=built_at,
        sentence=_sentence(evidence, by_id),
        tiles=tuple(by_id[name] for name in _TILES if name in by_id),
        services=tuple(_service(one, by_id, period, zone) for one in evidence.services),
        drifts=tuple(_drift(one) for one in evidence.drifts),
        runs=tuple(_run(one) for one in evidence.runs),
        figures=every,
        gaps=_gaps(evidence),
        evidence=tuple(chain.entries[seq] for seq in used if seq in chain.entries),
        head_seq=chain.head_seq,
        head_hash=chain.head_hash,
        opskit_version=__version__,
        access=None if evidence.access is None else access.section(evidence.access, period),
    )
    return replace(report, id=_identity(report))


def _identity(report: Report) -> str:
    content = {
        key: value for key, value in report.as_json().items() if key not in {"id", "built_at"}
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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


def _sentence(evidence: Evidence, by_id: dict[str, Figure]) -> str:
    said = (
        _services_sentence(evidence),
        _drift_sentence(evidence, by_id),
        "" if evidence.access is None else access.sentence(evidence.access, by_id),
    )
    return " ".join(filter(None, said))


def _services_sentence(evidence: Evidence) -> str:
    promised = [one for one in evidence.services if one.objective is not None]
    if not promised:
        return (
            "No service has an objective yet." if evidence.services else "No service is monitored."
        )
    verdicts = {one.name: meets(one) for one in promised}
    met = sum(verdict is True for verdict in verdicts.values())
    missed = [_missed_by(one) for one in promised if verdicts[one.name] is False]
    unclear = sum(verdict is None for verdict in verdicts.values())
    whose = "its" if len(promised) == 1 else "their"
    parts = [f"{met} of {plural(len(promised), 'service')} met {whose} objective"]
    listed = missed[:_MISSED_NAMED]
    parts += [", ".join(listed)] if listed else []
    parts += [f"{len(missed) - len(listed)} more missed it"] if len(missed) > len(listed) else []
    parts += [f"{unclear} cannot be judged yet"] if unclear else []
    return "; ".join(parts) + "."


def _missed_by(service: ServiceEvidence) -> str:
    time = availability(service.timeline).totals
    allowed = (1 - (service.objective or 1)) * time.in_scope
    lost = time.down + DEGRADED_WEIGHT * time.degraded
    return f"{service.name} missed it by {format_duration(int(lost - allowed))}"


def _drift_sentence(evidence: Evidence, by_id: dict[str, Figure]) -> str:
    if not evidence.runs:
        return "No host was checked."
    found, fixed, still = (by_id[f"drift.{name}"].display for name in ("found", "fixed", "open"))
    if found == NOT_CHECKED:
        return "No check got to see a host."
    if found == "0" and still == "0" and fixed == "0":
        return "The checks found no host off standard."
    were = "was" if found == "1" else "were"
    return (
        f"{plural(int(found), 'deviation')} from the standard {were} found, "
        f"{fixed} put right and seen gone, {still} still open."
    )


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
