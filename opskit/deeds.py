"""What may follow an alert, read from the records of every slice in the words of alerting.

What a timetable started is no answer to an alert: a nightly apply would have run without it, and
so would the work that it announces. Start it by hand or from CI to answer one. An outage within
announced work is none, as for uptime: it counts from when the time that was announced is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opskit.access.usage import grants_by_place
from opskit.alerts.worth import Deed, Kind
from opskit.core.clock import Instant
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.core.people import by_timetable
from opskit.monitor.store import maintenance
from opskit.monitor.store.maintenance import Maintenance
from opskit.outside.database import Database
from opskit.records.ledger import Entry, of_kinds

_DOWN, _APPLY = "down", "apply"


@dataclass(frozen=True)
class RecordedDeeds:
    """Reads runs, renewals, maintenance and outages from the ledger, grants from their table."""

    database: Database

    def within(self, period: Interval) -> tuple[Deed, ...]:
        """Return what was done, and what failed, within a period.

        An outage that was there before it is not among them: its beginning lies elsewhere.
        """
        kinds = {*_MADE, "target.flipped"}
        with self.database.read() as connection:
            entries = tuple(of_kinds(connection, kinds, period.start, period.end))
            given = grants_by_place(connection)
            work = maintenance.within(connection, period)
        made = (
            deed
            for one in entries
            if one.kind in _MADE
            for deed in _MADE[one.kind](one, json.loads(one.data))
        )
        grants = (
            Deed(Kind.GRANT, one.start, {"host": host})
            for host, some in given.items()
            for one in some
            if period.start <= one.start < period.end
        )
        outages = (_unannounced(one, work) for one in _outages(entries, period.end))
        return (*made, *grants, *(one for one in outages if one is not None))


def _changes(entry: Entry, data: Mapping[str, Any]) -> Iterator[Deed]:
    """Yield the hosts that an apply changed: these are not evaluated until the check after it."""
    if data.get("mode") != _APPLY or by_timetable(entry.actor):
        return
    for host, verdict in data.get("hosts", {}).items():
        if verdict == Verdict.NOT_EVALUATED:
            yield Deed(Kind.CHANGE, entry.at, {"host": host}, entry.seq)


def _renewed(entry: Entry, _data: Mapping[str, Any]) -> Iterator[Deed]:
    yield Deed(Kind.RENEWAL, entry.at, _target(entry.subject), entry.seq)


def _maintained(entry: Entry, _data: Mapping[str, Any]) -> Iterator[Deed]:
    if not by_timetable(entry.actor):
        yield Deed(Kind.MAINTENANCE, entry.at, {"service": entry.subject}, entry.seq)


def _ran_out(entry: Entry, _data: Mapping[str, Any]) -> Iterator[Deed]:
    yield Deed(Kind.OUTAGE, entry.at, _target(entry.subject), entry.seq)


def _reached(entry: Entry, data: Mapping[str, Any]) -> Iterator[Deed]:
    """Yield a forecast that came true: what it was to warn of is there."""
    if data.get("outcome") in ("right", "late"):
        at = Instant(int(data.get("at", entry.at)))
        yield Deed(Kind.OUTAGE, at, _target(entry.subject), entry.seq)


_MADE = {
    "run.finished": _changes,
    "deadline.moved": _renewed,
    "deadline.passed": _ran_out,
    "maintenance.opened": _maintained,
    "forecast.settled": _reached,
}


def _outages(entries: Iterable[Entry], end: Instant) -> Iterator[Deed]:
    """Yield each confirmed outage of a target; one that goes on lasts until the end."""
    begun: dict[str, Entry] = {}
    for one in entries:
        if one.kind != "target.flipped":
            continue
        if json.loads(one.data).get("to") == _DOWN:
            begun.setdefault(one.subject, one)
        elif (first := begun.pop(one.subject, None)) is not None:
            yield _outage(first, one.at)
    for first in begun.values():
        yield _outage(first, end)


def _outage(first: Entry, until: Instant) -> Deed:
    since = Instant(int(json.loads(first.data).get("since", first.at)))
    return Deed(Kind.OUTAGE, since, _target(first.subject), first.seq, until)


def _unannounced(outage: Deed, work: Iterable[Maintenance]) -> Deed | None:
    """Return an outage from where no announced work explains its beginning; None of one within it.

    `work` is in the order of its beginnings.
    """
    since = outage.at
    for one in work:
        covers = one.interval.start <= since < one.interval.end
        if covers and one.service == outage.labels["service"]:
            since = one.interval.end
    return replace(outage, at=since) if since == outage.at or since < outage.last else None


def _target(name: str) -> Mapping[str, str]:
    """Return what tells of a target: itself and its service, SERVICE/NAME."""
    return {"target": name, "service": name.partition("/")[0]}
