"""`alerts/routes.yaml`: who is told of which alerts, when, and who is on call.

What Alertmanager knows is named as it is there; rotas, escalations and quiet times are opskit's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from opskit.alerts.routing.calendars import ClockTime, TimeInterval
from opskit.alerts.routing.matchers import parsed
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND
from opskit.core.text import nearest
from opskit.outside.fields import Span, Zone
from opskit.outside.models import Model

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _matcher(text: str) -> str:
    parsed(text)
    return text


def _wall(value: object) -> datetime:
    """Return a wall-clock time; its zone is the rota's."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        message = f"{value!r} is no time on the wall; write 2026-11-23T09:00 without a zone"
        raise ValueError(message)
    return found


Matching = Annotated[str, AfterValidator(_matcher)]
WallTime = Annotated[
    datetime,
    BeforeValidator(_wall),
    WithJsonSchema({"type": "string", "examples": ["2026-11-23T09:00"]}),
]


class RouteSettings(Model):
    """One node of the tree. What it does not say, it has from the node above."""

    receiver: str = Field(default="", description="name of who is told")
    matchers: tuple[Matching, ...] = Field(
        default=(), description="all must hold", examples=[['severity="page"']]
    )
    group_by: tuple[str, ...] | None = Field(
        default=None, description="labels that put alerts into one message; ... is all of them"
    )
    continue_: bool = Field(
        default=False, alias="continue", description="go on to the next node beside this one, too"
    )
    group_wait: Span | None = Field(default=None, description="before the first message, like 30s")
    group_interval: Span | None = Field(default=None, description="before news of a group, like 5m")
    repeat_interval: Span | None = Field(
        default=None, description="before it is said again while it fires, like 4h"
    )
    mute_time_intervals: tuple[str, ...] = Field(default=(), description="when nothing is said")
    active_time_intervals: tuple[str, ...] = Field(
        default=(), description="the only times when something is said; always, without any"
    )
    escalation: str = Field(default="", description="name of who follows while nobody answers")
    routes: tuple[RouteSettings, ...] = Field(default=(), description="nodes below, first match")


class ReceiverSettings(Model):
    """Who is told: channels of opskit.yaml, and whoever a rota has on call."""

    name: Name
    channels: tuple[str, ...] = Field(
        default=(),
        description="names of channels; mail may name who is told: mail:ops@example.com",
    )
    rota: str = Field(default="", description="who is on call there is told by their contacts")
    send_resolved: bool = Field(default=True, description="say when it is over")

    @model_validator(mode="after")
    def _somebody(self) -> ReceiverSettings:
        if not self.channels and not self.rota:
            message = "a receiver needs channels or a rota"
            raise ValueError(message)
        return self


