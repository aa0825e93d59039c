"""The model as a page needs it: what links where, what is cut, what is said in words. Pure.

Nothing is computed here that a reader could take for a figure; figures come from the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from opskit.core.clock import Instant, format_duration, to_datetime
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict as HostVerdict
from opskit.core.interval import State
from opskit.report.model import (
    AccessSection,
    DriftRow,
    EmergencyRow,
    EvidenceRow,
    Figure,
    Gap,
    LateRow,
    Outage,
    Report,
    ReviewRow,
    RunRow,
    ServiceSection,
    Tag,
)
from opskit.report.render.ribbon import WORDS, Ribbon, cell_length, ribbon
from opskit.report.render.times import Times

LINKS_SHOWN = 8
EVIDENCE_SHOWN = 500
ROWS_SHOWN = 200

TAGS = {
    Tag.MEASURED: "counted or added up from ledger entries, by the formula printed beside it",
    Tag.DERIVED: "measured inputs put through a stated model that was fitted to own evidence only",
    Tag.ASSUMED: "rests on at least one number that a person entered",
}

_LEGEND = (
    State.UP,
    State.DEGRADED,
    State.DOWN,
    State.UNKNOWN,
    State.MAINTENANCE,
    State.EXCLUDED,
)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """As many rows as a reader can take, and how many more only the JSON form has."""

    shown: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Trail:
    """The way to the evidence: entries this page shows, and how many more there are."""

    shown: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Line:
    """A figure with its place in the register."""

    anchor: str
    figure: Figure
    trail: Trail

    @property
    def meaning(self) -> str:
        """Return what its tag says of it."""
        return TAGS[self.figure.tag]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promise was kept: a word, the shape that goes with it, and why not, if unclear."""

    word: str
    shape: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its words; while `observed` is false, no number of it is shown."""

    anchor: str
    section: ServiceSection
    line: Line
    verdict: Verdict
    observed: bool
    bounds: str
    downtime: str
    edge: str
    outages: Rows[tuple[Outage, Trail]]
    ribbon: Ribbon


@dataclass(frozen=True, slots=True)
class Drift:
    """A deviation. One that was seen gone after the period was open at its end."""

    row: DriftRow
    trail: Trail
    still_open: bool


@dataclass(frozen=True, slots=True)
class Access:
    """What the page shows of access; `words` say why there is nothing, where there is nothing."""

    words: str
    lines: tuple[Line, ...]
    late: Rows[tuple[LateRow, Trail]]
    emergencies: Rows[tuple[EmergencyRow, Trail]]
    reviews: Rows[tuple[ReviewRow, Trail]]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template prints."""

    report: Report
    times: Times
    tiles: tuple[Line, ...]
    services: tuple[Service, ...]
    cell: str
    numbered: bool
    drift_lines: tuple[Line, ...]
    drifts: Rows[Drift]
    drift_words: str
    runs: Rows[tuple[RunRow, Trail]]
    access: Access
    gaps: Rows[Gap]
    figures: tuple[Line, ...]
    evidence: Rows[EvidenceRow]
    tags: dict[Tag, str]
    states: dict[str, str]
    since: str
    until: str


def page(report: Report) -> Page:
    """Return the page of a report."""
    times = Times(ZoneInfo(report.zone), report.period)
    evidence = _evidence(report)
    trail = _follower(row.seq for row in evidence.shown)
    register = tuple(
        Line(f"figure-{number}", figure, trail(figure.refs))
        for number, figure in enumerate(report.figures, start=1)
    )
    lines = {line.figure.id: line for line in register}
    services = tuple(
        _service(number, section, lines, times, trail)
        for number, section in enumerate(report.services, start=1)
    )
    return Page(
        report=report,
        times=times,
        tiles=tuple(lines[figure.id] for figure in report.tiles),
        services=services,
        cell=cell_length(report.services[0].ribbon) if report.services else "",
        numbered=any(block.number for service in services for block in service.ribbon.blocks),
        drift_lines=tuple(line for line in register if line.figure.id.startswith("drift.")),
        drifts=_rows(_drifts(report, trail)),
        drift_words=_drift_words(report),
        runs=_rows((row, trail(row.refs)) for row in report.runs),
        access=_access(report, register, trail),
        gaps=_rows(report.gaps),
        figures=register,
        evidence=evidence,
        tags=TAGS,
        states={str(state): WORDS[state] for state in _LEGEND},
        since=_argument(report.period.start),
        until=_argument(report.period.end),
    )


def _rows(rows: Iterable[Row], most: int = ROWS_SHOWN) -> Rows[Row]:
    every = tuple(rows)
    return Rows(every[:most], max(0, len(every) - most))


