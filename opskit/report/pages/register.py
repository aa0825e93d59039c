"""The register: every figure, how it was made, and from what. Pure."""

from __future__ import annotations

from dataclasses import replace

from opskit.core.clock import iso
from opskit.report.document import (
    REFS_SHOWN,
    Cell,
    Chart,
    Facts,
    Page,
    Section,
    Statement,
    Statements,
    Table,
)
from opskit.report.figures.catalogue import METHODS
from opskit.report.figures.method import PARTS, Method
from opskit.report.inputs import EvidenceRow
from opskit.report.model import Figure, Tag
from opskit.report.pages.cells import EVIDENCE, codes, entries, said, table, times_of, words
from opskit.report.pages.material import Material

EVIDENCE_SHOWN = 500
_FIGURES_SHOWN = 5_000
_HASH_SHOWN = 16
TAGS = {
    Tag.MEASURED: "counted or added up from ledger entries, by the formula printed beside it",
    Tag.DERIVED: "measured inputs put through a stated model that was fitted to own evidence only",
    Tag.ASSUMED: "rests on at least one number that a person entered",
}


def register(material: Material) -> Section:
    """Return every figure there is, with what its tag means."""
    columns = (
        *words("Figure", "Shown as", "Exact value", "Tag", "Formula", "Beside other months"),
        EVIDENCE,
    )
    rows = (_figure(one) for one in material.report.figures)
    nothing = "This report has no figure."
    found = table("register", "Figure register", columns, rows, nothing, _FIGURES_SHOWN)
    tags = Facts(tuple((tag.value, Cell(meaning)) for tag, meaning in TAGS.items()))
    lead = "Every figure has the weakest tag of what it was made from."
    return Section("register", "A. Figure register", (tags, found), lead)


def _figure(one: Figure) -> tuple[Cell, ...]:
    between = f"{one.bounds.display}: {one.bounds.kind}" if one.bounds else one.presence.value
    confirmed = f"confirmed by {', '.join(one.confirmed_by)}" if one.confirmed_by else "unconfirmed"
    return (
        Cell(one.title, f"{one.id}, {one.method}", figure=one.id),
        Cell(one.display, between),
        Cell(f"{one.value} {one.unit}" if one.value else f"none, in {one.unit}"),
        Cell(one.tag.value, confirmed),
        Cell(one.formula, one.note),
        Cell(one.comparison.words if one.comparison else "not compared"),
        entries(one.refs),
    )


def evidence(material: Material, first: dict[int, None]) -> Section:
    """Return the ledger entries behind the report; those in `first`, which lines lead to, first."""
    kept, more = _kept(material, first)
    rows = [
        (
            Cell(f"{one.seq}", refs=(one.seq,)),
            Cell(iso(one.at), at=one.at),
            said(one.kind),
            Cell(one.hash[:_HASH_SHOWN], one.hash),
        )
        for one in kept
    ]
    columns = (*words("Entry"), *times_of("At (UTC)"), *words("What"), *codes("Hash"))
    nothing = "No ledger entry stands behind this report: nothing was recorded for its period."
    found = table("evidence", "Ledger entries", columns, rows, nothing, EVIDENCE_SHOWN)
    lead = "Who did what stays in the ledger: opskit ledger export prints it."
    return Section("evidence", "B. Evidence", (replace(found, more=more),), lead)


def _kept(material: Material, first: dict[int, None]) -> tuple[list[EvidenceRow], int]:
    """Return the entries to show, in order, and how many are left out."""
    order = {ref: place for place, ref in enumerate(first)}
    every = material.report.entries
    ranked = sorted(every, key=lambda row: (order.get(row.seq, len(order)), row.seq))
    kept = sorted(ranked[:EVIDENCE_SHOWN], key=lambda row: row.seq)
    return kept, len(every) - len(kept)


def linked(value: object) -> dict[int, None]:
    """Return the entries that the lines of some pages lead to, in reading order."""
    found: dict[int, None] = {}
    _walk(value, found)
    return found


def _walk(value: object, found: dict[int, None]) -> None:
    if isinstance(value, tuple):
        for item in value:
            _walk(item, found)
    elif isinstance(value, Cell | Statement):
        found.update(dict.fromkeys(value.refs[:REFS_SHOWN]))
    elif isinstance(value, Page | Section | Statements | Table | Chart):
        for name in _WITHIN[type(value)]:
            _walk(getattr(value, name), found)


_WITHIN: dict[type, tuple[str, ...]] = {
    Page: ("sections",),
    Section: ("blocks",),
    Statements: ("statements",),
    Table: ("rows",),
    Chart: ("twin",),
}


def methods() -> Section:
    """Return every method with its formula, version, and what it must not be used to claim."""
    columns = words("Method", *PARTS)
    found = table("methods", "Methods", columns, map(_method, METHODS), "There is no method.")
    lead = "A version goes up whenever the same evidence would give another figure."
    return Section("methods", "C. Formulas and versions", (found,), lead)


def _method(one: Method) -> tuple[Cell, ...]:
    told = one.parts
    return (Cell(one.name, one.title), *(Cell(told[part]) for part in PARTS))
