"""What Ops carries: time kept free, calls at night, what breaks at twice the load. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from statistics import median

from opskit.core.clock import format_duration
from opskit.core.evidence import FiringEvidence, FocusEvidence, PageEvidence, ProcessEvidence
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.report.document import Block, Cell, Mark, Paragraph, Section
from opskit.report.figures.shape import refs_of
from opskit.report.figures.work import SATURATED
from opskit.report.model import Figure
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
    value,
    words,
)
from opskit.report.pages.material import Material


def doubling(material: Material) -> Section:
    """Return every process, the one that breaks first at twice the load on top."""
    title = "If twice as much came"
    if not material.knows("desk", "processes"):
        why = "No process is counted anywhere, so nobody can say which would break first."
        return Section("doubling", title, (Paragraph(why),))
    rows = [(one, material.register[f"doubling.{one.process}"]) for one in material.desk.processes]
    ordered = sorted(rows, key=lambda row: (-_load(row[1]), row[0].process))
    found = table(
        "doubling",
        "Load of each process, now and at twice as much",
        (
            *words("Process"),
            *counts_of("Came", "People able", "Load now"),
            *words("At twice"),
            EVIDENCE,
        ),
        (_process(*row) for row in ordered),
        "No process was counted in this period.",
    )
    return Section("doubling", title, (*_first([one for _, one in ordered]), found))


def _load(figure: Figure) -> Fraction:
    """Return the load; a process that nobody can do, or knows the load of, comes last."""
    return Fraction(figure.value) if figure.value else Fraction(-1)


def _first(ordered: Sequence[Figure]) -> Iterator[Paragraph]:
    known = [one for one in ordered if one.value]
    full = [one for one in known if 2 * Fraction(one.value) >= SATURATED]
    if full:
        name = full[0].title.removeprefix("Load of ")
        rest = (
            f" {plural(len(full) - 1, 'more process', 'more processes')} would." if full[1:] else ""
        )
        yield Paragraph(f"{name} would break first: {full[0].note}.{rest}")
    elif known:
        yield Paragraph(f"None of {plural(len(known), 'process', 'processes')} would break.")


def _process(one: ProcessEvidence, figure: Figure) -> tuple[Cell, ...]:
    breaks = bool(figure.value) and 2 * Fraction(figure.value) >= SATURATED
    return (
        said(one.process),
        number(one.arrivals),
        number(one.able),
        value(figure),
        judged(Mark.OPEN if breaks else Mark.NONE, figure.note or "not known"),
        entries(one.refs),
    )


def focus(material: Material) -> Section:
    """Return time that teams kept free, and how often it was interrupted."""
    title = "Time kept for work that is not urgent"
    if not material.knows("word", "focus"):
        why = "No time is kept free anywhere, or nobody says so."
        return Section("focus", title, (Paragraph(why),))
    found = table(
        "focus",
        "Time kept free, by team",
        (*words("Team"), *times_of("From", "For"), *counts_of("Interruptions"), EVIDENCE),
        (_kept(material, one) for one in material.word.focus),
        "No time was kept free in this period.",
    )
    return Section("focus", title, (*tiled(material.figures("focus.")), *_whole(material), found))


def _whole(material: Material) -> Iterator[Paragraph]:
    rows = material.word.focus
    if rows:
        whole = sum(one.interrupts == 0 for one in rows)
        yield Paragraph(
            f"{whole} of {plural(len(rows), 'stretch', 'stretches')} had no interruption."
        )


def _kept(material: Material, one: FocusEvidence) -> tuple[Cell, ...]:
    return (
        said(one.team, nothing="no team"),
        moment(material.times, one.period.start),
        Cell(format_duration(one.period.length)),
        Cell(f"{one.interrupts}" if one.interrupts else "none"),
        entries(one.refs),
    )


def pages(material: Material) -> Section:
    """Return calls for a human, by team and rule, those after hours counted apart."""
    title = "Calls for a human"
    if not material.knows("warnings", "pages"):
        return Section("calls", title, (Paragraph("No call for a human is recorded anywhere."),))
    rows = material.warnings.pages
    pairs = sorted({(one.team, one.rule) for one in rows})
    groups = [(pair, [one for one in rows if (one.team, one.rule) == pair]) for pair in pairs]
    found = table(
        "calls",
        "Calls, by team and rule",
        (*words("Team", "Rule"), *counts_of("Calls", "After hours", "Nothing followed"), EVIDENCE),
        (_calls(*one) for one in sorted(groups, key=lambda group: (-len(group[1]), group[0]))),
        "Nobody was called in this period.",
    )
    return Section("calls", title, (*_nights(rows), found))


def alerts(material: Material) -> Section:
    """Return what alerts were worth, by rule: those that nobody ever needed first."""
    title = "What alerts were worth"
    if not material.knows("warnings", "firings"):
        return Section("alerts", title, (Paragraph("No alert is recorded anywhere."),))
    rows = material.warnings.firings
    by_rule = {
        rule: [one for one in rows if one.rule == rule] for rule in {one.rule for one in rows}
    }
    counted = counts_of("Fired", "Worth it", "For nothing", "After hours")
    found = table(
        "alerts",
        "Alerts, by rule",
        (*words("Rule"), *counted, *times_of("Median lead"), EVIDENCE),
        (_worth(rule, own) for rule, own in sorted(by_rule.items(), key=_idle_first)),
        "No alert fired in this period.",
    )
    return Section("alerts", title, (*tiled(material.figures("alerts.")), found))


def _idle_first(item: tuple[str, Sequence[FiringEvidence]]) -> tuple[int, str]:
    rule, rows = item
    return -sum(one.worth is False for one in rows), rule


def _worth(rule: str, rows: Sequence[FiringEvidence]) -> tuple[Cell, ...]:
    leads = [one.lead for one in rows if one.lead is not None]
    return (
        said(rule, nothing="no rule"),
        number(len(rows)),
        number(sum(one.worth is True for one in rows)),
        number(sum(one.worth is False for one in rows)),
        number(sum(one.after_hours for one in rows)),
        Cell(format_duration(round(median(leads))) if leads else "no outage after it"),
        entries(refs_of(rows)),
    )


def _nights(rows: Sequence[PageEvidence]) -> Iterator[Block]:
    if rows:
        late = sum(one.after_hours for one in rows)
        share = percent(Fraction(late, len(rows)), 0)
        yield Paragraph(f"{late} of {plural(len(rows), 'call')} came after hours ({share}).")


def _calls(who: tuple[str, str], rows: Sequence[PageEvidence]) -> tuple[Cell, ...]:
    refs = tuple(sorted({ref for one in rows for ref in one.refs}))
    return (
        said(who[0], nothing="no team"),
        said(who[1], nothing="no rule"),
        number(len(rows)),
        number(sum(one.after_hours for one in rows)),
        number(sum(one.acted is False for one in rows)),
        entries(refs),
    )