def _follower(known: Iterable[int]) -> Callable[[Sequence[int]], Trail]:
    """Return what makes a trail of references, with links only to entries on the page."""
    present = frozenset(known)

    def trail(refs: Sequence[int]) -> Trail:
        shown = tuple(ref for ref in refs if ref in present)[:LINKS_SHOWN]
        return Trail(shown, len(refs) - len(shown))

    return trail


def _evidence(report: Report) -> Rows[EvidenceRow]:
    """Return the entries to print; those a line of the page would link to go first."""
    wanted = dict.fromkeys(ref for refs in _all_refs(report) for ref in refs[:LINKS_SHOWN])
    order = {ref: place for place, ref in enumerate(wanted)}
    ranked = sorted(report.evidence, key=lambda row: (order.get(row.seq, len(order)), row.seq))
    kept = _rows(ranked, EVIDENCE_SHOWN)
    return Rows(tuple(sorted(kept.shown, key=lambda row: row.seq)), kept.more)


def _all_refs(report: Report) -> Iterable[Sequence[int]]:
    yield from (figure.refs for figure in report.figures)
    yield from (outage.refs for service in report.services for outage in service.outages)
    yield from (row.refs for row in report.drifts)
    yield from (row.refs for row in report.runs)
    shown = report.access
    if shown is not None:
        yield from (row.refs for row in shown.late)
        yield from (row.refs for row in shown.emergencies)
        yield from (row.refs for row in shown.reviews)


def _service(
    number: int,
    section: ServiceSection,
    lines: dict[str, Line],
    times: Times,
    trail: Callable[[Sequence[int]], Trail],
) -> Service:
    observed = any(cell.time.known for cell in section.ribbon)
    return Service(
        anchor=f"service-{number}",
        section=section,
        line=lines[section.availability.id],
        verdict=_verdict(section, observed=observed),
        observed=observed,
        bounds="" if section.low == section.high else f"between {section.low} and {section.high}",
        downtime=section.downtime if section.outages else "none seen",
        edge=section.edge if section.outages and section.edge != format_duration(0) else "",
        outages=_rows((outage, trail(outage.refs)) for outage in section.outages),
        ribbon=ribbon(section.ribbon, times),
    )


def _verdict(section: ServiceSection, *, observed: bool) -> Verdict:
    if not section.objective:
        return Verdict("no objective", "none")
    if section.met is not None:
        return Verdict("met", "met") if section.met else Verdict("missed", "missed")
    if not observed:
        return Verdict("cannot say", "unclear", "it was not observed")
    if not section.availability.value:
        return Verdict("cannot say", "unclear", "too little was observed")
    return Verdict("cannot say", "unclear", "unobserved time could decide it")


def _drifts(report: Report, trail: Callable[[Sequence[int]], Trail]) -> list[Drift]:
    drifts = [
        Drift(row, trail(row.refs), row.fixed_at is None or row.fixed_at >= report.period.end)
        for row in report.drifts
    ]
    return sorted(drifts, key=_urgency)


def _urgency(drift: Drift) -> tuple[bool, int, Instant, str, str]:
    """Order: still open first, then most severe, then oldest."""
    row, ranks = drift.row, {one.value: -one.rank for one in Severity}
    rank = ranks.get(row.severity, 1)
    return (not drift.still_open, rank, row.detected_at, row.host, row.task)


def _drift_words(report: Report) -> str:
    """Return what an empty list of deviations means here; nothing if it is not empty."""
    if report.drifts:
        return ""
    if not report.runs:
        return "No host was checked in this period, so nothing can be said of drift."
    if not any(_looked(run) for run in report.runs):
        return "No check of this period got to see a host, so nothing can be said of drift."
    return "The checks of this period found no host off standard."


def _looked(run: RunRow) -> bool:
    judged = any(verdict in run.hosts for verdict in (HostVerdict.COMPLIANT, HostVerdict.DRIFTED))
    return run.mode == "check" and run.state == "finished" and judged


def _access(
    report: Report, register: Iterable[Line], trail: Callable[[Sequence[int]], Trail]
) -> Access:
    found = report.access or AccessSection((), (), ())
    reasons = [gap.reason for gap in report.gaps if gap.subject == "access"]
    words = "" if report.access else f"Nothing can be said: {'; '.join(reasons) or 'nobody asked'}."
    return Access(
        words,
        tuple(line for line in register if line.figure.id.startswith("access.")),
        _rows((row, trail(row.refs)) for row in found.late),
        _rows((row, trail(row.refs)) for row in found.emergencies),
        _rows((row, trail(row.refs)) for row in found.reviews),
    )


def _argument(instant: Instant) -> str:
    """Return an instant for a command line, to the microsecond where it has them."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
