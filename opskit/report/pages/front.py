"""Page 1: what a manager needs in a minute. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from opskit.core.evidence import ServiceEvidence
from opskit.core.interval import percent, totals
from opskit.core.text import plural
from opskit.report.document import (
    Block,
    Page,
    Paragraph,
    Section,
    Statement,
    Statements,
    Tiles,
    Tone,
)
from opskit.report.model import Claim, Point
from opskit.report.pages import gaps, services
from opskit.report.pages.cells import tile
from opskit.report.pages.material import Material


def scope(material: Material) -> str:
    """Return what the report covers, and how well."""
    start, end = (
        material.times.full(material.period.start),
        material.times.full(material.period.end),
    )
    parts = [f"{start} to {end}, times in {material.report.zone}", _covered(material)]
    parts += ["the month is not over"] if _cut_short(material) else []
    return "; ".join(filter(None, parts))


def _covered(material: Material) -> str:
    found = material.evidence.services
    if not found:
        return "no service monitored"
    times = [totals(one.timeline) for one in found]
    known, due = sum(one.known for one in times), sum(one.in_scope for one in times)
    share = percent(Fraction(known, due), 1) if due else "none"
    seen = sum(one.known > 0 for one in times)
    observed = f"{seen} of {plural(len(found), 'service')} observed, {share} of their time"
    return f"{observed}; {_promised(found)}"


def _promised(found: Sequence[ServiceEvidence]) -> str:
    with_one = sum(one.objective is not None for one in found)
    return f"{with_one or 'none'} of them with a target"


def _cut_short(material: Material) -> bool:
    whole = material.first_month
    return whole.start == material.period.start and material.period.end < whole.end


def page(material: Material) -> Page:
    """Return the first page."""
    return Page("front", "At a glance", tuple(_sections(material)))


def rest(material: Material) -> Section:
    """Return how to get the other pages, for who was given the first alone."""
    gaps_found = len(material.report.gaps)
    open_yet = f"; {plural(gaps_found, 'thing')} could not be said" if gaps_found else ""
    told = Paragraph(
        f"{plural(len(material.report.figures), 'figure')} and "
        f"{plural(len(material.report.entries), 'ledger entry', 'ledger entries')} stand behind "
        f"this page{open_yet}. To read them: "
        f"opskit report build {material.asked} --view whole"
    )
    return Section("rest", "Behind this page", (told,))


def _sections(material: Material) -> Iterator[Section]:
    blocks = tuple(_glance(material))
    if blocks:
        yield Section("glance", "Figures at a glance", blocks)
    yield services.glance(material)
    statements = tuple(_statements(material))
    if statements:
        yield Section("stood-out", "What stood out", statements)
    if not material.evidence.rows:
        yield from gaps.next_steps(material)


def _glance(material: Material) -> Iterator[Block]:
    told = material.report.front
    if told.refused:
        yield Statement(Tone.WARNING, "This report has no headline", told.refused)
    before = material.report.version - 1
    if material.report.restated:
        changed = plural(len(material.report.restated), "figure differs", "figures differ")
        yield Paragraph(
            f"{changed} from version {before} of this report; the appendix lists what was restated."
        )
    elif before:
        yield Paragraph(f"No figure differs from version {before} of this report; evidence does.")
    if told.tiles:
        yield Tiles(tuple(map(tile, told.tiles)))


def _statements(material: Material) -> Iterator[Statements]:
    told = material.report.front
    if told.wins:
        yield Statements("Wins", tuple(_win(one) for one in told.wins))
    if told.miss:
        yield Statements("Missed", (_point(Tone.MISS, told.miss),))
    if told.decision:
        yield Statements("Decision wanted", (_point(Tone.DECISION, told.decision),))


def _win(claim: Claim) -> Statement:
    # Who was helped comes first: a report that praises its writer is not believed.
    whose = f"for {claim.helped}, by {claim.team}" if claim.helped else f"by {claim.team}"
    return Statement(
        Tone.WIN, claim.title, claim.text, whose, claim.confirmed_by, claim.figures, claim.refs
    )


def _point(tone: Tone, point: Point) -> Statement:
    return Statement(tone, point.title, point.text, figures=point.figures, refs=point.refs)
