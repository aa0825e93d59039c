"""What people said of alerts: silences and acknowledgements, as the tables have them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.verdicts import Acknowledgement, Silence
from opskit.alerts.store.tables import ACKNOWLEDGEMENTS, SILENCES
from opskit.core.clock import Instant
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class Noted:
    """A silence with what is kept beside it: when it was made, and when its end was announced."""

    silence: Silence
    created_at: Instant
    reminded_at: Instant | None = None


def keep_silence(connection: sa.Connection, one: Noted) -> None:
    """Write a new silence."""
    own = one.silence
    values = {
        "id": own.id,
        "matchers": json.dumps([str(each) for each in own.matchers]),
        "starts_at": own.interval.start,
        "ends_at": own.interval.end,
        "created_by": own.by,
        "created_at": one.created_at,
        "comment": own.comment,
    }
    connection.execute(sa.insert(SILENCES).values(values))


def end_silence(connection: sa.Connection, name: str, at: Instant) -> bool:
    """Let a silence end now; return whether there was one that had not ended."""
    own = (SILENCES.c.id == name, SILENCES.c.ends_at > at)
    starts = sa.case((SILENCES.c.starts_at > at, at), else_=SILENCES.c.starts_at)
    done = connection.execute(sa.update(SILENCES).where(*own).values(ends_at=at, starts_at=starts))
    return done.rowcount == 1


def reminded(connection: sa.Connection, name: str, at: Instant) -> None:
    """Remember that the end of a silence was announced."""
    connection.execute(sa.update(SILENCES).where(SILENCES.c.id == name).values(reminded_at=at))


def silences(connection: sa.Connection, ending_after: Instant) -> tuple[Noted, ...]:
    """Return the silences that end after an instant, oldest first."""
    found = sa.select(SILENCES).where(SILENCES.c.ends_at > ending_after)
    return tuple(_noted(row) for row in connection.execute(found.order_by(SILENCES.c.created_at)))


def keep_acknowledgement(connection: sa.Connection, one: Acknowledgement, comment: str) -> None:
    """Write that somebody has an alert in hand; it takes the place of what was said before."""
    take_back(connection, one.fingerprint, one.at)
    values = {
        "fingerprint": one.fingerprint,
        "by": one.by,
        "at": one.at,
        "until": one.until,
        "comment": comment,
    }
    connection.execute(sa.insert(ACKNOWLEDGEMENTS).values(values))


def take_back(connection: sa.Connection, fingerprint: str, at: Instant) -> bool:
    """Let nobody have an alert in hand any more; return whether somebody had."""
    own = (ACKNOWLEDGEMENTS.c.fingerprint == fingerprint, ACKNOWLEDGEMENTS.c.until > at)
    done = connection.execute(sa.update(ACKNOWLEDGEMENTS).where(*own).values(until=at))
    return done.rowcount > 0


def acknowledgements(
    connection: sa.Connection, lasting_after: Instant
) -> tuple[Acknowledgement, ...]:
    """Return what was in hand after an instant, oldest first: the last of an alert holds."""
    own = ACKNOWLEDGEMENTS.c
    found = sa.select(ACKNOWLEDGEMENTS).where(own.until > lasting_after).order_by(own.id)
    return tuple(
        Acknowledgement(row.fingerprint, row.by, row.at, row.until)
        for row in connection.execute(found)
    )


def acknowledged_within(connection: sa.Connection, period: Interval) -> tuple[Acknowledgement, ...]:
    """Return what was acknowledged within a period, oldest first."""
    own = ACKNOWLEDGEMENTS.c
    found = sa.select(ACKNOWLEDGEMENTS).where(own.at >= period.start, own.at < period.end)
    return tuple(
        Acknowledgement(row.fingerprint, row.by, row.at, row.until)
        for row in connection.execute(found.order_by(own.id))
    )


def _noted(row: sa.Row[tuple[object, ...]]) -> Noted:
    matchers = tuple(one for text in json.loads(row.matchers) for one in parsed(text))
    interval = Interval(row.starts_at, row.ends_at)
    silence = Silence(row.id, matchers, interval, row.created_by, row.comment)
    return Noted(silence, row.created_at, row.reminded_at)
