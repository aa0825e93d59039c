"""Who can do what a role can: membership resolved, with the way that leads there. Pure.

A member may become a role (SET ROLE), or have its privileges at once (INHERIT). Attributes, such
as SUPERUSER, are had by becoming the role only; privileges in either way. A chain of SET may be
followed by one of INHERIT, not the other way round: a role that is inherited from was not become.
Who holds a role's ADMIN option can give it to themselves with any option. Before PostgreSQL 16 a
membership has no options of its own: SET is always there, INHERIT is an attribute of the member.
Source: PostgreSQL documentation, "Role Membership" and GRANT.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from opskit.access.databases.model import DatabaseState, Membership, Role

Path = tuple[Membership, ...]


class Reach:
    """The memberships of a server, ready to be followed."""

    def __init__(self, memberships: Iterable[Membership]) -> None:
        self._of: dict[str, list[Membership]] = {}
        for one in memberships:
            self._of.setdefault(one.member, []).append(one)

    def becomes(self, member: str) -> Mapping[str, Path]:
        """Return each role that `member` can become, by one of the shortest ways."""
        found = {name: path for name, _, path in self._walk(member, inherit=False)}
        return {name: found[name] for name in sorted(found)}

    def holds(self, member: str) -> Mapping[str, Path]:
        """Return each role whose privileges `member` has or can take."""
        found: dict[str, Path] = {}
        for name, _, path in self._walk(member, inherit=True):
            found.setdefault(name, path)
        return {name: found[name] for name in sorted(found)}

    def _walk(self, member: str, *, inherit: bool) -> Iterator[tuple[str, bool, Path]]:
        """Yield (role, whether it was become, way), the nearest first, each such pair once."""
        seen = {(member, True)}
        waiting: deque[tuple[str, bool, Path]] = deque([(member, True, ())])
        while waiting:
            at, become, path = waiting.popleft()
            for edge in self._of.get(at, ()):
                for step in _steps(edge, become=become, inherit=inherit):
                    if (edge.role, step) not in seen:
                        seen.add((edge.role, step))
                        waiting.append((edge.role, step, (*path, edge)))
                        yield waiting[-1]


def _steps(edge: Membership, *, become: bool, inherit: bool) -> Iterator[bool]:
    """Yield how the role at the far end is had: True by becoming it, False by inheriting."""
    if become and (edge.set or edge.admin):
        yield True
    if inherit and (edge.inherit or (not become and edge.admin)):
        yield False


def told(start: str, path: Path) -> tuple[str, ...]:
    """Return a way as a why-chain: `alice`, `member of ops`, `member of postgres`."""
    return (start, *(f"member of {edge.role}" for edge in path))


def superusers(state: DatabaseState, reach: Reach) -> Iterator[tuple[Role, Role, Path]]:
    """Yield (role, superuser, way) for each role that logs in and is or can become a superuser."""
    known = {one.name: one for one in state.roles}
    for role in state.roles:
        if not role.login:
            continue
        if role.superuser:
            yield role, role, ()
            continue
        ways = reach.becomes(role.name).items()
        above = [(known[n], way) for n, way in ways if n in known and known[n].superuser]
        if above:
            nearest, way = min(above, key=lambda one: (len(one[1]), one[0].name))
            yield role, nearest, way
