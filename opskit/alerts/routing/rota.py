"""Who is on call when: layers of shifts that people take in turn, and overrides. Pure.

Shifts follow the clocks of the rota's zone: a hand-over at 09:00 is at 09:00 all year. Where a
later layer has somebody on duty, it takes the place of those before it; an override, of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from opskit.core.calendar import Hours, outside, spans
from opskit.core.clock import HOUR, Duration, Instant, from_datetime, to_datetime
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Shift:
    """A time in which one person is on call."""

    interval: Interval
    person: str


class Turns(Protocol):
    """Who takes a shift when."""

    def taken(self, window: Interval, zone: ZoneInfo) -> tuple[Shift, ...]:
        """Return the shifts that reach into a window, cut at its ends."""
        ...

    @property
    def reach(self) -> int:
        """Return a time within which it changes hands."""
        ...


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take shifts in turn: from `start`, a wall-clock time, each for `length`.

    With `hours` they are on call only then. `until` is when the layer ends.
    """

    people: tuple[str, ...]
    start: datetime
    length: Duration
    hours: tuple[Hours, ...] = ()
    until: datetime | None = None

    def taken(self, window: Interval, zone: ZoneInfo) -> tuple[Shift, ...]:
        """Return the shifts that reach into a window, cut at its ends."""
        turns = (part for one in _turns(self, window, zone) for part in cut(one, window))
        if not self.hours:
            return tuple(turns)
        duty = spans(self.hours, window, zone)
        return tuple(
            Shift(common, turn.person)
            for turn in turns
            for one in duty
            if (common := _common(turn.interval, one)) is not None
        )

    @property
    def reach(self) -> int:
        """Return its longest turn of everybody."""
        return self.length * (len(self.people) + 1)


@dataclass(frozen=True, slots=True)
class Rota:
    """A rota of one team."""

    name: str
    zone: ZoneInfo
    layers: tuple[Turns, ...]

    def shifts(self, window: Interval, overrides: Iterable[Shift] = ()) -> tuple[Shift, ...]:
        """Return who is on call within a window, in order; gaps are times without anybody."""
        found: tuple[Shift, ...] = ()
        for layer in self.layers:
            found = over(found, layer.taken(window, self.zone))
        for one in overrides:
            found = over(found, cut(one, window))
        return _joined(found)

    def on_call(self, at: Instant, overrides: Iterable[Shift] = ()) -> Shift | None:
        """Return the shift that holds at an instant, as far as a day before and after shows it."""
        window = Interval(Instant(at - self.reach), Instant(at + self.reach))
        found = self.shifts(window, overrides)
        return next((one for one in found if one.interval.start <= at < one.interval.end), None)

    def next(self, at: Instant, overrides: Iterable[Shift] = ()) -> Shift | None:
        """Return who takes over after the one on call at an instant."""
        window = Interval(at, Instant(at + 2 * self.reach))
        now = self.on_call(at, overrides)
        later = (one for one in self.shifts(window, overrides) if one.interval.start > at)
        return next((one for one in later if now is None or one.person != now.person), None)

    @property
    def reach(self) -> int:
        """Return a time within which each layer changes hands."""
        return max((8 * 24 * HOUR, *(one.reach for one in self.layers)))


def _turns(layer: Layer, window: Interval, zone: ZoneInfo) -> Iterator[Shift]:
    length = timedelta(microseconds=layer.length)
    # One turn earlier than the division says: zones may be ahead or behind.
    local = to_datetime(window.start, zone).replace(tzinfo=None)
    number = max(0, (local - layer.start) // length - 1)
    while True:
        start = layer.start + number * length
        end = start + length if layer.until is None else min(start + length, layer.until)
        begins, ends = _instant(start, zone), _instant(end, zone)
        if begins >= window.end or start >= end:
            return
        if begins < ends:
            yield Shift(Interval(begins, ends), layer.people[number % len(layer.people)])
        number += 1


def _instant(local: datetime, zone: ZoneInfo) -> Instant:
    return from_datetime(local.replace(tzinfo=zone))


def cut(shift: Shift, window: Interval) -> tuple[Shift, ...]:
    """Return what of a shift lies within a window."""
    common = _common(shift.interval, window)
    return () if common is None else (Shift(common, shift.person),)


def _common(one: Interval, other: Interval) -> Interval | None:
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Interval(start, end) if start < end else None


def over(below: tuple[Shift, ...], above: tuple[Shift, ...]) -> tuple[Shift, ...]:
    """Return the shifts below where those above leave room, and those above."""
    taken = sorted((one.interval for one in above), key=lambda one: one.start)
    left = tuple(
        Shift(part, one.person)
        for one in below
        for part in outside([i for i in taken if _common(i, one.interval)], one.interval)
    )
    return tuple(sorted((*left, *above), key=lambda one: one.interval.start))


def _joined(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    """Return shifts with those of one person that touch put together."""
    found: list[Shift] = []
    for one in shifts:
        last = found[-1] if found else None
        if last and last.person == one.person and last.interval.end == one.interval.start:
            found[-1] = Shift(Interval(last.interval.start, one.interval.end), one.person)
        else:
            found.append(one)
    return tuple(found)
