"""Where grants are: one row for each grant and target, what is wanted there and what was seen."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.lifecycle import Footing
from opskit.access.store.tables import PLACES
from opskit.access.targets.kinds import EnforcedBy, Presence
from opskit.core.clock import Instant

# A statement of SQLite names 32,766 values at most, one of PostgreSQL 65,535: more are not named.
_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A grant on one target: `place` is the host or server, `target` its entry in targets.yaml.

    `due_at` is when it is to be worked on next; None where nothing is owed. `parts` are the pieces
    as they were last seen, as data. `revision` grows with each change of what is wanted.
    """

    grant_id: int
    place: str
    target: str
    kind: str
    desired: Presence
    revision: int
    observed: Presence
    enforced_by: EnforcedBy
    fence_until: Instant | None
    observed_at: Instant | None
    absent_at: Instant | None
    reason: str
    parts: tuple[dict[str, Any], ...]
    attempts: int
    due_at: Instant | None
    paged_at: Instant | None

    @property
    def footing(self) -> Footing:
        """Return what the lifecycle needs of it."""
        return Footing(
            self.desired, self.observed, self.enforced_by, self.fence_until, self.absent_at
        )


def insert(
    connection: sa.Connection, grant_id: int, place: str, target: str, kind: str, due_at: Instant
) -> None:
    """Write where a grant is to be."""
    values = {
        "grant_id": grant_id,
        "place": place,
        "target": target,
        "kind": kind,
        "desired": Presence.PRESENT.value,
        "revision": 1,
        "observed": Presence.UNKNOWN.value,
        "enforced_by": EnforcedBy.NONE.value,
        "reason": "",
        "parts": "[]",
        "attempts": 0,
        "due_at": due_at,
    }
    connection.execute(sa.insert(PLACES).values(**values))


def want(
    connection: sa.Connection,
    place: Place,
    desired: Presence,
    at: Instant,
    *,
    until: Instant | None = None,
) -> None:
    """Write what is wanted of a place from now on, as something to be done at once.

    `until` is a later end that is to be planted. Before anybody carries it out it is taken to be
    there: whoever does may be killed before they can say so.
    """
    values: dict[str, object] = {"desired": desired.value, "due_at": at, "attempts": 0}
    if desired is Presence.PRESENT:
        values["absent_at"] = None
        if place.desired is not desired:
            # It comes back: what was seen, and what ended it, was of before.
            values |= {"observed": Presence.UNKNOWN.value, "fence_until": None}
        elif place.fence_until is not None and until is not None:
            values["fence_until"] = max(place.fence_until, until)
    _write(connection, place, revision=place.revision + 1, reason="", **values)


def seen(connection: sa.Connection, place: Place, values: Mapping[str, object]) -> None:
    """Write what a look found.

    Where something else was wanted meanwhile, what is owed stays owed.
    """
    kept = {**values, "parts": json.dumps(values["parts"])} if "parts" in values else {**values}
    settled = sa.update(PLACES).where(
        PLACES.c.grant_id == place.grant_id,
        PLACES.c.place == place.place,
        PLACES.c.revision == place.revision,
    )
    if connection.execute(settled.values(**kept)).rowcount != 1:
        owed = ("due_at", "attempts", "reason")
        _write(connection, place, **{name: kept[name] for name in kept if name not in owed})


def paged(connection: sa.Connection, place: Place, at: Instant) -> None:
    """Write that somebody was told of what is owed here."""
    _write(connection, place, paged_at=at)


def _write(connection: sa.Connection, place: Place, **values: object) -> None:
    one = (PLACES.c.grant_id == place.grant_id, PLACES.c.place == place.place)
    connection.execute(sa.update(PLACES).where(*one).values(**values))


def of_grant(connection: sa.Connection, grant_id: int) -> tuple[Place, ...]:
    """Return where a grant is."""
    query = sa.select(PLACES).where(PLACES.c.grant_id == grant_id).order_by(PLACES.c.place)
    return tuple(map(_place, connection.execute(query)))


def of_grants(connection: sa.Connection, grants: Collection[int]) -> dict[int, list[Place]]:
    """Return where these grants are, by the grant's number."""
    query = sa.select(PLACES).order_by(PLACES.c.place)
    if len(grants) <= _NAMED:
        query = query.where(PLACES.c.grant_id.in_(list(grants)))
    else:
        query = query.where(PLACES.c.grant_id.between(min(grants), max(grants)))
    found: dict[int, list[Place]] = {number: [] for number in grants}
    for row in connection.execute(query):
        if row.grant_id in found:
            found[row.grant_id].append(_place(row))
    return found


def at(connection: sa.Connection, kind: str, place: str) -> tuple[Place, ...]:
    """Return the grants that are, or are to be, at a place, or may have left something there."""
    query = sa.select(PLACES).where(
        PLACES.c.kind == kind,
        PLACES.c.place == place,
        sa.or_(
            PLACES.c.desired == Presence.PRESENT.value,
            PLACES.c.observed != Presence.ABSENT.value,
            PLACES.c.due_at.is_not(None),
        ),
    )
    return tuple(map(_place, connection.execute(query.order_by(PLACES.c.grant_id))))


def due(connection: sa.Connection, now: Instant) -> tuple[Place, ...]:
    """Return what is owed now, longest owed first."""
    query = sa.select(PLACES).where(PLACES.c.due_at <= now).order_by(PLACES.c.due_at)
    return tuple(map(_place, connection.execute(query)))


def everywhere(connection: sa.Connection) -> tuple[Place, ...]:
    """Return every place of every grant."""
    query = sa.select(PLACES).order_by(PLACES.c.grant_id, PLACES.c.place)
    return tuple(map(_place, connection.execute(query)))


def _place(row: Any) -> Place:  # noqa: ANN401  # a row of PLACES
    values = row._asdict()
    return Place(
        **{
            **values,
            "desired": Presence(values["desired"]),
            "observed": Presence(values["observed"]),
            "enforced_by": EnforcedBy(values["enforced_by"]),
            "parts": tuple(json.loads(values["parts"])),
        }
    )
