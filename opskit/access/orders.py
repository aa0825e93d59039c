"""From grants to orders: what shall be in force on each host and server now. Pure.

An order names every grant that is to be in force at a place, so that what two of them share stays
when one goes. Sessions are ended unless what is left gives the account all it loses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opskit.access.model import Role
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.targets.kinds import Order, Placement, Presence, Rights
from opskit.core.clock import Instant


def rights(role: Role, kind: str) -> Rights | None:
    """Return what a role gives on a kind of target."""
    by_kind: Mapping[str, Rights | None] = {
        "linux": role.linux,
        "postgres": role.postgres,
        "playbooks": role.playbooks,
    }
    return by_kind.get(kind)


def placement(grant: Grant, kind: str) -> Placement | None:
    """Return what a grant gives on a kind of target; nothing before its clock has started."""
    given = rights(grant.gives, kind)
    if given is None or grant.ends_at is None:
        return None
    return Placement(grant.name, grant.person, grant.account, given, grant.ends_at, grant.keys)


def order(place: str, rows: Sequence[Place], known: Mapping[int, Grant]) -> Order:
    """Return what shall be true at a place, from all rows of it."""
    present = _placements(rows, known, Presence.PRESENT)
    absent = _placements(rows, known, Presence.ABSENT)
    ending = {one.account for one in absent if not _covered(one, present)}
    return Order(place, present, absent, tuple(sorted(ending)))


def _placements(
    rows: Iterable[Place], known: Mapping[int, Grant], desired: Presence
) -> tuple[Placement, ...]:
    wanted = (row for row in rows if row.desired is desired)
    found = (placement(known[row.grant_id], row.kind) for row in wanted)
    return tuple(one for one in found if one is not None)


def _covered(gone: Placement, left: Sequence[Placement]) -> bool:
    """Return whether other grants of the account give all that one gave."""
    own = [one for one in left if one.account == gone.account]
    given = {right for one in own for right in _pieces(one.rights)}
    return bool(own) and _pieces(gone.rights) <= given


def _pieces(given: Rights) -> frozenset[tuple[str, ...]]:
    data = given.model_dump(mode="json")
    found: set[tuple[str, ...]] = set()
    for right in data.get("sudo", ()):
        found |= {("sudo", right["run_as"], command) for command in right["commands"]}
    for name in ("groups", "member_of"):
        found |= {(name, each) for each in data.get(name, ())}
    for name in ("login", "grant"):
        if name in data:
            found.add((name, str(data[name])))
    return frozenset(found)


def next_attempt(attempts: int, now: Instant) -> Instant:
    """Return when to try again: after 30 s, then twice as long each time, at most 15 min."""
    return Instant(now + min(30 * 2 ** min(attempts, 10), 900) * 1_000_000)