class InhibitSettings(Model):
    """While a source fires, targets that have the same `equal` labels are not told of."""

    source_matchers: tuple[Matching, ...] = Field(min_length=1)
    target_matchers: tuple[Matching, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()


class HoursSettings(Model):
    """Hours on some weekdays; an end at or before the start is on the next day."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    start: ClockTime = "00:00"
    end: ClockTime = "24:00"


class LayerSettings(Model):
    """People who are on call in turn, or a calendar that says who is."""

    people: tuple[str, ...] = Field(default=(), max_length=1_000, description="in turn")
    start: WallTime | None = Field(
        default=None, description="when the first takes over, like 2026-11-23T09:00"
    )
    turn: Span = Field(default=7 * DAY, ge=HOUR, description="how long each is on call, like 1w")
    until: WallTime | None = Field(default=None, description="when this layer ends")
    hours: tuple[HoursSettings, ...] = Field(default=(), description="on call only then")
    calendar: str = Field(
        default="",
        description="an iCalendar file in place of people: events whose summary or attendee names "
        "one of contacts",
        examples=["alerts/oncall.ics"],
    )

    @model_validator(mode="after")
    def _one_way(self) -> LayerSettings:
        if self.calendar:
            if self.model_fields_set - {"calendar"}:
                message = "a layer with a calendar has nothing beside it: the calendar says when"
                raise ValueError(message)
        elif not self.people or self.start is None:
            message = "a layer needs people and start, or a calendar"
            raise ValueError(message)
        return self


class OverrideSettings(Model):
    """Somebody takes a time of somebody else's."""

    person: str = Field(min_length=1)
    start: WallTime
    end: WallTime

    @model_validator(mode="after")
    def _forward(self) -> OverrideSettings:
        if self.end <= self.start:
            message = "end is before start"
            raise ValueError(message)
        return self


class RotaSettings(Model):
    """Who is on call when."""

    name: Name
    zone: Zone
    layers: tuple[LayerSettings, ...] = Field(min_length=1, max_length=20)
    overrides: tuple[OverrideSettings, ...] = ()
    most_calls: int | None = Field(
        default=None, ge=0, description="more calls of one shift are told by opskit alerts load"
    )


class StepSettings(Model):
    """Who is told when nobody has answered for so long."""

    after: Span = Field(gt=0, description="since the first message, like 15m")
    receiver: str


class EscalationSettings(Model):
    """Who is told next while nobody acknowledges."""

    name: Name
    steps: tuple[StepSettings, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _in_order(self) -> EscalationSettings:
        after = [one.after for one in self.steps]
        if sorted(set(after)) != after:
            message = "each step comes later than the one before it"
            raise ValueError(message)
        return self


class QuietSettings(Model):
    """A time in which only what `passes` is told at once; the rest comes as one digest after."""

    name: Name
    time_intervals: tuple[str, ...] = Field(min_length=1)
    matchers: tuple[Matching, ...] = Field(default=(), description="which; all, without any")
    passes: tuple[Matching, ...] = Field(
        default=('severity=~"page|critical"',),
        min_length=1,
        description="what is told all the same",
    )


class FlappingSettings(Model):
    """When an alert that comes and goes is held: share of changes in its last looks."""

    start: int = Field(default=20, ge=1, le=100, description="percent from which it flaps")
    stop: int = Field(default=5, ge=1, le=100, description="percent below which it is steady")


class Routes(Model):
    """The file."""

    route: RouteSettings
    receivers: tuple[ReceiverSettings, ...] = Field(min_length=1)
    inhibit_rules: tuple[InhibitSettings, ...] = ()
    time_intervals: tuple[TimeInterval, ...] = ()
    rotas: tuple[RotaSettings, ...] = ()
    escalations: tuple[EscalationSettings, ...] = ()
    quiet: tuple[QuietSettings, ...] = ()
    flapping: FlappingSettings = FlappingSettings()
    contacts: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="how people on call are reached",
        examples=[{"alice": ["mail:alice@example.com", "alice-phone"]}],
    )

    @model_validator(mode="after")
    def _names(self) -> Routes:
        for message in _mistakes(self):
            raise ValueError(message)
        return self


# What Alertmanager takes where nothing is said.
GROUP_WAIT, GROUP_INTERVAL, REPEAT = 30 * SECOND, 5 * MINUTE, 4 * HOUR


def _mistakes(routes: Routes) -> Iterator[str]:
    """Yield what is wrong among names that refer to each other."""
    if not routes.route.receiver:
        yield "route has no receiver: whatever matches nothing below goes there"
    if routes.route.matchers or routes.route.continue_:
        yield "the first route takes everything: it has no matchers and no continue"
    names = {
        "receiver": [one.name for one in routes.receivers],
        "rota": [one.name for one in routes.rotas],
        "escalation": [one.name for one in routes.escalations],
        "time interval": [one.name for one in routes.time_intervals],
        "quiet time": [one.name for one in routes.quiet],
    }
    for kind, found in names.items():
        twice = sorted({one for one in found if found.count(one) > 1})
        yield from (f"there are two of {kind} {one!r}" for one in twice)
    for kind, name in _referred(routes):
        if name not in names[kind]:
            yield _unknown(kind, name, names[kind])
    yield from _unreachable(routes)


def _unknown(kind: str, name: str, names: list[str]) -> str:
    guess = nearest(name, names)
    return f"{kind} {name!r} is not defined" + (f"; did you mean {guess!r}?" if guess else "")


def _referred(routes: Routes) -> Iterator[tuple[str, str]]:
    """Yield what is referred to by name: its kind, and the name."""
    for node in _nodes(routes.route):
        yield from (("receiver", one) for one in (node.receiver,) if one)
        yield from (("escalation", one) for one in (node.escalation,) if one)
        muted = (*node.mute_time_intervals, *node.active_time_intervals)
        yield from (("time interval", one) for one in muted)
    yield from (("rota", one.rota) for one in routes.receivers if one.rota)
    for escalation in routes.escalations:
        yield from (("receiver", one.receiver) for one in escalation.steps)
    for quiet in routes.quiet:
        yield from (("time interval", one) for one in quiet.time_intervals)


def _unreachable(routes: Routes) -> Iterator[str]:
    """Yield who may be on call and has no contact."""
    for rota in routes.rotas:
        for person in _people(rota):
            if not routes.contacts.get(person):
                yield f"{person!r} of rota {rota.name!r} has no contacts: nobody could be told"


def _people(rota: RotaSettings) -> Iterable[str]:
    layers = (person for layer in rota.layers for person in layer.people)
    return dict.fromkeys((*layers, *(one.person for one in rota.overrides)))


def _nodes(node: RouteSettings) -> Iterator[RouteSettings]:
    yield node
    for one in node.routes:
        yield from _nodes(one)
