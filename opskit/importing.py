"""What other slices read as history: series of a Prometheus, logs of sudo and sshd."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from opskit.access.attribution import Given, joined
from opskit.access.logfiles import Read as Logged
from opskit.access.loglines import Login, Ran
from opskit.access.model import People
from opskit.core.calendar import month
from opskit.core.clock import Instant, from_datetime, iso, to_datetime
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval, clip
from opskit.core.text import clean, shorten
from opskit.history.model import Read, Told, Use, Watch
from opskit.history.reading import Bounds
from opskit.history.store import text_of
from opskit.monitor.uptime import ServiceUptime

# A name of a host, or of files, is at most so long.
_LONGEST = 200


def watched(server: str, found: Sequence[ServiceUptime], zone: ZoneInfo) -> Read:
    """Return the uptime of services as rows, one for each service and month in `zone`.

    `server` is its URL, which holds no secret.
    """
    rows = tuple(_row(one, part, zone) for one in found for part in _months(one.window, zone))
    digest = hashlib.sha256("\n".join(text_of(row) for row in rows).encode()).hexdigest()
    covers = found[0].window if found else None
    return Read("prometheus", clean(server), digest, rows, Told(), covers)


def _row(found: ServiceUptime, part: Interval, zone: ZoneInfo) -> Watch:
    service = clean(found.service)
    first = to_datetime(part.start, zone).date().isoformat()
    last = to_datetime(part.end - 1, zone).date().isoformat()
    key = f"{service}/{first}/{last}"
    return Watch(key, service, part.start, part.end, found.edge, clip(found.timeline, part))


def _months(window: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    """Yield a window month by month; the first and the last may be parts of one."""
    start = window.start
    while start < window.end:
        day = to_datetime(start, zone).date()
        end = min(month(day.year, day.month, zone).end, window.end)
        yield Interval(start, end)
        start = end


# Logs

_KINDS: Mapping[str, type[Login | Ran]] = {"sudo": Ran, "sshd": Login}
_UNCLEAR = "a line that cannot be read for certain"


@dataclass(frozen=True)
class Accounts:
    """Whose account is whose team's, and which grants of opskit a host had.

    A team of one person is told as not known: its uses would be that person's.
    """

    teams: Mapping[str, str]
    grants: Sequence[Given]

    @classmethod
    def of(cls, people: People, grants: Sequence[Given]) -> Accounts:
        """Return the accounts that people.yaml names."""
        members = Counter(one.team for one in people.people.values())
        teams = {
            one.account or key: one.team
            for key, one in people.people.items()
            if members[one.team] > 1
        }
        owned = {
            one.account or key: one.owner
            for key, one in people.service_accounts.items()
            if one.owner in people.teams
        }
        return cls({**owned, **teams}, grants)


def logged(
    program: str, files: Sequence[Path], found: Logged, accounts: Accounts, within: Bounds,
    zone: ZoneInfo,
) -> Read:  # fmt: skip
    """Return the uses of access in the logs of one host as rows, for each day and team.

    `program` is sudo or sshd: only what it wrote is taken.

    Raises:
        ConfigError: the log does not say which host it is of.
    """
    host = clean(found.place) or next(iter(sorted(found.hosts)), "")
    if not host:
        raise ConfigError("the log does not say which host it is of", hint="--host web1")
    told = Told()
    for at in found.holes:
        told.leave_out(_UNCLEAR, iso(at, zone))
    span = _bounded(found.span, within)
    rows = () if span is None else tuple(_uses(program, found, span, accounts, zone))
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    names = clean(", ".join(path.name for path in files))
    source = f"{program}/{shorten(clean(host), _LONGEST)}"
    covers = span if rows else None
    return Read(source, shorten(names, _LONGEST), digest.hexdigest(), rows, told, covers)


def _bounded(span: Interval | None, within: Bounds) -> Interval | None:
    if span is None:
        return None
    start = span.start if within.start is None else within.start
    end = span.end if within.end is None else within.end
    return Interval(start, end) if start < end else None


def _uses(
    program: str, found: Logged, span: Interval, accounts: Accounts, zone: ZoneInfo
) -> Iterator[Use]:
    groups: dict[tuple[Instant, str], list[Login | Ran]] = {}
    for event in found.events:
        if isinstance(event, _KINDS[program]) and span.start <= event.at < span.end:
            key = _midnight(event.at, zone), accounts.teams.get(event.account, "")
            groups.setdefault(key, []).append(event)
    kind = "login" if program == "sshd" else "sudo"
    for (day, team), events in sorted(groups.items()):
        start, end = max(day, span.start), min(_midnight(day, zone, 1), span.end)
        stray = joined(found.place, events, accounts.grants).by_no_grant
        yield Use(
            key=f"{to_datetime(day, zone):%Y-%m-%d}/{start - day}/{team}", kind=kind, team=team,
            day=day, started_at=start, ended_at=end, times=len(events),
            granted=len(events) - stray, as_of=end,
        )  # fmt: skip


def _midnight(at: Instant, zone: ZoneInfo, days: int = 0) -> Instant:
    """Return the start of the day of an instant, or of so many days later."""
    day = to_datetime(at, zone).date() + timedelta(days=days)
    return from_datetime(datetime.combine(day, time(), zone))
