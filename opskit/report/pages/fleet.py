"""The fleet: deviations from the standard, and the runs over it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.report.document import Block, Cell, Mark, Paragraph, Section
from opskit.report.model import DriftRow, RunRow
from opskit.report.pages.cells import (
    EVIDENCE,
    entries,
    judged,
    moment,
    said,
    table,
    tiled,
    times_of,
    words,
)
from opskit.report.pages.material import Material


def drift(material: Material) -> Section:
    """Return what was off standard, and what became of it."""
    columns = (
        *words("Host", "Off standard", "Severity"),
        *times_of("Last seen good", "Found", "Seen gone"),
        EVIDENCE,
    )
    ordered = sorted(material.report.drifts, key=lambda one: _urgency(material, one))
    rows = (_deviation(material, one) for one in ordered)
    blocks: list[Block] = []
    if material.report.runs or ordered:
        blocks += tiled(material.figures("drift."))
    blocks.append(table("drift", "Deviations", columns, rows, _no_drift(material.report.runs)))
    if ordered:
        blocks.append(
            Paragraph(
                "A deviation began at some time between “last seen good” and “found”. It counts "
                "as gone only once a later check saw it gone."
            )
        )
    return Section("drift", "Drift from the standard", tuple(blocks))


def _still_open(material: Material, row: DriftRow) -> bool:
    return row.fixed_at is None or row.fixed_at >= material.period.end


def _urgency(material: Material, row: DriftRow) -> tuple[bool, int, Instant, str, str]:
    """Order: still open first, then most severe, then oldest."""
    ranks = {one.value: -one.rank for one in Severity}
    rank = ranks.get(row.severity, 1)
    return (not _still_open(material, row), rank, row.detected_at, row.host, row.task)


def _deviation(material: Material, row: DriftRow) -> tuple[Cell, ...]:
    return (
        said(row.host),
        said(row.task, row.control or "no control named"),
        said(row.severity),
        moment(material.times, row.last_good_at),
        moment(material.times, row.detected_at),
        _gone(material, row),
        entries(row.refs),
    )


def _gone(material: Material, row: DriftRow) -> Cell:
    if not _still_open(material, row):
        return moment(material.times, row.fixed_at)
    later = row.fixed_at and f"seen gone after it, {material.times.short(row.fixed_at)}"
    return judged(Mark.OPEN, "still open", later or "")


def _no_drift(runs: Iterable[RunRow]) -> str:
    """Return what an empty list of deviations means here."""
    every = tuple(runs)
    if not every:
        return "No host was checked in this period, so nothing can be said of drift."
    if not any(map(_looked, every)):
        return "No check of this period got to see a host, so nothing can be said of drift."
    return "The checks of this period found no host off standard."


def _looked(run: RunRow) -> bool:
    judged_hosts = any(one in run.hosts for one in (Verdict.COMPLIANT, Verdict.DRIFTED))
    return run.mode == "check" and run.state == "finished" and judged_hosts


def runs(material: Material) -> Section:
    """Return the runs over the fleet."""
    columns = (
        *words("Run"),
        *times_of("Started"),
        *words("Kind", "Standard", "Ended"),
        *times_of("Took"),
        *words("Hosts"),
        EVIDENCE,
    )
    nothing = "No run was started in this period. What was not checked may have drifted."
    rows = (_run(material, one) for one in material.report.runs)
    return Section("runs", "Runs over the fleet", (table("runs", "Runs", columns, rows, nothing),))


def _run(material: Material, row: RunRow) -> tuple[Cell, ...]:
    return (
        said(row.run_id),
        moment(material.times, row.started_at),
        said(row.mode),
        said(row.standard),
        said(row.state),
        Cell(row.took or "no end"),
        said(row.hosts, nothing="none judged"),
        entries(row.refs),
    )
