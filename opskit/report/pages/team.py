"""For a team that is served: its services, its waits, its access, what gets in the way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from opskit.core.clock import format_duration
from opskit.core.evidence import IntakeEvidence, RequestEvidence
from opskit.core.leadtime import curve
from opskit.core.text import plural
from opskit.report.built import Built
from opskit.report.document import (
    Block,
    Cell,
    Mark,
    Page,
    Paragraph,
    Ribbons,
    Section,
    Statement,
    Statements,
    Tone,
)
from opskit.report.model import ServiceSection, Standing
from opskit.report.pages import gaps, people, services
from opskit.report.pages.access import used
from opskit.report.pages.cells import (
    EVIDENCE,
    counts_of,
    entries,
    judged,
    length,
    moment,
    number,
    said,
    table,
    times_of,
    words,
)
from opskit.report.pages.material import Material

# What rows of evidence call a team that is served, or serves.
_NAMES = ("owner", "team", "helped", "giver", "taker")


def teams(built: Built) -> tuple[str, ...]:
    """Return the teams that a report speaks of, sorted."""
    return tuple(sorted(set(_teams(built)) - {""}))


def _teams(built: Built) -> Iterator[str]:
    evidence = built.inputs.ground.evidence
    yield from (one.owner for one in evidence.services)
    for group in (evidence.access, evidence.warnings, evidence.desk, evidence.word):
        rows = () if group is None else (getattr(group, one.name) for one in fields(group))
        for row in (row for kind in rows for row in kind):
            yield from (str(getattr(row, name, "")) for name in _NAMES)


def page(material: Material, team: str) -> Page:
    """Return the page of a team."""
    owned = [one for one in material.report.services if one.owner == team]
    return Page(
        "team",
        f"For the team {team}",
        gaps.together(
            (
                *_helped(material, team),
                _services(team, owned),
                services.outages_of(material, owned),
                _waits(material, team),
                _requests(material, team),
                people.friction(material),
            )
        ),
    )


def _helped(material: Material, team: str) -> Iterator[Section]:
    wins = [
        one
        for one in material.report.claims
        if one.helped == team and one.standing is Standing.MADE
    ]
    if wins:
        told = tuple(
            Statement(
                Tone.WIN, one.title, one.text, one.team, one.confirmed_by, one.figures, one.refs
            )
            for one in wins
        )
        yield Section("helped", "What was done for you", (Statements("Done for you", told),))


def _services(team: str, owned: list[ServiceSection]) -> Section:
    nothing = f"The team {team} owns no service that is monitored."
    shown = services.worst_first(owned)[: services.RIBBONS_SHOWN]
    strips = Ribbons(
        tuple(map(services.strip, shown)), "" if owned else nothing, len(owned) - len(shown)
    )
    return Section("team-services", "Your services", (strips,))


def _waits(material: Material, team: str) -> Section:
    title = "Your access"
    if not material.knows("access", "requests"):
        nothing = Paragraph("Nothing is recorded of access.")
        return Section("team-access", title, (nothing, *used(material, team)))
    rows = [one for one in material.access.requests if one.team == team]
    blocks: list[Block] = [Paragraph(_waited(material, rows))]
    blocks.append(
        table(
            "team-requests",
            "What was asked for",
            (
                *words("Request", "Role"),
                *times_of("Asked"),
                *words("Became"),
                *times_of("Usable"),
                EVIDENCE,
            ),
            (_request(material, one) for one in rows),
            "The team asked for no access in this period.",
        )
    )
    held = Counter((one.role, one.level) for one in material.access.grants if one.team == team)
    blocks.append(
        table(
            "team-grants",
            "Access that the team held",
            (*words("Role", "Risk"), *counts_of("Grants")),
            (
                (said(role), said(level, nothing="not rated"), number(times))
                for (role, level), times in sorted(held.items())
            ),
            "The team held no access in this period.",
        )
    )
    blocks += used(material, team)
    return Section("team-access", title, tuple(blocks))


def _waited(material: Material, rows: list[RequestEvidence]) -> str:
    found = (one.wait(material.period.end) for one in rows)
    estimate = curve(one for one in found if one is not None)
    if not estimate.count:
        return "Nobody of the team waited for access in this period."
    still = f"; {estimate.still} not served yet" if estimate.still else ""
    if estimate.median is None:
        return f"Fewer than half of {plural(estimate.count, 'request')} were served{still}."
    within = format_duration(estimate.median)
    return f"Half of {plural(estimate.count, 'request')} were served within {within}{still}."


def _request(material: Material, one: RequestEvidence) -> tuple[Cell, ...]:
    usable = moment(material.times, one.usable_at)
    waits = one.outcome in {"pending", "approved"} and one.gone_at is None
    never = judged(Mark.OPEN, "not yet") if waits else Cell("never")
    return (
        said(one.name),
        said(one.role),
        moment(material.times, one.asked_at),
        said(one.outcome),
        never if one.usable_at is None else usable,
        entries(one.refs),
    )


def _requests(material: Material, team: str) -> Section:
    title = "Your requests to Ops"
    if not material.knows("desk", "intakes"):
        return Section(
            "team-intake", title, (Paragraph("No request to Ops is recorded anywhere."),)
        )
    rows = [one for one in material.desk.intakes if one.team == team]
    found = table(
        "team-intake",
        "What the team asked Ops for",
        (
            *words("Request", "Kind"),
            *times_of("Asked", "Done after"),
            *counts_of("Asked back"),
            *times_of("Could not work for"),
            EVIDENCE,
        ),
        (_intake(material, one) for one in rows),
        "The team asked Ops for nothing in this period.",
    )
    return Section("team-intake", title, (found,))


def _intake(material: Material, one: IntakeEvidence) -> tuple[Cell, ...]:
    took = length(None if one.done_at is None else one.done_at - one.asked_at)
    return (
        said(one.name),
        said(one.kind),
        moment(material.times, one.asked_at),
        judged(Mark.OPEN, "not done yet") if one.done_at is None else took,
        number(one.rounds),
        length(one.blocked, nothing="not asked"),
        entries(one.refs),
    )
