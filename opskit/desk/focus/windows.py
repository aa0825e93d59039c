"""When teams are in focus: windows that come again every week, and those somebody began. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.core.calendar import Hours, spans
from opskit.core.clock import DAY, Instant
from opskit.core.interval import Interval

# No window that comes again every week is longer.
_LONGEST = 7 * DAY


@dataclass(frozen=True, slots=True)
class Weekly:
    """Hours of the week that a team keeps free; `passes` are severities told all the same."""

    team: str
    hours: tuple[Hours, ...]
    zone: ZoneInfo
    passes: tuple[str, ...]

    def windows(self, period: Interval) -> tuple[Focus, ...]:
        """Return its windows within a period, in order, none touching another."""
        found = spans(self.hours, period, self.zone)
        return tuple(Focus(self.team, one, self.passes) for one in found)

    def at(self, now: Instant) -> Focus | None:
        """Return the window that is open now, whole; None where none is."""
        around = Interval(Instant(now - _LONGEST), Instant(now + _LONGEST))
        return next((one for one in self.windows(around) if one.interval.holds(now)), None)


@dataclass(frozen=True, slots=True)
class Focus:
    """One window of a team: `passes` are the severities that are told at once all the same."""

    team: str
    interval: Interval
    passes: tuple[str, ...]


def opening(weekly: Iterable[Weekly], known: Iterable[Focus], now: Instant) -> tuple[Focus, ...]:
    """Return the windows that are open by the calendar and of which nothing is kept yet.

    What is kept of a window and ended early stays ended: the team chose so.
    """
    kept = tuple(known)
    found = (focus for one in weekly if (focus := one.at(now)) is not None)
    return tuple(one for one in found if not any(_meets(one, other) for other in kept))


def begun(team: str, interval: Interval, passes: tuple[str, ...], own: Weekly | None) -> Focus:
    """Return a window that somebody begins; one that reaches into a weekly one lasts as long."""
    last = None if own is None else own.at(Instant(interval.end - 1))
    end = interval.end if last is None else last.interval.end
    return Focus(team, Interval(interval.start, end), passes)


def _meets(one: Focus, other: Focus) -> bool:
    own, kept = one.interval, other.interval
    return one.team == other.team and own.start < kept.end and kept.start < own.end
