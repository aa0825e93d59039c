"""Services: their time as ribbons, their figures, their outages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opskit.core.clock import format_duration
from opskit.core.text import plural
from opskit.report.document import Block, Cell, Mark, Paragraph, Ribbons, Section, Strip
from opskit.report.model import Outage, ServiceSection
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    moment,
    said,
    table,
    times_of,
    value,
    words,
)
from opskit.report.pages.material import Material

# So many services fit the first page, and so many ribbons a document.
GLANCED, RIBBONS_SHOWN = 8, 40
_NAMED = 8
_NONE = (
    "No service is monitored, so there is no availability to report. "
    "That is not the same as nothing having been down."
)
_ORDER = (Mark.MISSED, Mark.UNCLEAR)


def worst_first(every: Iterable[ServiceSection]) -> list[ServiceSection]:
    """Return services with those that missed their objective first, and the most downtime first."""
    return sorted(every, key=lambda one: (_rank(one), -_down(one), one.name))


def _rank(section: ServiceSection) -> int:
    mark = verdict(section)
    return _ORDER.index(mark) if mark in _ORDER else len(_ORDER)


def _down(section: ServiceSection) -> int:
    return sum(cell.time.down for cell in section.ribbon)


def observed(section: ServiceSection) -> bool:
    """Return whether anything is known of a service in the period."""
    return any(cell.time.known for cell in section.ribbon)


def verdict(section: ServiceSection) -> Mark:
    """Return whether its promise was kept."""
    if not section.objective:
        return Mark.NONE
    if section.met is None:
        return Mark.UNCLEAR
    return Mark.MET if section.met else Mark.MISSED


def _why(section: ServiceSection) -> str:
    if not section.objective:
        return "no target"
    if section.met is not None:
        return ""
    if not observed(section):
        return "it was not observed"
    return (
        "unobserved time could decide it"
        if section.availability.value
        else "too little was observed"
    )


def glance(material: Material) -> Section:
    """Return the services that fit the first page; in the order of the files where all do."""
    every = material.report.services
    shown = every if len(every) <= GLANCED else worst_first(every)[:GLANCED]
    ribbons = Ribbons(tuple(map(strip, shown)), "" if every else _NONE, len(every) - len(shown))
    return Section("services", "Services", (ribbons,))


def rest(material: Material) -> Iterator[Section]:
    """Yield the ribbons of services that the first page could not hold."""
    left = worst_first(material.report.services)[GLANCED:]
    if left:
        shown = left[:RIBBONS_SHOWN]
        strips = Ribbons(tuple(map(strip, shown)), more=len(left) - len(shown))
        lead = f"The first page has the {GLANCED} that did worst."
        yield Section("services-days", "The other services, day by day", (strips,), lead)


def strip(section: ServiceSection) -> Strip:
    """Return a service's time, day by day."""
    seen = observed(section)
    between = "" if section.low == section.high else f"between {section.low} and {section.high}"
    edge = section.edge if section.outages and section.edge != format_duration(0) else ""
    return Strip(
        service=section.name,
        owner=section.owner or "no owner",
        kind=section.kind or "no kind",
        verdict=verdict(section),
        why=_why(section),
        figure=section.availability,
        objective=section.objective or "none",
        between=(between or "no time unobserved") if seen else "not observed",
        coverage=section.coverage if seen else "not observed",
        downtime=_downtime(section, seen=seen),
        edge=edge,
        outages=_counted(len(section.outages), seen=seen),
        blips=_counted(section.blips, seen=seen),
        days=section.ribbon,
    )


def _downtime(section: ServiceSection, *, seen: bool) -> str:
    if not seen:
        return "not observed"
    return section.downtime if section.outages else "none seen"


def _counted(count: int, *, seen: bool) -> str:
    if not seen:
        return "not observed"
    return f"{count:,}" if count else "none seen"


def in_figures(material: Material) -> Section:
    """Return every service in figures."""
    every = worst_first(material.report.services)
    columns = (
        *words("Service", "Target"),
        *counts_of("Availability", "Budget left", "Observed", "Downtime", "Outages", "Blips"),
    )
    rows = (_row(material, one) for one in every)
    blocks: tuple[Block, ...] = (table("services", "Services in figures", columns, rows, _NONE),)
    return Section("services-all", "Services in figures", blocks)


def _row(material: Material, section: ServiceSection) -> tuple[Cell, ...]:
    told = strip(section)
    left = material.register.get(f"budget.{section.name}")
    return (
        said(section.name, f"{told.owner}, {told.kind}"),
        judged(told.verdict, told.verdict.value or told.why, _promised(section)),
        value(section.availability, told.between),
        value(left, left.note) if left else Cell("no target"),
        Cell(told.coverage),
        Cell(told.downtime, f"± {told.edge}" if told.edge else ""),
        Cell(told.outages),
        Cell(told.blips),
    )


def _promised(section: ServiceSection) -> str:
    if not section.objective:
        return "nothing promised"
    return "; ".join(filter(None, (f"{section.objective} promised", _why(section))))


def outages(material: Material) -> Section:
    """Return every outage, service by service."""
    return outages_of(material, material.report.services)


def outages_of(material: Material, every: Sequence[ServiceSection]) -> Section:
    """Return the outages of some services."""
    lead = (
        "A service is down from the first failed try to the first good one. A blip, one failure "
        "that the next try did not confirm, is counted but is no outage."
    )
    if not every:
        nothing = Paragraph("No service is monitored, so no outage could have been seen.")
        return Section("outages", "Outages", (nothing,))
    columns = (*words("Service"), *times_of("From", "To", "Length"), *words("Reason"), EVIDENCE)
    rows = [_outage(material, section.name, one) for section in every for one in section.outages]
    found = table("outages", "Outages", columns, rows, _no_outage(every))
    return Section("outages", "Outages", (found, *_unseen(every)), lead)


def _no_outage(every: Sequence[ServiceSection]) -> str:
    if any(map(observed, every)):
        return "No outage was seen in the time that was observed."
    return "No service was observed, so no outage could have been seen."


def _unseen(every: Sequence[ServiceSection]) -> Iterator[Paragraph]:
    dark = [one.name for one in every if not observed(one)]
    if dark and len(dark) < len(every):
        whose = f"{plural(len(dark), 'service')} not observed: {', '.join(dark[:_NAMED])}"
        rest = f" and {len(dark) - _NAMED} more" if len(dark) > _NAMED else ""
        yield Paragraph(f"{whose}{rest}. No outage there could have been seen.")


def _outage(material: Material, service: str, one: Outage) -> tuple[Cell, ...]:
    before, after = one.start == material.period.start, one.end == material.period.end
    took = format_duration(one.end - one.start)
    return (
        said(service),
        Cell("before the period") if before else moment(material.times, one.start),
        Cell("not over at its end") if after else moment(material.times, one.end),
        Cell(f"at least {took}" if before or after else took),
        said(one.reason, nothing="no reason recorded"),
        entries(one.refs),
    )
