"""The router that a routes file describes, and who its receivers reach at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from types import MappingProxyType

from opskit.alerts.routing.agenda import Agenda, Entries, Roll
from opskit.alerts.routing.groups import Destinations, Step
from opskit.alerts.routing.matchers import Matcher, Operator, parsed
from opskit.alerts.routing.rota import Layer, Rota, Shift
from opskit.alerts.routing.router import Router
from opskit.alerts.routing.settings import (
    HoursSettings,
    LayerSettings,
    ReceiverSettings,
    RotaSettings,
    Routes,
    RouteSettings,
    Weekday,
)
from opskit.alerts.routing.tree import grown
from opskit.alerts.routing.verdicts import Inhibition, Quiet
from opskit.core.calendar import Hours
from opskit.core.clock import NOTHING, Duration, Instant, from_datetime
from opskit.core.interval import Interval

_NONE: Mapping[str, Entries] = MappingProxyType({})
_WEEK: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call by which rota, with the shifts that somebody took over."""

    rota: Rota
    overrides: tuple[Shift, ...]

    def on_call(self, at: Instant) -> Shift | None:
        """Return who is on call; None where nobody is."""
        return self.rota.on_call(at, self.overrides)

    def next(self, at: Instant) -> Shift | None:
        """Return who takes over next."""
        return self.rota.next(at, self.overrides)

    def shifts(self, window: Interval) -> tuple[Shift, ...]:
        """Return who is on call within a window."""
        return self.rota.shifts(window, self.overrides)

    def whole_shifts(self, window: Interval) -> tuple[Shift, ...]:
        """Return the shifts that reach into a window, not cut at its ends."""
        reach = self.rota.reach
        wide = Interval(Instant(window.start - reach), Instant(window.end + reach))
        return tuple(
            one
            for one in self.shifts(wide)
            if one.interval.start < window.end and one.interval.end > window.start
        )


@dataclass(frozen=True)
class Plan:
    """A routes file, ready to be used."""

    routes: Routes
    router: Router
    duties: Mapping[str, Duty]

    def taking(self, taken: Mapping[str, tuple[Shift, ...]]) -> Plan:
        """Return the same plan, with shifts that were taken over, by rota."""
        duties = {
            name: replace(duty, overrides=(*duty.overrides, *taken.get(name, ())))
            for name, duty in self.duties.items()
        }
        return replace(self, duties=duties)

    def recipients(self, receiver: str, at: Instant) -> Destinations:
        """Return who a receiver reaches: its channels, and the contacts of who is on call.

        Where nobody is on call, or the file has that receiver no more, the receiver of the first
        route is told: never nobody.
        """
        known = {one.name: one for one in self.routes.receivers}
        first = known[self.routes.route.receiver]
        return self._reached(known.get(receiver, first), at) or self._reached(first, at)

    def _reached(self, receiver: ReceiverSettings, at: Instant) -> Destinations:
        shift = self.duties[receiver.rota].on_call(at) if receiver.rota else None
        contacts = () if shift is None else self.routes.contacts.get(shift.person, ())
        return frozenset((*receiver.channels, *contacts))


def unrouted() -> Plan:
    """Return the plan where no routes file is: nobody is told, but of the end of what they know."""
    nobody = ReceiverSettings.model_construct(name="nobody", channels=(), rota="")
    plan = planned(
        Routes.model_construct(route=RouteSettings(receiver="nobody"), receivers=(nobody,))
    )
    # No alert has this: labels cannot be both.
    never = (Matcher("alertname", Operator.IS, ""), Matcher("alertname", Operator.IS_NOT, ""))
    tree = replace(plan.router.tree, matchers=never, group_wait=NOTHING, group_interval=NOTHING)
    return replace(plan, router=replace(plan.router, tree=tree))


def planned(routes: Routes, calendars: Mapping[str, Entries] = _NONE) -> Plan:
    """Return what a routes file describes; `calendars` are the files that its layers name."""
    intervals = {one.name: one for one in routes.time_intervals}
    router = Router(
        tree=grown(routes.route),
        escalations={
            one.name: tuple(Step(Duration(step.after), step.receiver) for step in one.steps)
            for one in routes.escalations
        },
        inhibitions=tuple(
            Inhibition(_all(one.source_matchers), _all(one.target_matchers), one.equal)
            for one in routes.inhibit_rules
        ),
        intervals=intervals,
        quiet=tuple(
            Quiet(
                one.name,
                tuple(intervals[name] for name in one.time_intervals),
                _all(one.matchers),
                _all(one.passes),
            )
            for one in routes.quiet
        ),
        silent_ends=frozenset(one.name for one in routes.receivers if not one.send_resolved),
    )
    return Plan(routes, router, {one.name: _duty(one, routes, calendars) for one in routes.rotas})


def _all(texts: Iterable[str]) -> tuple[Matcher, ...]:
    return tuple(one for text in texts for one in parsed(text))


def _duty(own: RotaSettings, routes: Routes, calendars: Mapping[str, Entries]) -> Duty:
    overrides = tuple(
        Shift(
            Interval(
                from_datetime(one.start.replace(tzinfo=own.zone)),
                from_datetime(one.end.replace(tzinfo=own.zone)),
            ),
            one.person,
        )
        for one in own.overrides
    )
    roll = Roll(routes.contacts)
    layers = tuple(
        Agenda(calendars[one.calendar], roll) if one.calendar else _layer(one) for one in own.layers
    )
    return Duty(Rota(own.name, own.zone, layers), overrides)


def _layer(own: LayerSettings) -> Layer:
    if own.start is None:
        message = "a layer of people has a start"
        raise ValueError(message)
    hours = tuple(_hours(one) for one in own.hours)
    return Layer(own.people, own.start, Duration(own.turn), hours, own.until)


def _hours(own: HoursSettings) -> Hours:
    days = frozenset(_WEEK.index(one) for one in own.days)
    return Hours(days, _time(own.start), _time(own.end))


def _time(text: str) -> time:
    """Return a time of day; 24:00 is the midnight after."""
    return time.min if text == "24:00" else time.fromisoformat(text)
