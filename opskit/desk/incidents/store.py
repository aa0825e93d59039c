"""Incidents as the tables have them: events, and of each incident where it stands now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.desk.incidents.model import Event, Incident, Kind, Status
from opskit.desk.incidents.timeline import told
from opskit.outside.database import METADATA, BigInt

T = TypeVar("T")

INCIDENTS = sa.Table(
    "desk_incidents",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("resolved_at", sa.BigInteger),
    sa.Column("merged_into", sa.BigInteger),
    sa.Index("ix_desk_incidents_status", "status"),
    sa.Index("ix_desk_incidents_group", "group_key"),
    sa.Index("ix_desk_incidents_fingerprint", "fingerprint"),
    sa.Index("ix_desk_incidents_started", "started_at"),
    sa.Index("ix_desk_incidents_merged", "merged_into"),
)
EVENTS = sa.Table(
    "desk_incident_events",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("incident", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index("ix_desk_incident_events_incident", "incident"),
)
_OVER = (Status.RESOLVED, Status.MERGED)


def reserve(connection: sa.Connection) -> int:
    """Return the number of an incident that is about to be opened."""
    blank: dict[str, object] = dict.fromkeys(
        ("status", "group_key", "fingerprint", "service", "title"), ""
    )
    made = sa.insert(INCIDENTS).values(**blank, started_at=0).returning(INCIDENTS.c.id)
    return int(connection.execute(made).scalar_one())


def keep(connection: sa.Connection, event: Event) -> None:
    """Write an event."""
    values = {
        "key": event.key,
        "incident": event.incident,
        "at": event.at,
        "kind": event.kind,
        "by": event.by,
        "data": json.dumps(dict(event.data), sort_keys=True),
        "seq": event.seq,
    }
    connection.execute(sa.insert(EVENTS).values(values))


def settle(connection: sa.Connection, incident: Incident) -> None:
    """Write where an incident stands now."""
    values = {
        "status": incident.status,
        "group_key": incident.opening.group,
        "fingerprint": incident.opening.fingerprint,
        "service": incident.opening.service,
        "title": incident.opening.title,
        "started_at": incident.opening.started_at,
        "resolved_at": incident.resolved_at,
        "merged_into": incident.into,
    }
    own = INCIDENTS.c.id == incident.number
    connection.execute(sa.update(INCIDENTS).where(own).values(values))


def known(connection: sa.Connection, keys: Iterable[str]) -> frozenset[str]:
    """Return the keys of events that were written already."""
    found: set[str] = set()
    for some in _batches(tuple(keys)):
        rows = connection.execute(sa.select(EVENTS.c.key).where(EVENTS.c.key.in_(some)))
        found |= {row.key for row in rows}
    return frozenset(found)


def one(connection: sa.Connection, number: int) -> Incident | None:
    """Return an incident; None where there is none of that number."""
    return _told(connection, (number,)).get(number)


def open_(connection: sa.Connection) -> tuple[Incident, ...]:
    """Return the incidents that somebody still has to see to, oldest first."""
    return _where(connection, INCIDENTS.c.status.not_in(_OVER))


def within(connection: sa.Connection, period: Interval) -> tuple[Incident, ...]:
    """Return the incidents of which something lies within a period, oldest first.

    Those that were merged into another are told of by it.
    """
    return _where(
        connection,
        INCIDENTS.c.started_at < period.end,
        sa.or_(INCIDENTS.c.resolved_at.is_(None), INCIDENTS.c.resolved_at > period.start),
        INCIDENTS.c.status != Status.MERGED,
    )


def of_group(connection: sa.Connection, group: str, since: Instant) -> Incident | None:
    """Return the newest incident of a group that is open, or was resolved after an instant.

    Of one that was merged it is the one that it was merged into.
    """
    own = INCIDENTS.c
    newest = sa.select(own.id).where(own.group_key == group).order_by(own.id.desc()).limit(1)
    number = connection.execute(newest).scalar()
    while number is not None:
        incident = one(connection, number)
        if incident is None or incident.into is None:
            break
        number = incident.into
    else:
        return None
    if incident is None or incident.is_open:
        return incident
    return incident if (incident.resolved_at or 0) >= since else None


def alike(connection: sa.Connection, fingerprint: str, since: Instant) -> tuple[Incident, ...]:
    """Return the incidents of one fingerprint that began after an instant, oldest first."""
    own = INCIDENTS.c
    return _where(
        connection,
        own.fingerprint == fingerprint, own.started_at >= since, own.status != Status.MERGED,
    )  # fmt: skip


def first_at(connection: sa.Connection) -> Instant | None:
    """Return when the first incident was written down; None where none ever was."""
    found = sa.select(EVENTS.c.at).where(EVENTS.c.kind == Kind.OPENED)
    at = connection.execute(found.order_by(EVENTS.c.seq).limit(1)).scalar()
    return None if at is None else Instant(int(at))


def _where(connection: sa.Connection, *what: sa.ColumnElement[bool]) -> tuple[Incident, ...]:
    found = sa.select(INCIDENTS.c.id).where(*what).order_by(INCIDENTS.c.started_at, INCIDENTS.c.id)
    numbers = tuple(row.id for row in connection.execute(found))
    told = _told(connection, numbers)
    return tuple(told[number] for number in numbers if number in told)


# PostgreSQL takes 65,535 parameters in one statement, older SQLite 999.
_AT_ONCE = 900


def _told(connection: sa.Connection, numbers: Iterable[int]) -> Mapping[int, Incident]:
    """Return incidents by their number, each with the events of those merged into it."""
    wanted = tuple(numbers)
    roots = _merged_into(connection, wanted)
    events: dict[int, list[Event]] = {}
    for some in _batches(tuple(roots)):
        for row in connection.execute(sa.select(EVENTS).where(EVENTS.c.incident.in_(some))):
            for number in roots[row.incident]:
                events.setdefault(number, []).append(_event(row))
    return {number: told(number, found) for number, found in events.items()}


def _batches(values: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _merged_into(connection: sa.Connection, numbers: tuple[int, ...]) -> dict[int, set[int]]:
    """Return the numbers of incidents and of those merged into them, each with who tells of it."""
    found: dict[int, set[int]] = {number: {number} for number in numbers}
    level = numbers
    while level:
        below: dict[int, int] = {}
        for some in _batches(level):
            own = (INCIDENTS.c.id, INCIDENTS.c.merged_into)
            rows = sa.select(*own).where(INCIDENTS.c.merged_into.in_(some))
            below |= {row.id: row.merged_into for row in connection.execute(rows)}
        for child, parent in below.items():
            found.setdefault(child, set()).update(found[parent])
        level = tuple(below)
    return found


def _event(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(
        key=row.key,
        incident=row.incident,
        at=row.at,
        kind=Kind(row.kind),
        by=row.by,
        data=json.loads(row.data),
        seq=row.seq,
    )
