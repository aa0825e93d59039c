"""What nobody knows, what nobody owns, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opskit.core.evidence import Evidence
from opskit.report.document import Block, Cell, Command, Facts, Paragraph, Section
from opskit.report.model import Report
from opskit.report.pages.cells import said, table, words
from opskit.report.pages.material import Material


def gaps(material: Material) -> Section:
    """Return what the report cannot say and why not, and what has no owner."""
    rows = ((said(one.subject), said(one.reason)) for one in material.report.gaps)
    found = table(
        "gaps", "What is not known", words("About", "Why not"), rows, _no_gap(material.report)
    )
    never = Paragraph(
        "This report does not say what would have happened without this work: no outage "
        "prevented, no money saved, no person's output."
    )
    steps = (block for one in next_steps(material) for block in one.blocks)
    blocks = (found, _unowned(material), never, *steps)
    return Section("gaps", "E. What this report cannot say", blocks)


def together(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return sections with those that hold but a sentence told together, at the end."""
    every = tuple(sections)
    brief = {one.name: text for one in every if (text := _sentence(one))}
    whole = tuple(one for one in every if one.name not in brief)
    if not brief:
        return whole
    rest = Facts(tuple((one.title, Cell(brief[one.name])) for one in every if one.name in brief))
    return (*whole, Section(f"silent-{every[0].name}", "What cannot be told here", (rest,)))


def _sentence(section: Section) -> str:
    """Return the one sentence that a section holds; nothing where it holds more."""
    first = section.blocks[0]
    return first.text if len(section.blocks) == 1 and isinstance(first, Paragraph) else ""


def _no_gap(report: Report) -> str:
    if report.services or report.runs:
        return (
            "No gap was found in the evidence: each service was observed all the time it was "
            "monitored, and each run reached all its hosts."
        )
    but = "nothing of this period" if report.access is None else "nothing but of access"
    return f"No service was watched and no run was made, so it can say {but}."


def _unowned(material: Material) -> Block:
    return table(
        "unowned",
        "What has no owner",
        words("What", "What is missing"),
        ((said(what), said(missing)) for what, missing in _orphans(material)),
        "All that this report speaks of has an owner, as far as it can see.",
    )


def _orphans(material: Material) -> Iterator[tuple[str, str]]:
    for service in material.report.services:
        if not service.owner:
            yield service.name, "a service that no team owns"
    for process in material.desk.processes:
        if not process.able:
            yield process.process, "a process that nobody is able to do"
    for one in material.word.handovers:
        if one.accepted_at is None:
            yield one.subject, f"handed to {one.taker or 'nobody'}, and not accepted yet"


@dataclass(frozen=True, slots=True)
class _Step:
    """What can be set up, and what to type for it."""

    wants: str
    command: str


def _steps(evidence: Evidence) -> Iterator[_Step]:
    if not evidence.services:
        yield _Step("services with probes, in services.yaml", "opskit schema services")
    if not evidence.runs:
        yield _Step("a check of the hosts", "opskit fleet check")
    if evidence.access is None:
        yield _Step("access to targets, in access/", "opskit access lint")
    if not evidence.services or not evidence.runs or evidence.access is None:
        yield _Step("what is installed, reachable and permitted", "opskit doctor")


def next_steps(material: Material) -> Iterator[Section]:
    """Yield what to set up so that the next report can say more; nothing where all is there."""
    steps = tuple(_steps(material.evidence))
    if steps:
        told = f"The next report can say more with {_listed([one.wants for one in steps[:-1]])}."
        lines = tuple(f"{one.command:<24}# {one.wants}" for one in steps)
        yield Section("next", "What to set up next", (Paragraph(told), Command(lines)))


def _listed(wants: list[str]) -> str:
    first, last = wants[:-1], wants[-1]
    return f"{'; '.join(first)}; and {last}" if first else last
