"""What went wrong in the invented year: one list, from which downtime, pages and work follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.core.clock import HOUR, Instant
from opskit.core.evidence import IncidentEvidence, PageEvidence
from opskit.core.interval import State
from opskit.demo.year.book import Book
from opskit.demo.year.when import TAKEN_OVER, after_hours, at, later, pick
from opskit.report.statistics.draws import stream

OPS = "platform"
# How the desk names what it did not record itself.
IMPORTED = "imported"
# Its ticket lay with another team: it came in after the first report of the month was sent.
LATE, LATE_AT = "INC-145", at("2026-11-03 09:20")


@dataclass(frozen=True, slots=True)
class Told:
    """One incident: `lasted` and `unseen`, until somebody noticed, in minutes."""

    name: str
    start: Instant
    service: str
    lasted: int
    unseen: int
    state: State
    cause: str
    text: str
    change: str = ""

    @property
    def end(self) -> Instant:
        """Return when it was over."""
        return later(self.start, self.lasted)


# start | service | minutes | unseen | down, degraded or - for no user hit | cause | what | change
_LIST = """
2025-10-03 10:12 | search | 41 | 6 | down | index | The index was rebuilt at noon
2025-10-08 21:40 | shop | 66 | 12 | down | load | A campaign nobody was told of
2025-10-14 07:55 | warehouse | 88 | 25 | down | import | The import of orders hung
2025-10-20 16:20 | checkout | 23 | 4 | down | provider | The card provider answered late
2025-10-24 11:05 | code | 130 | 30 | down | disk | A build agent's disk was full
2025-10-29 03:10 | mail | 75 | 40 | degraded | queue | The queue grew over night
2025-11-04 09:30 | warehouse | 52 | 15 | down | import | The import of orders hung again
2025-11-07 19:15 | shop | 35 | 7 | down | load | Too few workers for the evening
2025-11-13 02:20 | orders-db | 94 | 48 | down | disk | The disk of the database was full
2025-11-13 02:20 | checkout | 94 | 48 | down | disk | No database, no orders
2025-11-18 14:00 | login | 28 | 5 | down | change | A library was updated everywhere | CHG-31
2025-11-21 08:45 | search | 33 | 9 | degraded | index | Slow answers after a rebuild
2025-11-27 20:05 | shop | 57 | 6 | down | load | The busiest evening of the year
2025-12-02 10:40 | mail | 45 | 20 | down | queue | The queue was stuck
2025-12-05 18:30 | order-api | 31 | 5 | down | provider | A partner sent what nobody expected
2025-12-09 06:50 | warehouse | 61 | 22 | down | import | The import of orders hung
2025-12-12 13:10 | checkout | 19 | 3 | down | provider | The card provider was away
2025-12-16 23:25 | code | 150 | 90 | down | disk | A build agent's disk was full
2025-12-22 11:30 | shop | 26 | 4 | degraded | load | Slow pages before the holidays
2026-01-08 09:20 | search | 24 | 4 | down | index | The index was rebuilt too early
2026-01-14 15:45 | warehouse | 37 | 8 | down | import | The import of orders hung
2026-01-20 04:35 | mail | 52 | 21 | degraded | queue | The queue grew over night
2026-01-23 10:15 | code | 48 | 6 | down | disk | A build agent's disk was full
2026-01-28 17:05 | checkout | 16 | 3 | down | provider | The card provider answered late
2026-02-03 13:30 | shop | 21 | 3 | down | load | A newsletter nobody was told of
2026-02-11 00:00 | warehouse | 412 | 395 | down | certificate | A certificate was forgotten
2026-02-19 11:50 | login | 17 | 2 | down | change | A rule of the firewall was too wide | CHG-58
2026-02-24 16:10 | search | 29 | 5 | degraded | index | Slow answers after a rebuild
2026-03-05 08:25 | order-api | 22 | 3 | down | provider | A partner's key had changed
2026-03-12 20:50 | shop | 34 | 4 | down | load | A broadcast named the shop
2026-03-19 10:00 | mail | 26 | 7 | degraded | queue | The queue was stuck
2026-03-26 14:35 | code | 41 | 5 | - | disk | A build agent's disk was full
2026-04-09 09:40 | warehouse | 19 | 4 | down | import | The import hung: known by now
2026-04-16 12:15 | search | 27 | 4 | down | index | The index was damaged
2026-04-22 18:40 | checkout | 14 | 2 | down | provider | The card provider was away
2026-04-28 07:30 | code | 38 | 6 | - | disk | A build agent's disk was full
2026-06-04 10:20 | shop | 18 | 3 | down | load | A crawler asked too much
2026-06-11 03:15 | mail | 44 | 18 | degraded | queue | The queue grew over night
2026-06-17 15:05 | code | 35 | 4 | - | disk | A build agent's disk was full
2026-06-25 11:10 | order-api | 21 | 3 | down | provider | A partner was away
2026-07-02 09:15 | warehouse | 17 | 3 | down | import | The import hung: known by now
2026-07-09 16:45 | search | 31 | 5 | degraded | index | Slow answers after a rebuild
2026-07-15 22:30 | shop | 29 | 5 | down | load | A campaign at night
2026-07-22 08:05 | code | 44 | 7 | - | disk | A build agent's disk was full
2026-07-28 13:55 | login | 15 | 2 | down | change | A session limit was set too low | CHG-97
2026-08-06 10:30 | checkout | 13 | 2 | down | provider | The card provider answered late
2026-08-13 14:20 | warehouse | 23 | 4 | down | import | The import hung: known by now
2026-08-20 05:40 | code | 52 | 25 | - | disk | A build agent's disk was full
2026-08-27 17:25 | search | 22 | 3 | down | index | The index was rebuilt too early
2026-09-03 09:50 | mail | 31 | 6 | degraded | queue | The queue was stuck
2026-09-10 11:35 | shop | 16 | 3 | down | load | A newsletter nobody was told of
2026-09-17 13:05 | code | 33 | 5 | - | disk | A build agent's disk was full
2026-09-24 19:30 | order-api | 24 | 4 | down | provider | A partner was away
2026-10-06 10:45 | search | 18 | 3 | down | index | The index was damaged
2026-10-14 16:12 | checkout | 52 | 6 | down | change | A cipher list left out old phones | CHG-118
2026-10-20 08:10 | code | 37 | 6 | - | disk | A build agent's disk was full
2026-10-22 06:35 | warehouse | 25 | 5 | down | import | The import hung: known by now
"""
_FIRST = 90


def told() -> tuple[Told, ...]:
    """Return every incident, oldest first."""
    lines = _LIST.strip().splitlines()
    return tuple(_told(number, line) for number, line in enumerate(lines, _FIRST))


def _told(number: int, line: str) -> Told:
    start, service, lasted, unseen, state, cause, text, *change = (
        part.strip() for part in line.split("|")
    )
    held = State.UP if state == "-" else State(state)
    return Told(
        f"INC-{number}", at(start), service, int(lasted), int(unseen), held, cause, text,
        change[0] if change else "",
    )  # fmt: skip


def incidents(book: Book) -> Iterator[tuple[Told, IncidentEvidence]]:
    """Yield each incident as the desk has it, or as it was imported from the tickets before."""
    for one in told():
        imported = one.start < TAKEN_OVER
        detected = later(one.start, one.unseen)
        taken = later(detected, min(one.lasted - one.unseen, 3 + one.unseen // 6))
        refs = (
            book.note(detected, OPS, "incident.opened", one.name, service=one.service),
            book.note(one.end, OPS, "incident.resolved", one.name, cause=one.cause),
        )
        yield one, IncidentEvidence(
            one.name, one.service, OPS, one.start, detected, None if imported else taken, one.end,
            visible=one.state is not State.UP,
            source=f"tickets, {IMPORTED}" if imported else "opskit",
            cause=f"{one.cause} {one.start // (24 * HOUR)}",
            fingerprint=f"{one.service}/{one.cause}",
            by_ops=bool(one.change), change=one.change, refs=refs,
        )  # fmt: skip


def pages(book: Book) -> Iterator[PageEvidence]:
    """Yield the calls for a human: one for each incident, and some that led to nothing."""
    source = stream("year/pages")
    for one in told():
        yield _page(book, later(one.start, one.unseen), f"{one.service} down", acted=True)
        if source.random() < _FALSE_ALARMS:
            moment = later(one.start, 60 * 24 * (1 + 3 * source.random()))
            rule = pick(source, ("load high", "queue long", "memory high"))
            yield _page(book, moment, rule, acted=False)


_FALSE_ALARMS = 0.4


def _page(book: Book, moment: Instant, rule: str, *, acted: bool) -> PageEvidence:
    ref = book.note(moment, "alerts", "page.sent", rule, acted=acted)
    return PageEvidence(moment, OPS, rule, after_hours(moment), acted, (ref,))
