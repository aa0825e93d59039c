"""`access rightsize`: what roles give beside what was used of it, and what each could do without.

A right counts as unused only where the logs of every host it was given on were read whole for all
the time it was in force. Otherwise nobody can tell, and the hosts are named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from opskit.access.attribution import LOGIN, allows
from opskit.access.findings import AccessFinding
from opskit.access.model import Role
from opskit.access.rules.dormant import DORMANT, Dormancy
from opskit.access.store import grants, places, usage
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.store.usage import Used
from opskit.access.workplace import Workplace
from opskit.core.clock import DAY, HOUR, Duration, Instant, parse_duration
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.core.text import nearest

# Logs are read once in a while: what happened since the last time is not part of the picture yet.
_LAG = DAY
# With more than this a list of exact arguments is no narrower than any arguments.
MOST_EXACT = 20


class Verdict(StrEnum):
    """Whether a right was used in the window."""

    USED = "used"
    UNUSED = "unused"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Right:
    """One right of a role beside its use.

    `kind` is `command`, `group`, `membership` or `login`; `exact` are the commands that were run
    where the right takes any arguments; `blind` the hosts whose logs do not cover the whole time.
    """

    kind: str
    what: str
    run_as: str
    verdict: Verdict
    times: int = 0
    last_at: Instant | None = None
    exact: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    why: str = ""
    hours: float = 0.0

    @property
    def narrower(self) -> tuple[str, ...]:
        """Return the exact commands it could become; empty where it is as narrow as it should be.

        Where logs are missing others may have been run. `ALL` is meant as it is: who asks for it
        knows of nothing smaller.
        """
        told = self.what.endswith(" *") and not self.blind
        return self.exact if told and 0 < len(self.exact) <= MOST_EXACT else ()

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "kind": self.kind, "what": self.what, "run_as": self.run_as or None,
            "verdict": self.verdict.value, "times": self.times, "last_at": self.last_at,
            "exact": list(self.exact), "blind": list(self.blind), "why": self.why or None,
            "hours": round(self.hours, 2), "narrower": list(self.narrower),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sized:
    """A role beside its use on hosts. `standing_hours` are hours in force times hosts.

    `coverage` is the share of that time for which the logs were read whole, None with no grant.
    """

    role: str
    rights: tuple[Right, ...]
    grants: int
    standing_hours: float
    coverage: float | None
    findings: tuple[AccessFinding, ...] = ()

    @property
    def unused(self) -> tuple[Right, ...]:
        """Return what the role can do without."""
        return tuple(one for one in self.rights if one.verdict is Verdict.UNUSED)

    @property
    def removable_hours(self) -> float:
        """Return for how long its unused commands stood ready, hour by hour and host by host."""
        return sum(one.hours for one in self.unused if one.kind == "command")

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "role": self.role, "grants": self.grants, "coverage": self.coverage,
            "standing_hours": round(self.standing_hours, 2),
            "removable_privilege_hours": round(self.removable_hours, 2),
            "rights": [one.as_json() for one in self.rights],
            "findings": [one.as_json() for one in self.findings],
        }  # fmt: skip


def rightsize(work: Workplace, names: Sequence[str], span: Duration) -> tuple[Sized, ...]:
    """Return roles beside what was used of them in the last `span`; all of them if none is named.

    Raises:
        ConfigError: there is no such role.
    """
    roles = work.registry.roles.roles
    for name in names:
        if name not in roles:
            guess = nearest(name, list(roles))
            hint = f"did you mean {guess}?" if guess else "opskit access explain"
            raise ConfigError(f"there is no role {name!r}", hint=hint)
    window = Interval(Instant(work.now() - span), work.now())
    with work.database.read() as connection:
        history = _History(connection, window)
        return tuple(_sized(work, history, name, roles[name]) for name in names or tuple(roles))


@dataclass(frozen=True, slots=True)
class _Held:
    """A grant at one place during the window."""

    grant: Grant
    place: Place
    time: Interval
    uncovered: Duration
    used: tuple[Used, ...]


class _History:
    """All grants that were in force on hosts in a window, with their use and its coverage."""

    def __init__(self, connection: sa.Connection, window: Interval) -> None:
        self.window = window
        self._covered: dict[str, tuple[Interval, ...]] = {}
        self._connection = connection
        known = {one.id: one for one in grants.everything(connection)}
        self.held: dict[str, list[_Held]] = {}
        for place in places.everywhere(connection):
            one = known[place.grant_id]
            over = one.ended_at is not None or one.is_over(window.end)
            until = window.end if over else self._seen_until(place)
            time = _in_force(one, Interval(window.start, until))
            if time is not None:
                self.held.setdefault(one.role, []).append(self._at(one, place, time))

    def _seen_until(self, place: Place) -> Instant:
        """Return where the picture of what goes on ends: when logs were last read, if lately."""
        read = max((one.end for one in self._spans(place.place)), default=self.window.start)
        return read if read >= self.window.end - _LAG else self.window.end

    def _spans(self, place: str) -> tuple[Interval, ...]:
        if place not in self._covered:
            self._covered[place] = usage.covered(self._connection, place)
        return self._covered[place]

    def _at(self, grant: Grant, place: Place, time: Interval) -> _Held:
        uncovered = time.length if place.kind != "linux" else self._uncovered(place.place, time)
        own = usage.of_grant(self._connection, grant.id)
        since = self.window.start  # its own start would not do: many logs cut the second
        used = (one for one in own if one.place == place.place and one.last_at >= since)
        return _Held(grant, place, time, uncovered, tuple(used))

    def _uncovered(self, place: str, time: Interval) -> Duration:
        left, reached = 0, int(time.start)
        for one in self._spans(place):
            if one.end <= reached or one.start >= time.end:
                continue
            left += max(0, one.start - reached)
            reached = one.end
        return Duration(left + max(0, time.end - reached))


def _in_force(grant: Grant, window: Interval) -> Interval | None:
    """Return when a grant was in force in the window."""
    if grant.provisioned_at is None:
        return None
    ends = [one for one in (grant.ended_at, grant.ends_at) if one is not None]
    start = max(grant.provisioned_at, window.start)
    end = min([*([max(ends)] if ends else []), window.end])
    return Interval(start, Instant(end)) if start < end else None


def _sized(work: Workplace, history: _History, name: str, role: Role) -> Sized:
    held = history.held.get(name, [])
    hosts = [one for one in held if one.place.kind == "linux"]
    total = sum(one.time.length for one in hosts)
    uncovered = sum(one.uncovered for one in hosts)
    return Sized(
        name,
        tuple(_rights(role, held, hosts)),
        grants=len({one.grant.id for one in held}),
        standing_hours=total / HOUR,
        coverage=1 - uncovered / total if total else None,
        findings=_dormant(work, held),
    )


def _rights(role: Role, held: Sequence[_Held], hosts: Sequence[_Held]) -> Iterator[Right]:
    linux = role.linux
    if linux is not None:
        if linux.login != "none":
            logins = [one for one in _used(hosts) if one.what == LOGIN]
            yield _judged("login", LOGIN, "", hosts, logins)
        for right in linux.sudo:
            for command in right.commands:
                yield _command(command, right.run_as, hosts)
        for group in linux.groups:
            yield _unseen("group", group, hosts)
    for member in role.postgres.member_of if role.postgres else ():
        yield _unseen("membership", member, [one for one in held if one not in hosts])


def _command(command: str, run_as: str, hosts: Sequence[_Held]) -> Right:
    """Return a command beside its use in the grants that gave it: the role may have changed."""
    gave = [one for one in hosts if _gave(one.grant, command, run_as)]
    ran = [one for one in _used(gave) if one.what != LOGIN and allows(command, one.what)]
    return _judged("command", command, run_as, gave, ran)


def _gave(grant: Grant, command: str, run_as: str) -> bool:
    rights = grant.gives.linux.sudo if grant.gives.linux else ()
    return any(one.run_as == run_as and command in one.commands for one in rights)


def _used(held: Iterable[_Held]) -> Iterator[Used]:
    return (one for each in held for one in each.used)


def _judged(
    kind: str, what: str, run_as: str, held: Sequence[_Held], used: Collection[Used]
) -> Right:
    blind = tuple(sorted({one.place.place for one in held if one.uncovered}))
    hours = sum(one.time.length for one in held) / HOUR
    if used:
        exact = tuple(sorted({one.what for one in used})) if kind == "command" else ()
        return Right(
            kind, what, run_as, Verdict.USED, sum(one.times for one in used),
            max(one.last_at for one in used), exact, blind, hours=hours,
        )  # fmt: skip
    if not held:
        why = "it was given to nobody in this time"
        return Right(kind, what, run_as, Verdict.UNKNOWN, why=why)
    if blind:
        why = "the logs were not read for the whole time"
        return Right(kind, what, run_as, Verdict.UNKNOWN, blind=blind, why=why, hours=hours)
    return Right(kind, what, run_as, Verdict.UNUSED, hours=hours)


def _unseen(kind: str, what: str, held: Sequence[_Held]) -> Right:
    """Return a right whose use no log of sshd or sudo shows."""
    blind = tuple(sorted({one.place.place for one in held}))
    why = f"what a {kind} is used for stands in no log that is read"
    return Right(kind, what, "", Verdict.UNKNOWN, blind=blind, why=why)


def _dormant(work: Workplace, held: Sequence[_Held]) -> tuple[AccessFinding, ...]:
    """Return the grants in force that nobody has used for the time the policy allows."""
    unused_after = parse_duration(work.registry.policy.reviews.unused_after)
    now = work.now()
    by_grant: dict[int, list[_Held]] = {}
    for one in held:
        if not one.grant.state.is_ending and not one.grant.is_over(now):
            by_grant.setdefault(one.grant.id, []).append(one)
    views = (
        Dormancy(
            grant=each[0].grant.name, person=each[0].grant.person, role=each[0].grant.role,
            places=tuple(sorted(one.place.place for one in each)),
            unused_for=_unused_for(each),
            covered=not any(one.uncovered for one in each), unused_after=unused_after,
        )
        for each in by_grant.values()
    )  # fmt: skip
    return tuple(one for view in views for rule in DORMANT.rules for one in rule.check(view))


def _unused_for(held: Sequence[_Held]) -> Duration:
    """Return how long a grant has not been used: since its last use, or since it began."""
    used = [one.last_at for one in _used(held)]
    began = min(one.time.start for one in held)
    seen = min(one.time.end for one in held)
    return Duration(seen - max(used, default=began))


# What could be taken out of the catalogue


def changes(sized: Sized, role: Role) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return which commands of a role are to go, and which become the exact ones that were run."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    judged = {(one.run_as, one.what): one for one in sized.rights if one.kind == "command"}
    for at, right in enumerate(role.linux.sudo if role.linux else ()):
        for index, command in enumerate(right.commands):
            one = judged[right.run_as, command]
            if one.verdict is Verdict.UNUSED:
                found[at, index] = ()
            elif one.narrower:
                found[at, index] = one.narrower
    return found
