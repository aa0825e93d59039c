"""Events -> the incident they tell of, in whatever order and however often they came in. Pure.

What cannot follow changes nothing, and stays in the timeline: a second end of what is over, an
acknowledgement of it, a return of what was never over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace

from opskit.core.clock import Instant
from opskit.desk.incidents.model import (
    BY,
    Alarm,
    Event,
    Incident,
    Kind,
    Link,
    Opening,
    Severity,
    Status,
)

# What holds of an incident that another was merged into as well.
_SHARED = frozenset({Kind.OPENED, Kind.FIRED, Kind.ENDED, Kind.LINKED})
_ORDER = {kind: number for number, kind in enumerate(Kind)}


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return each event once, as they happened."""
    known = {one.key: one for one in sorted(events, key=lambda one: one.seq, reverse=True)}
    return tuple(sorted(known.values(), key=lambda one: (one.at, _ORDER[one.kind], one.key)))


def told(number: int, events: Iterable[Event]) -> Incident:
    """Return the incident that events tell of; one of them opens it.

    Events of incidents that were merged into it may be among them: they say when it began and
    what belongs to it, not how it stands.
    """
    ordered = in_order(events)
    gone = frozenset(key for one in ordered if one.kind is Kind.SPLIT for key in _keys(one))
    left = tuple(one for one in ordered if one.key not in gone)
    opened = next(one for one in left if one.key == opened_key(number))
    opening = opening_of(opened.data)
    incident = Incident(number, opening, Status.OPEN, opening.severity)
    for event in left:
        if event.incident == number or event.kind in _SHARED:
            incident = _TELLS.get(event.kind, _nothing)(incident, event)
    return replace(_begun(incident), events=left)


def opened_key(number: int) -> str:
    """Return the key of the event that opens an incident."""
    return f"{number}-opened"


def as_data(opening: Opening) -> Mapping[str, str]:
    """Return an opening as an event carries it."""
    return {name: str(value) for name, value in asdict(opening).items()}


def opening_of(data: Mapping[str, str]) -> Opening:
    """Return the opening that an event carries."""
    return Opening(
        title=data["title"],
        severity=Severity(data["severity"]),
        started_at=Instant(int(data["started_at"])),
        detected_at=Instant(int(data["detected_at"])),
        source=data["source"],
        service=data.get("service", ""),
        team=data.get("team", ""),
        visible=data.get("visible") == "True",
        group=data.get("group", ""),
        fingerprint=data.get("fingerprint", ""),
    )


def _nothing(incident: Incident, _event: Event) -> Incident:
    return incident


def _opened(incident: Incident, event: Event) -> Incident:
    """Take the earlier times of one that was merged into this, and that users were hit there."""
    other, own = opening_of(event.data), incident.opening
    opening = replace(
        own,
        started_at=Instant(min(own.started_at, other.started_at)),
        detected_at=Instant(min(own.detected_at, other.detected_at)),
        visible=own.visible or other.visible,
    )
    return replace(incident, opening=opening)


def _begun(incident: Incident) -> Incident:
    """Take the times of alarms that began before anybody knew."""
    begun = min((one.begun for one in incident.alarms), default=incident.opening.started_at)
    if begun >= incident.opening.started_at:
        return incident
    return replace(incident, opening=replace(incident.opening, started_at=begun))


def _fired(incident: Incident, event: Event) -> Incident:
    alarm = Alarm(event.data["alarm"], event.data.get("text", ""), event.at)
    known = {one.name: one for one in incident.alarms}
    incident = replace(incident, alarms=tuple({**known, alarm.name: alarm}.values()))
    if incident.mitigated_at is None or incident.resolved_at is not None:
        return incident
    # It hits somebody again: what was over was not.
    return replace(incident, mitigated_at=None, status=_held(incident))


def _ended(incident: Incident, event: Event) -> Incident:
    alarms = tuple(
        replace(one, ended=event.at) if one.name == event.data["alarm"] else one
        for one in incident.alarms
    )
    return replace(incident, alarms=alarms)


def _held(incident: Incident) -> Status:
    return Status.OPEN if incident.acknowledged_at is None else Status.ACKNOWLEDGED


def _acknowledged(incident: Incident, event: Event) -> Incident:
    if not incident.is_open:
        return incident
    first = incident.acknowledged_at
    taken = replace(incident, owner=event.by, acknowledged_at=event.at if first is None else first)
    return replace(taken, status=_held(taken)) if taken.status is Status.OPEN else taken


def _assigned(incident: Incident, event: Event) -> Incident:
    return replace(incident, owner=event.data["owner"])


def _rated(incident: Incident, event: Event) -> Incident:
    return replace(incident, severity=Severity(event.data["severity"]))


def _linked(incident: Incident, event: Event) -> Incident:
    link = Link(event.data["what"], event.data["name"], event.at, (event.seq,) * bool(event.seq))
    known = {(one.what, one.name): one for one in (link, *incident.links)}
    return replace(incident, links=tuple(sorted(known.values(), key=lambda one: one.at)))


def _mitigated(incident: Incident, event: Event) -> Incident:
    if not incident.is_open or incident.mitigated_at is not None:
        return incident
    if event.by == BY and any(one.ended is None for one in incident.alarms):
        # One that had begun before was seen after: it still fires.
        return incident
    return replace(incident, mitigated_at=event.at, status=Status.MITIGATED)


def _resolved(incident: Incident, event: Event) -> Incident:
    if not incident.is_open:
        return incident
    return replace(
        incident,
        resolved_at=event.at,
        status=Status.RESOLVED,
        cause=event.data.get("text", "") or incident.cause,
        change=event.data.get("change", "") or incident.change,
    )


def _reopened(incident: Incident, _event: Event) -> Incident:
    if incident.status is not Status.RESOLVED:
        return incident
    again = replace(incident, resolved_at=None, mitigated_at=None, reopened=incident.reopened + 1)
    return replace(again, status=_held(again))


def _merged(incident: Incident, event: Event) -> Incident:
    return replace(incident, status=Status.MERGED, into=int(event.data["into"]))


def _keys(event: Event) -> tuple[str, ...]:
    return tuple(event.data["keys"].split())


_TELLS: Mapping[Kind, Callable[[Incident, Event], Incident]] = {
    Kind.OPENED: _opened,
    Kind.FIRED: _fired,
    Kind.ENDED: _ended,
    Kind.ACKNOWLEDGED: _acknowledged,
    Kind.ASSIGNED: _assigned,
    Kind.RATED: _rated,
    Kind.LINKED: _linked,
    Kind.MITIGATED: _mitigated,
    Kind.RESOLVED: _resolved,
    Kind.REOPENED: _reopened,
    Kind.MERGED: _merged,
}
