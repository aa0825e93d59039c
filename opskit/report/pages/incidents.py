"""Incidents: each of them, and what they have in common. Pure."""

from __future__ import annotations

from opskit.core.clock import format_duration
from opskit.core.evidence import IncidentEvidence
from opskit.report.document import Cell, Mark, Paragraph, Section
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
from opskit.report.pages.charts.durations import durations
from opskit.report.pages.material import Material


def incidents(material: Material) -> Section:
    """Return what went wrong, and for how long."""
    lengths = durations(material)
    if not material.knows("desk", "incidents"):
        why = Paragraph("No incident is recorded anywhere: only what the probes saw is known.")
        return Section("incidents", "Incidents", (why, lengths))
    found = table(
        "incidents",
        "Incidents",
        (
            *words("Incident", "Service"),
            *times_of("Began", "Taken up after", "Lasted"),
            *words("Users", "Change behind it", "Recorded by"),
            EVIDENCE,
        ),
        (_incident(material, one) for one in material.desk.incidents),
        "No incident was recorded in this period.",
    )
    return Section(
        "incidents", "Incidents", (*tiled(material.figures("incidents.")), lengths, found)
    )


def _incident(material: Material, one: IncidentEvidence) -> tuple[Cell, ...]:
    lasted = one.lasted
    return (
        said(one.name, one.fingerprint),
        said(one.service, f"handled by {one.team}" if one.team else ""),
        moment(material.times, one.started_at),
        _taken(one),
        judged(Mark.OPEN, "not over") if lasted is None else Cell(format_duration(lasted)),
        Cell("hit" if one.visible else "not hit"),
        said(one.change or ("a change of Ops" if one.by_ops else ""), nothing="none known"),
        said(one.source),
        entries(one.refs),
    )


def _taken(one: IncidentEvidence) -> Cell:
    if one.acknowledged_at is None:
        return Cell("not recorded")
    since = one.started_at if one.detected_at is None else one.detected_at
    return Cell(format_duration(max(0, one.acknowledged_at - since)))
