"""Access: asked for, given, taken away in time, looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.evidence import UseEvidence
from opskit.report.document import Block, Cell, Mark, Paragraph, Section, Table
from opskit.report.model import AccessSection, EmergencyRow, LateRow, ReviewRow
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    moment,
    number,
    said,
    table,
    tiled,
    times_of,
    words,
)
from opskit.report.pages.charts.waits import waits
from opskit.report.pages.material import Material


def access(material: Material) -> Section:
    """Return what can be said of access."""
    found = material.report.access
    if found is None:
        reasons = [gap.reason for gap in material.report.gaps if gap.subject == "access"]
        nothing = Paragraph(
            f"Nothing can be said of access: {'; '.join(reasons) or 'nobody looked'}."
        )
        return Section(
            "access", "Access", (nothing, *tiled(material.figures("access.used.")), *used(material))
        )
    blocks: list[Block] = [*tiled(material.figures("access.")), waits(material)]
    blocks += _tables(material, found)
    blocks += used(material)
    blocks.append(
        Paragraph(
            "Access counts as gone only once a look saw it gone, or once the target itself had "
            "ended it. The median counts who still waits."
        )
    )
    return Section("access", "Access", tuple(blocks))


def _tables(material: Material, found: AccessSection) -> Iterator[Table]:
    yield table(
        "late",
        "Not gone on time",
        (*words("Grant", "Place"), *times_of("Planned end", "Gone", "Outlived by"), EVIDENCE),
        (_late(material, one) for one in found.late),
        "No access outlived its planned end by more than a minute.",
    )
    yield table(
        "emergencies",
        "Taken in an emergency",
        (*words("Grant", "Role"), *times_of("Taken"), *words("Team", "Review"), EVIDENCE),
        (_emergency(material, one) for one in found.emergencies),
        "No access was taken in an emergency.",
    )
    yield table(
        "reviews",
        "Reviews of access",
        (*words("Review"), *times_of("Opened", "Closed"), *words("Grants"), EVIDENCE),
        (_review(material, one) for one in found.reviews),
        "No review of access was open in this period.",
    )


def used(material: Material, team: str | None = None) -> Iterator[Table]:
    """Yield what logs tell of the use of access, of all teams or of one."""
    kinds = (("commands", "Commands run through sudo"), ("logins", "Logins by SSH"))
    for kind, caption in kinds:
        if not material.knows("desk", kind):
            continue
        rows: list[UseEvidence] = getattr(material.desk, kind)
        teams = sorted({one.team for one in rows if team is None or one.team == team})
        yield table(
            f"used-{kind}",
            caption,
            (*words("Team"), *counts_of("Times", "By no grant", "Days", "Hosts at most"), EVIDENCE),
            (_use(name, [one for one in rows if one.team == name]) for name in teams),
            "The logs that were imported tell of none in this period.",
        )


def _use(team: str, rows: list[UseEvidence]) -> tuple[Cell, ...]:
    times = sum(one.times for one in rows)
    return (
        said(team, nothing="team not known"),
        number(times),
        number(times - sum(one.granted for one in rows)),
        number(len({one.at for one in rows})),
        number(max(one.hosts for one in rows)),
        entries(tuple(sorted({ref for one in rows for ref in one.refs}))),
    )


def _late(material: Material, row: LateRow) -> tuple[Cell, ...]:
    gone = moment(material.times, row.gone_at)
    if row.gone_at is None:
        gone = judged(Mark.OPEN, "not seen gone", row.reason or "no reason recorded")
    return (
        said(row.grant),
        said(row.place),
        moment(material.times, row.planned_end),
        gone,
        Cell(f"at least {row.exposure}" if row.gone_at is None else row.exposure),
        entries(row.refs),
    )


_REVIEWED = {
    "done": Cell("done"),
    "open": judged(Mark.OPEN, "not yet"),
    "overdue": judged(Mark.MISSED, "overdue"),
}


def _emergency(material: Material, row: EmergencyRow) -> tuple[Cell, ...]:
    return (
        said(row.grant),
        said(row.role),
        moment(material.times, row.opened_at),
        said(row.team, nothing="team not known"),
        _REVIEWED[row.review],
        entries(row.refs),
    )


def _review(material: Material, row: ReviewRow) -> tuple[Cell, ...]:
    closed = moment(material.times, row.closed_at)
    return (
        said(row.name),
        moment(material.times, row.opened_at),
        judged(Mark.OPEN, "still open") if row.closed_at is None else closed,
        said(row.said),
        entries(row.refs),
    )
