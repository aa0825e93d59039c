"""The use of access that logs tell of: by day, team and kind, never by person. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from opskit.core.clock import Instant
from opskit.core.evidence import DeskEvidence, UseEvidence
from opskit.core.evidence.rows import only
from opskit.core.interval import Interval
from opskit.history.model import Use
from opskit.history.store import Kept

# What rows of a kind are called in the evidence, and which log tells of them.
_NAMES = {"sudo": "commands", "sshd": "logins"}


def used(kept: Iterable[Kept], sources: Collection[str], period: Interval) -> DeskEvidence:
    """Return the uses of a period; of a kind without any log among `sources` nothing is known."""
    rows = [(one, row) for one, row in _once(kept) if period.start <= row.started_at < period.end]
    logged = {one.partition("/")[0] for one in sources}
    names = [name for log, name in _NAMES.items() if log in logged]
    return DeskEvidence(
        commands=tuple(_by_day((one, row) for one, row in rows if row.kind == "sudo")),
        logins=tuple(_by_day((one, row) for one, row in rows if row.kind == "login")),
        unrecorded=only(DeskEvidence, *names),
    )


def _once(kept: Iterable[Kept]) -> Iterator[tuple[Kept, Use]]:
    """Yield the rows of each log; of two readings of the same time, the one that begins first."""
    by_day: dict[tuple[str, Instant], dict[Interval, list[tuple[Kept, Use]]]] = {}
    for one in kept:
        if isinstance(one.row, Use):
            row = one.row
            read = by_day.setdefault((one.source, row.day), {})
            read.setdefault(Interval(row.started_at, row.ended_at), []).append((one, row))
    for readings in by_day.values():
        until = 0
        for span in sorted(readings, key=lambda one: (one.start, -one.end)):
            if span.start >= until:
                until = span.end
                yield from readings[span]


def _by_day(rows: Iterable[tuple[Kept, Use]]) -> Iterator[UseEvidence]:
    together: dict[tuple[Instant, str], list[tuple[Kept, Use]]] = {}
    for one, row in rows:
        together.setdefault((row.day, row.team), []).append((one, row))
    for (day, team), own in sorted(together.items()):
        yield UseEvidence(
            at=day,
            team=team,
            times=sum(row.times for _, row in own),
            granted=sum(row.granted for _, row in own),
            hosts=len({one.source for one, _ in own}),
            refs=tuple(sorted(one.seq for one, _ in own)),
        )
