"""An incident in words: its facts, its timeline line by line, the whole as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opskit.core.clock import Instant, format_duration
from opskit.core.text import clean
from opskit.desk.incidents.model import Event, Incident, Kind

# How an instant is written.
Written = Callable[[Instant], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline: its number, when, who, what."""

    number: int
    at: Instant
    by: str
    text: str


def lines(incident: Incident) -> tuple[Line, ...]:
    """Return the timeline, numbered from 1 as `split` takes lines out."""
    return tuple(
        Line(number, one.at, one.by, _text(one, incident))
        for number, one in enumerate(incident.events, 1)
    )


def _text(event: Event, incident: Incident) -> str:
    data = event.data
    words = {
        Kind.OPENED: f"opened: {data.get('title', '')}",
        Kind.FIRED: f"alert: {data.get('text', '')}",
        Kind.ENDED: f"alert over: {data.get('text', '')}",
        Kind.ACKNOWLEDGED: "has it in hand",
        Kind.ASSIGNED: f"given to {data.get('owner', '')}",
        Kind.RATED: f"rated {data.get('severity', '')}",
        Kind.NOTED: data.get("text", ""),
        Kind.LINKED: f"belongs to it: {data.get('what', '')} {data.get('name', '')}",
        Kind.MITIGATED: f"mitigated: {data.get('text', '')}",
        Kind.RESOLVED: f"resolved: {data.get('text', '')}",
        Kind.REOPENED: f"back: {data.get('text', '')}",
        Kind.SPLIT: f"some of it is now INC-{data.get('into', '')}",
        Kind.MERGED: f"merged into INC-{data.get('into', '')}",
    }
    told = words[event.kind]
    return told if event.incident == incident.number else f"INC-{event.incident}: {told}"


def facts(incident: Incident, written: Written, now: Instant) -> Iterator[tuple[str, str]]:
    """Yield what is known, name and value."""
    opening = incident.opening
    yield "status", str(incident.status)
    yield "severity", str(incident.severity) + (", users are hit" if opening.visible else "")
    yield "service", opening.service
    yield "team", opening.team
    yield "in hand", incident.owner or "nobody"
    yield "told by", opening.source
    for name, at in (
        ("started", opening.started_at),
        ("detected", opening.detected_at),
        ("acknowledged", incident.acknowledged_at),
        ("mitigated", incident.mitigated_at),
        ("resolved", incident.resolved_at),
    ):
        yield name, "not yet" if at is None else _after(at, opening.started_at, written)
    if incident.over_at is None and incident.is_open:
        yield "lasts for", format_duration(now - opening.started_at)
    yield "cause", incident.cause
    yield "change", incident.change
    yield (
        "came back",
        f"{incident.reopened} times"
        if incident.reopened > 1
        else ("once" if incident.reopened else ""),
    )


def _after(at: Instant, started: Instant, written: Written) -> str:
    late = at - started
    return written(at) + (f" (after {format_duration(late)})" if late > 0 else "")


def markdown(incident: Incident, written: Written, now: Instant) -> str:
    """Return the whole story as Markdown; what people typed cannot become a heading or a link."""
    known = [(name, value) for name, value in facts(incident, written, now) if value]
    found = [
        f"# {incident.name}: {_escaped(incident.opening.title)}",
        "",
        *(f"- {name}: {_escaped(value)}" for name, value in known),
        "",
        "## Timeline",
        "",
        *(
            f"{one.number}. {written(one.at)} {_escaped(one.by)}: {_escaped(one.text)}"
            for one in lines(incident)
        ),
    ]
    return "\n".join(found) + "\n"


_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|!&~"})


def _escaped(text: str) -> str:
    return clean(" ".join(text.split())).translate(_SPECIAL)
