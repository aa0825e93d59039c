"""`access usage`: what grants were used for, from the logs of sshd and sudo, and for which times.

Logs that start later than asked, that were rotated away, or that do not show that both programs
write there, are no evidence of anything not being used: then the time counts as not covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import sqlalchemy as sa

from opskit.access.attribution import Given, Joined, given, joined
from opskit.access.logfiles import Read, read_logs
from opskit.access.loglines import Login, Ran, Said, Stamps
from opskit.access.model import LinuxTarget
from opskit.access.store import grants, places, usage
from opskit.access.store.usage import Used
from opskit.access.targets.kinds import Logs
from opskit.access.workplace import Workplace
from opskit.core.clock import DAY, Duration, Instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval

_FIRST_READ = Duration(90 * DAY)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What reading the logs of a place came to."""

    place: str
    interval: Interval | None
    why: str
    logins: int
    commands: int
    denied: int
    by_no_grant: int
    unclear: int
    grants: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        covered = self.interval
        return {
            "place": self.place,
            "covered_from": covered.start if covered else None,
            "covered_until": covered.end if covered else None,
            "why_not_covered": self.why or None,
            "logins": self.logins,
            "commands": self.commands,
            "denied": self.denied,
            "by_no_grant": self.by_no_grant,
            "unclear": self.unclear,
            "grants": list(self.grants),
        }


# The hosts themselves


@runtime_checkable
class Reader(Protocol):
    """A kind of target that can give the logs of its hosts."""

    def logs(self, since: Mapping[str, Instant]) -> Mapping[str, Logs]:
        """Return what sshd and sudo wrote on each host since a time."""
        ...


def read_hosts(work: Workplace, hosts: Sequence[str]) -> tuple[Read, ...]:
    """Return what the logs of hosts say since they were last read; at first 90 days back.

    Raises:
        ConfigError: what changes hosts here cannot read their logs.
    """
    now, reader = work.now(), work.kind("linux")
    if not isinstance(reader, Reader):
        raise ConfigError("no kind of target here gives logs", hint="give files: --host NAME")
    with work.database.read() as connection:
        read = {host: usage.covered(connection, host) for host in hosts}
    since = {
        host: max((one.end for one in spans), default=Instant(now - _FIRST_READ))
        for host, spans in read.items()
    }
    told = reader.logs(since)
    return tuple(read_logs(host, told[host], Stamps(now, work.zone)) for host in hosts)


def hosts_of(work: Workplace) -> tuple[str, ...]:
    """Return the hosts of all Linux targets, each once."""
    names = (
        name for name, one in work.registry.targets.targets.items() if isinstance(one, LinuxTarget)
    )
    return tuple(sorted({host for name in names for host in work.places(name)}))


# Writing it down


def record(work: Workplace, read: Sequence[Read]) -> tuple[Recorded, ...]:
    """Write what was used, and for which times that is known; what was read before counts once."""
    with work.database.write() as connection:
        by_place = grants_by_place(connection)
        return tuple(_record(work, connection, one, by_place.get(one.place, ())) for one in read)


def grants_by_place(connection: sa.Connection) -> dict[str, list[Given]]:
    """Return the grants that are, or were, on each host, as far as logs can be joined to them."""
    known = {one.id: given(one) for one in grants.everything(connection)}
    found: dict[str, list[Given]] = {}
    for row in places.everywhere(connection):
        one = known.get(row.grant_id)
        if row.kind == "linux" and one is not None:
            found.setdefault(row.place, []).append(one)
    return found


def _record(
    work: Workplace, connection: sa.Connection, read: Read, known: Sequence[Given]
) -> Recorded:
    covered = usage.covered(connection, read.place)
    new = [one for one in read.events if one.at is not None and not _within(one.at, covered)]
    found = joined(read.place, new, known)
    for one in found.used:
        _add(connection, one)
    for part in read.parts():
        for piece in _without(part, covered):
            usage.cover(connection, read.place, piece)
    told = _recorded(read, new, found)
    work.tell(connection, "usage.read", read.place, told.as_json())
    return told


def _recorded(read: Read, new: Sequence[Said], found: Joined) -> Recorded:
    return Recorded(
        read.place, read.interval, read.why,
        logins=sum(isinstance(one, Login) for one in new),
        commands=sum(isinstance(one, Ran) for one in new),
        denied=found.denied, by_no_grant=found.by_no_grant, unclear=len(read.holes),
        grants=tuple(dict.fromkeys(f"g{one.grant_id}" for one in found.used)),
    )  # fmt: skip


def _add(connection: sa.Connection, used: Used) -> None:
    """Count a use, unless logs that do not cover their time are read a second time."""
    own = usage.of_grant(connection, used.grant_id)
    known = [one for one in own if (one.place, one.what) == (used.place, used.what)]
    if not known or used.first_at > known[0].last_at or used.last_at < known[0].first_at:
        usage.add(connection, used)


def _within(at: Instant, intervals: Iterable[Interval]) -> bool:
    return any(one.start <= at < one.end for one in intervals)


def _without(interval: Interval, others: Sequence[Interval]) -> Iterator[Interval]:
    """Yield what of an interval lies in none of the others, which are in order."""
    start = interval.start
    for one in others:
        if one.end <= start or one.start >= interval.end:
            continue
        if start < one.start:
            yield Interval(start, one.start)
        start = max(start, one.end)
    if start < interval.end:
        yield Interval(start, interval.end)
