"""What went from hand to hand: work that was nobody's, owners, fixes, risks. Pure."""

from __future__ import annotations

from opskit.core.clock import format_duration
from opskit.core.evidence import FixUseEvidence, GrayAreaEvidence, HandoverEvidence, RiskEvidence
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
from opskit.report.pages.material import Material


def unsaid(name: str, title: str, what: str) -> Section:
    """Return a section of which nobody said anything."""
    nothing = f"Nobody's word is recorded anywhere, so nothing can be said of {what}."
    return Section(name, title, (Paragraph(nothing),))


def areas(material: Material) -> Section:
    """Return what belonged to nobody: taken, handed over or refused."""
    title = "What belonged to nobody"
    if not material.knows("word", "gray_areas"):
        return unsaid("areas", title, "work that belonged to nobody")
    found = table(
        "areas",
        "Taken, handed over, refused",
        (*words("What"), *times_of("When"), *words("Decision", "Why", "Offered instead"), EVIDENCE),
        (_area(material, one) for one in material.word.gray_areas),
        "Nothing came up in this period that belonged to nobody.",
    )
    return Section("areas", title, (found,))


def _area(material: Material, one: GrayAreaEvidence) -> tuple[Cell, ...]:
    return (
        said(one.subject),
        moment(material.times, one.at),
        said(one.decision),
        said(one.reason, nothing="no reason given"),
        said(one.offered, nothing="nothing"),
        entries(one.refs),
    )


def handovers(material: Material) -> Section:
    """Return what changed its owner."""
    title = "Handed over"
    if not material.knows("word", "handovers"):
        return unsaid("handovers", title, "what was handed over")
    found = table(
        "handovers",
        "What changed its owner",
        (*words("What", "From", "To"), *times_of("Given", "Accepted"), EVIDENCE),
        (_handover(material, one) for one in material.word.handovers),
        "Nothing changed its owner in this period.",
    )
    return Section("handovers", title, (found,))


def _handover(material: Material, one: HandoverEvidence) -> tuple[Cell, ...]:
    taken = moment(material.times, one.accepted_at)
    return (
        said(one.subject),
        said(one.giver, nothing="nobody"),
        said(one.taker, nothing="nobody"),
        moment(material.times, one.at),
        judged(Mark.OPEN, "not accepted") if one.accepted_at is None else taken,
        entries(one.refs),
    )


def fixes(material: Material) -> Section:
    """Return known fixes that helped."""
    title = "Fixes that helped again"
    if not material.knows("desk", "fixes"):
        return Section("fixes", title, (Paragraph("No fix is recorded anywhere."),))
    found = table(
        "fixes",
        "Uses of known fixes",
        (*words("Fix", "Team"), *times_of("When", "Took"), *words("Use"), EVIDENCE),
        (_fix(material, one) for one in material.desk.fixes),
        "No known fix was used in this period.",
    )
    return Section("fixes", title, (*tiled(material.figures("fixes.")), found))


def _fix(material: Material, one: FixUseEvidence) -> tuple[Cell, ...]:
    return (
        said(one.fix),
        said(one.team, nothing="no team"),
        moment(material.times, one.at),
        Cell("not noted" if one.took is None else format_duration(one.took)),
        Cell("first found" if one.first else "used again"),
        entries(one.refs),
    )


def risks(material: Material) -> Section:
    """Return risks that were spotted."""
    title = "Risks"
    if not material.knows("word", "risks"):
        return unsaid("risks", title, "risks")
    found = table(
        "risks",
        "Risks that were spotted",
        (*words("Risk", "About"), *times_of("Spotted", "Made smaller", "Closed"), EVIDENCE),
        (_risk(material, one) for one in material.word.risks),
        "No risk was written down in this period.",
    )
    return Section("risks", title, (found,))


def _risk(material: Material, one: RiskEvidence) -> tuple[Cell, ...]:
    return (
        said(one.name),
        said(one.subject),
        moment(material.times, one.spotted_at),
        moment(material.times, one.mitigated_at, nothing="not yet"),
        moment(material.times, one.closed_at, nothing="still open"),
        entries(one.refs),
    )
