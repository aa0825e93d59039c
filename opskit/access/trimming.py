"""What is in force is held against the files as they are: a nearer last day, a key that is over."""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa

from opskit.access.store import grants, places
from opskit.access.store.grants import Grant
from opskit.access.targets.kinds import Presence
from opskit.access.workplace import Workplace


def trim(work: Workplace, connection: sa.Connection, held: Iterable[Grant]) -> None:
    """Write what grants have less of than they were given, as something to be done at once."""
    for grant in held:
        kept = keys_left(work, connection, grant)
        less = _less(work, grant, kept)
        if less:
            work.tell(connection, "grant.trimmed", grant.name, {**less, "before": grant.ends_at})
            columns = {**less, "keys": json.dumps(list(kept))}
            grants.change(connection, grant, **columns)
            for place in places.of_grant(connection, grant.id):
                if place.desired is Presence.PRESENT:
                    places.want(connection, place, Presence.PRESENT, work.now())


def _less(work: Workplace, grant: Grant, kept: tuple[str, ...]) -> dict[str, object]:
    """Return the earlier end and the keys that are left of a grant; nothing where all of it is."""
    less: dict[str, object] = {}
    linux, leaves_at = grant.gives.linux, work.leaves_at(grant.person)
    if grant.ends_at is not None and leaves_at is not None and leaves_at < grant.ends_at:
        less["ends_at"] = leaves_at
    if linux is not None and linux.login == "key" and kept != grant.keys:
        less["keys"] = list(kept)
    return less


def keys_left(work: Workplace, connection: sa.Connection, grant: Grant) -> tuple[str, ...]:
    """Return which keys of a grant are still their holder's; a drill's is in no file."""
    drills = work.registry.policy.drills
    if drills is not None and drills.account == grant.person:
        return grant.keys
    known = work.login_keys(connection, grant.person)
    return tuple(one for one in grant.keys if one in known)
