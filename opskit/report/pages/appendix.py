"""For the auditor: what was claimed and what not, and how to make it all again. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.report.document import (
    Cell,
    Command,
    Facts,
    Mark,
    Page,
    Paragraph,
    Section,
)
from opskit.report.inputs import Source
from opskit.report.model import Claim, Gate, Report, Restatement
from opskit.report.pages import gaps, money, register
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    number,
    said,
    table,
    words,
)
from opskit.report.pages.material import Material


def page(material: Material, before: tuple[Page, ...]) -> Page:
    """Return the appendix; `before` are the pages whose lines lead to its evidence."""
    figures = register.register(material)
    sections = (
        figures,
        register.evidence(material, register.linked((*before, figures))),
        register.methods(),
        money.assumptions(material),
        gaps.gaps(material),
        _claims(material),
        _restated(material.report),
        _recompute(material),
        _sources(material),
    )
    return Page("appendix", "Appendix: figures, evidence, recomputation", sections)


def _claims(material: Material) -> Section:
    found = table(
        "claims",
        "Claims and rivals",
        (*words("Claim", "Became", "Gates", "Done by, helped", "Confirmed by", "Why"), EVIDENCE),
        (_claim(one) for one in material.report.claims),
        "Nothing is claimed.",
    )
    lead = (
        "A piece of evidence backs one claim only. A rival would have counted it again, so it is "
        "listed and not counted."
    )
    return Section("claims", "F. Claims, gates and rival claims", (found,), lead)


def _claim(one: Claim) -> tuple[Cell, ...]:
    loses = f"loses to {one.loses_to}" if one.loses_to else ""
    return (
        said(one.title, one.text),
        said(one.standing.value, one.tag.value),
        said("; ".join(map(_gate, one.gates)), nothing="no gate applies"),
        said(one.team or "no team", f"helped {one.helped}" if one.helped else ""),
        said(", ".join(one.confirmed_by), nothing="nobody yet"),
        said("; ".join(filter(None, (loses, one.why))), nothing="nothing speaks against it"),
        entries(one.refs),
    )


_PASSED = {True: "yes", False: "no", None: "cannot be said"}


def _gate(one: Gate) -> str:
    return f"{one.name}: {_PASSED[one.passed]}" + (f" ({one.why})" if one.why else "")


def _restated(report: Report) -> Section:
    nothing = "This is the first version of this report: nothing was told otherwise before."
    if report.version > 1:
        nothing = f"No figure differs from version {report.version - 1}."
    found = table(
        "restated",
        "Figures that were told otherwise before",
        words("Figure", "Before", "Now"),
        (_changed(report, one) for one in report.restated),
        nothing,
    )
    return Section("restated", "G. Restatements", (found,))


def _changed(report: Report, one: Restatement) -> tuple[Cell, ...]:
    known = any(figure.id == one.figure for figure in report.figures)
    now = Cell(one.now or "not told any more", figure=one.figure if known else "")
    return (Cell(one.title, one.figure), said(one.before, nothing="not told"), now)


def _recompute(material: Material) -> Section:
    report = material.report
    told = Paragraph(
        "The first line makes every number again from the inputs that this file carries, and "
        "needs no network. The second asks whether the ledger still holds them; the third builds "
        "the report again from the ledger."
    )
    command = Command(
        (
            "opskit report verify FILE",
            f"opskit ledger verify --head {report.seal.hash}",
            f"opskit report build {material.asked} -o json",
        )
    )
    return Section(
        "recompute", "H. How to recompute", (told, command, Facts(tuple(_facts(report))))
    )


def _facts(report: Report) -> Iterator[tuple[str, Cell]]:
    seal = report.seal
    yield "Ledger head", Cell(f"entry {seal.seq}", seal.hash)
    broken = judged(Mark.MISSED, f"broken: {seal.broken}")
    yield "Ledger chain", broken if seal.broken else judged(Mark.MET, "whole")
    yield "Report id", Cell(report.id)
    yield "Version", Cell(f"{report.version}")
    yield "Zone", Cell(report.zone)
    yield "Built", Cell(f"by opskit {report.opskit_version}")


def _sources(material: Material) -> Section:
    found = table(
        "sources",
        "Where evidence came from",
        (*words("Source", "How", "From", "To"), *counts_of("Rows"), *words("Note")),
        (_source(material, one) for one in material.report.sources),
        "No source is named: all evidence is what opskit itself recorded.",
    )
    return Section("sources", "I. Sources", (found,))


def _source(material: Material, one: Source) -> tuple[Cell, ...]:
    start, end = one.covers.start, one.covers.end
    how = "imported" if one.kind == "imported" else "recorded by opskit"
    return (
        said(one.name),
        Cell(how),
        Cell(material.times.full(start), at=start),
        Cell(material.times.full(end), at=end),
        number(one.rows),
        said(one.note, nothing="nothing to add"),
    )
