"""Page 3: what it was like for people: teams, never single persons. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import (
    FrictionEvidence,
    OutcomeEvidence,
)
from opskit.report.document import Block, Cell, Mark, Page, Paragraph, Section
from opskit.report.pages import gaps, handed
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    number,
    said,
    table,
    tiled,
    times_of,
    words,
)
from opskit.report.pages.charts.shares import outcomes as ways
from opskit.report.pages.handed import unsaid
from opskit.report.pages.load import doubling, focus
from opskit.report.pages.material import Material


def page(material: Material) -> Page:
    """Return the page of people."""
    return Page(
        "people",
        "People",
        gaps.together(
            (
                _outcomes(material),
                friction(material),
                comings(material),
                doubling(material),
                handed.areas(material),
                handed.handovers(material),
                handed.fixes(material),
                intake(material),
                focus(material),
                handed.risks(material),
            )
        ),
    )


def _outcomes(material: Material) -> Section:
    if not material.knows("word", "outcomes"):
        return unsaid("outcomes", "What changed for people", "goals")
    found = table(
        "outcomes",
        "Goals in people's terms",
        (
            *words("Goal", "For whom"),
            *counts_of("Before", "Now", "Target"),
            *times_of("Due"),
            EVIDENCE,
        ),
        (_outcome(material, one) for one in material.word.outcomes),
        "No goal is set in people's terms: who, what changes for them, from which value to which.",
    )
    return Section("outcomes", "What changed for people", (*ways(material), found))


def _outcome(material: Material, one: OutcomeEvidence) -> tuple[Cell, ...]:
    late = one.begun_at is not None and one.frozen_at > one.begun_at
    now = "not measured" if one.now is None else _amount(one.now, one.unit)
    return (
        said(one.change, "its baseline was written down after the work began" if late else ""),
        said(one.who),
        Cell(_amount(one.baseline, one.unit)),
        Cell(now),
        Cell(_amount(one.target, one.unit)),
        Cell(material.times.full(one.due_at), at=one.due_at),
        entries(one.refs),
    )


def _amount(at: Fraction, unit: str) -> str:
    return f"{float(at):g} {unit}"


def friction(material: Material) -> Section:
    """Return what gets in people's way; answers of fewer than five are not shown."""
    if not material.knows("word", "friction"):
        return unsaid("friction", "What gets in the way", "what gets in people's way")
    blocks = [block for one in material.word.friction for block in _asked(one)]
    if not blocks:
        blocks = [Paragraph("Nobody was asked in this period what gets in the way.")]
    lead = "The question was: which tools are slowing you down or getting in your way?"
    return Section("friction", "What gets in the way", (*_themes(material), *blocks), lead)


def _asked(one: FrictionEvidence) -> Iterator[Block]:
    told = f"{one.answered} of {one.asked} who were asked answered"
    hidden = ". Under five answers, nothing is shown: they could be traced."
    yield Paragraph(f"{told}{hidden if one.hidden else '.'}")


def _themes(material: Material) -> Iterator[Block]:
    shown = [one for one in material.word.friction if not one.hidden]
    if shown:
        themes: dict[str, int] = {}
        for one in shown:
            for theme, times in one.themes.items():
                themes[theme] = themes.get(theme, 0) + times
        ordered = sorted(themes.items(), key=lambda item: (-item[1], item[0]))
        yield table(
            "friction",
            "Themes of the answers",
            (*words("Theme"), *counts_of("Answers")),
            ((said(theme), number(times)) for theme, times in ordered),
            "No answer named a theme.",
        )


def comings(material: Material) -> Section:
    """Return how long those who came waited, and what those who left still had."""
    title = "Coming and leaving"
    if not material.knows("access", "arrivals"):
        nothing = Paragraph(
            "Nobody records who comes and leaves, so nothing can be said of either."
        )
        return Section("comings", title, (nothing,))
    found = table(
        "comings",
        "Those who came and those who left, all teams together",
        (
            *words("Who", "Until"),
            *counts_of("How many"),
            *times_of("Half within", "Longest"),
            *counts_of("Not yet"),
            EVIDENCE,
        ),
        [
            *_spans("Came", "all in place", _came(material)),
            *_spans("Left", "all gone", _left(material)),
        ],
        "Nobody came and nobody left in this period.",
    )
    return Section("comings", title, (found, *_lacking(material)))


@dataclass(frozen=True, slots=True)
class _Span:
    took: int
    over: bool
    refs: tuple[int, ...]


def _came(material: Material) -> list[_Span]:
    return [
        _span(material, one.starts_at, one.ready_at, one.refs)
        for one in material.access.arrivals
        if one.starts_at < material.period.end
    ]


def _left(material: Material) -> list[_Span]:
    return [
        _span(material, one.left_at, one.gone_at, one.refs)
        for one in material.access.departures
        if one.left_at < material.period.end
    ]


def _span(material: Material, start: int, end: int | None, refs: tuple[int, ...]) -> _Span:
    last = material.period.end if end is None else end
    return _Span(max(0, last - start), end is not None, refs)


def _spans(who: str, until: str, spans: Sequence[_Span]) -> Iterator[tuple[Cell, ...]]:
    """Yield one row for all: a row for each could be traced to a person."""
    if spans:
        lengths = sorted(one.took for one in spans)
        lacking = sum(not one.over for one in spans)
        yield (
            Cell(who),
            Cell(until),
            number(len(spans)),
            Cell(format_duration(lengths[(len(lengths) - 1) // 2])),
            Cell(format_duration(lengths[-1])),
            judged(Mark.OPEN if lacking else Mark.NONE, f"{lacking}" if lacking else "none"),
            entries(tuple(sorted({ref for one in spans for ref in one.refs}))),
        )


def _lacking(material: Material) -> Iterator[Paragraph]:
    lacking = Counter(what for one in material.access.arrivals for what in one.missing)
    if lacking:
        named = ", ".join(f"{what} ({times})" for what, times in sorted(lacking.items()))
        yield Paragraph(f"What newcomers still lack: {named}.")


def intake(material: Material) -> Section:
    """Return whether requests came with all that was needed."""
    title = "Requests to Ops"
    if not material.knows("desk", "intakes"):
        return Section("intake", title, (Paragraph("No request to Ops is recorded anywhere."),))
    blocked = [one.blocked for one in material.desk.intakes if one.blocked is not None]
    blocks: list[Block] = [*tiled(material.figures("intake."))]
    if blocked:
        time = format_duration(sum(blocked))
        blocks.append(
            Paragraph(
                f"{len(blocked)} said for how long they could not work meanwhile: {time} in all."
            )
        )
    if not blocks:
        blocks.append(Paragraph("No request came to Ops in this period."))
    return Section("intake", title, tuple(blocks))
