"""The recorded firings of a period, joined to what followed them: read here, judged elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.alerts.firing import Firing
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.store import firings, said
from opskit.alerts.worth import AFTER, Deed, Judged, Kind, RuleWorth, by_rule, judged
from opskit.core.clock import DAY, Duration, Instant, to_datetime
from opskit.core.interval import Interval
from opskit.outside.database import Database

# Working hours, Monday to Friday by the clocks of the repository's zone; the rest is after hours.
_OPENS, _CLOSES, _SATURDAY = time(8), time(18), 5
# An outage that began so long before the period may still go on when an alert of it fires.
_BEFORE = Duration(7 * DAY)


class Deeds(Protocol):
    """What was done and what failed, whoever keeps the record of it."""

    def within(self, period: Interval) -> Sequence[Deed]:
        """Return it for a period, in any order."""
        ...


def is_after_hours(at: Instant, zone: ZoneInfo) -> bool:
    """Return whether an instant lies outside Monday to Friday, 08:00 to 18:00."""
    local = to_datetime(at, zone)
    return local.weekday() >= _SATURDAY or not _OPENS <= local.time() < _CLOSES


@dataclass(frozen=True, slots=True)
class Looked:
    """Firings with what followed each, and all that was done or failed, whatever it followed."""

    judged: tuple[Judged, ...]
    deeds: tuple[Deed, ...]


@dataclass(frozen=True)
class Reviewing:
    """Says of each firing what followed, and of each rule what it was worth."""

    database: Database
    deeds: Deeds
    zone: ZoneInfo

    def first_at(self) -> Instant | None:
        """Return when the first alert fired; None where none ever did."""
        with self.database.read() as connection:
            return firings.first_at(connection)

    def judged(self, period: Interval) -> tuple[Judged, ...]:
        """Return the firings that began within a period, as they stood at its end."""
        return tuple(one for one in self.looked(period).judged if one.begun >= period.start)

    def looked(self, period: Interval) -> Looked:
        """Return all that fired at some time within a period, as it stood at its end."""
        with self.database.read() as connection:
            # Those just before the period, too: what followed one of them followed none of it.
            known = firings.within(connection, _before(period, AFTER))
            begun = min((one.starts_at or period.start for one in known), default=period.start)
            window = _before(Interval(Instant(min(begun, period.start)), period.end), _BEFORE)
            word = tuple(_said(connection, known, window))
        deeds = tuple(self.deeds.within(window))
        stood = (_at(one, period.end) for one in known)
        return Looked(judged(stood, (*deeds, *word), period.end), deeds)

    def rules(self, period: Interval) -> tuple[RuleWorth, ...]:
        """Return what each rule that fired within a period was worth."""
        return by_rule(self.judged(period), lambda at: is_after_hours(at, self.zone))


def _before(period: Interval, ahead: Duration) -> Interval:
    return Interval(Instant(max(0, period.start - ahead)), period.end)


def _at(one: Firing, end: Instant) -> Firing:
    """Return a firing as it stood: one that ended later was open."""
    if one.ends_at is None or one.ends_at <= end:
        return one
    return replace(one, missing_at=None, ends_at=None)


def _said(connection: sa.Connection, known: Sequence[Firing], window: Interval) -> Iterator[Deed]:
    """Yield what people said of alerts: silences belong to those that they hold."""
    for one in said.acknowledged_within(connection, window):
        yield Deed(Kind.ACKNOWLEDGEMENT, one.at, {"fingerprint": one.fingerprint})
    for noted in said.silences(connection, window.start):
        for fingerprint, begun in sorted(_held(noted.silence, known)):
            at = Instant(max(noted.created_at, begun))
            if at < window.end:
                yield Deed(Kind.SILENCE, at, {"fingerprint": fingerprint})


def _held(silence: Silence, known: Sequence[Firing]) -> set[tuple[str, Instant]]:
    """Return the alerts that a silence held, each with when it began to."""
    return {
        (one.fingerprint, begun)
        for one in known
        if one.starts_at is not None
        and one.starts_at < silence.interval.end
        and (one.ends_at is None or silence.interval.start < one.ends_at)
        and silence.holds(one.labels, begun := Instant(max(one.starts_at, silence.interval.start)))
    }
