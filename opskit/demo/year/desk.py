"""The work of the invented company's Ops: by hand, by machine, asked for, and made easier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from opskit.core.clock import HOUR, Duration, Instant
from opskit.core.evidence import (
    AccessEvidence,
    AutomatedEvidence,
    DemandEvidence,
    DeskEvidence,
    DriftEvidence,
    FixUseEvidence,
    IncidentEvidence,
    IntakeEvidence,
    ProcessEvidence,
    RenewalEvidence,
    TimedEvidence,
    UpkeepEvidence,
    WarningEvidence,
    WorkClass,
    WorkEvidence,
)
from opskit.core.interval import Interval
from opskit.demo.year.access import TEAMS
from opskit.demo.year.book import Book
from opskit.demo.year.incidents import IMPORTED, LATE, LATE_AT, OPS, Told
from opskit.demo.year.when import (
    MONTHS,
    TAKEN_OVER,
    WHOLE,
    after_hours,
    at,
    hours,
    later,
    minutes,
    office_hour,
    pick,
    skewed,
    slowly,
)
from opskit.report.statistics.draws import stream

GRANTING, CORRECTING = "granting access", "correcting drift"
RENEWING, VERIFYING = "renewing certificates", "verifying backups"
ONBOARDING, RELEASING = "onboarding", "releasing changes"


def desk(book: Book, incidents: Sequence[tuple[Told, IncidentEvidence]]) -> DeskEvidence:
    """Return what the desk has of all months; what machines did is for `automated` to say."""
    source = stream("year/desk")
    return DeskEvidence(
        incidents=tuple(_imported(book, one) for _, one in incidents),
        intakes=tuple(_intakes(book, source)),
        fixes=tuple(_fixes(book)),
        work=tuple(_work(book, source, [one for one, _ in incidents])),
        timed=tuple(_timed(book, source)),
        upkeep=tuple(_upkeep(book)),
        unrecorded=("commands", "logins"),
    )


def _imported(book: Book, one: IncidentEvidence) -> IncidentEvidence:
    if one.name != LATE:
        return one
    ref = book.note(LATE_AT, "import", "incident.imported", one.name)
    return replace(one, source=f"tickets of another team, {IMPORTED}", refs=(*one.refs, ref))


# By hand


_REACTIVE = ("a login was locked", "a job hung", "a disk was nearly full", "a build failed")
_PREVENTIVE = ("updates tested", "a backup restored for proof", "a risk closed", "alerts tuned")
_SERVICE = ("a new host", "a DNS record", "a report for finance", "a database copy", "advice")
_PRIORITIES = ("reliability", "reliability", "security", "growth", "")


def _work(book: Book, source: Random, incidents: Sequence[Told]) -> Iterator[WorkEvidence]:
    for one in incidents:
        if one.start >= TAKEN_OVER:
            # Half an hour to look back at each, besides the time it took to end it.
            took = minutes(one.lasted - one.unseen + 30)
            begun = later(one.start, one.unseen)
            yield _piece(book, begun, (WorkClass.REACTIVE, f"{one.name}: {one.text}"), took)
    for index, month in enumerate(MONTHS):
        if month.start >= TAKEN_OVER:
            yield from _of_month(book, source, month, index)


def _of_month(book: Book, source: Random, month: Interval, index: int) -> Iterator[WorkEvidence]:
    kinds = (
        (WorkClass.REACTIVE, _REACTIVE, slowly(index, 34, 13), 38.0),
        (WorkClass.PREVENTIVE, _PREVENTIVE, slowly(index, 5, 17), 75.0),
        (WorkClass.SERVICE, _SERVICE, slowly(index, 23, 25), 35.0),
        (WorkClass.UNCLASSIFIED, ("talk in the corridor",), 2.5, 20.0),
    )
    for work, subjects, many, typical in kinds:
        for _ in range(round(many * (0.85 + 0.3 * source.random()))):
            took = minutes(max(5, skewed(source, typical, 0.5)))
            noted = took if source.random() < _NOTED else None
            what = (work, pick(source, subjects))
            yield _piece(book, office_hour(source, month), what, noted, pick(source, _PRIORITIES))


_NOTED = 0.92


def _piece(
    book: Book,
    moment: Instant,
    what: tuple[WorkClass, str],
    took: Duration | None,
    priority: str = "reliability",
) -> WorkEvidence:
    work, subject = what
    ref = book.note(moment, OPS, "work.noted", subject, work=work.value)
    return WorkEvidence(moment, OPS, work, took, subject, after_hours(moment), priority, (ref,))


def _timed(book: Book, source: Random) -> Iterator[TimedEvidence]:
    """Yield tasks done with a watch running, so that nobody has to guess how long they take."""
    for task, typical, many in ((GRANTING, 21, 9), (RELEASING, 38, 7)):
        for number in range(many):
            moment = office_hour(source, MONTHS[3 + number])
            took = minutes(skewed(source, typical, 0.3))
            ref = book.note(moment, OPS, "task.timed", task)
            yield TimedEvidence(moment, task, took, (ref,))


def _upkeep(book: Book) -> Iterator[UpkeepEvidence]:
    rows = ((GRANTING, 95), (CORRECTING, 130), (RENEWING, 40))
    for index, month in enumerate(MONTHS):
        if month.start < TAKEN_OVER:
            continue
        for number, (task, took) in enumerate(rows):
            moment = later(month.start, 60 * (24 * (6 + 7 * number) + 10))
            ref = book.note(moment, OPS, "upkeep.noted", task)
            yield UpkeepEvidence(moment, task, minutes(slowly(index, 3 * took, took)), (ref,))


# By machine


def automated(
    book: Book, drifts: Sequence[DriftEvidence], access: AccessEvidence, told: WarningEvidence
) -> tuple[AutomatedEvidence, ...]:
    """Return what commands did: each really changed something, and no trial is among them."""
    found = [
        *(_did(book, one.usable_at, GRANTING, 3) for one in access.requests if one.usable_at),
        *(_did(book, one.fixed_at, CORRECTING, 4) for one in drifts if one.fixed_at),
        *(_did(book, one.renewed_at, RENEWING, 2) for one in _alone(told) if one.renewed_at),
        *(_did(book, later(one.end, -600), VERIFYING, 5) for one in MONTHS),
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.refs)))


def _alone(told: WarningEvidence) -> list[RenewalEvidence]:
    return [one for one in told.renewals if not one.by_hand]


def _did(book: Book, moment: Instant, task: str, attended: int) -> AutomatedEvidence:
    ref = book.note(moment, "opskit", "task.done", task)
    return AutomatedEvidence(moment, task, 1, minutes(attended), (ref,))


def demand(
    period: Interval,
    drifts: Sequence[DriftEvidence],
    access: AccessEvidence,
    told: WarningEvidence,
) -> tuple[DemandEvidence, ...]:
    """Return how much of each task was wanted in a month, whoever would have done it."""
    asked = [one for one in access.requests if _in(one.usable_at, period)]
    found = [one for one in drifts if _in(one.detected_at, period)]
    ending = [one for one in _alone(told) if _in(one.renewed_at, period)]
    rows = (
        (GRANTING, asked, "requests that were approved"),
        (CORRECTING, found, "deviations that checks found"),
        (RENEWING, ending, "certificates that were to end"),
    )
    return tuple(
        DemandEvidence(task, len(every), basis, tuple(ref for one in every for ref in one.refs[:1]))
        for task, every, basis in rows
    )


def _in(moment: Instant | None, period: Interval) -> bool:
    return moment is not None and period.start <= moment < period.end


# Asked for


_KINDS = ("host", "dns", "database copy", "report", "firewall", "access")


def _intakes(book: Book, source: Random) -> Iterator[IntakeEvidence]:
    number = 0
    for index, month in enumerate(MONTHS):
        if month.start < TAKEN_OVER:
            continue
        for _ in range(19 + int(source.random() * 9)):
            number += 1
            moment, name = office_hour(source, month), f"q{number}"
            complete = source.random() < slowly(index, 0.45, 0.82)
            rounds = 0 if complete else 1 + int(source.random() * 2.4)
            took = round(skewed(source, 5 + 9 * rounds, 0.7) * 60)
            done = later(moment, took)
            blocked = hours(min(took / 60, 4)) if source.random() < 0.2 else None
            team = pick(source, TEAMS)
            ref = book.note(moment, team, "intake.opened", name)
            yield IntakeEvidence(
                name, pick(source, _KINDS), team, moment, rounds,
                done if done < WHOLE.end else None, blocked, (ref,),
            )  # fmt: skip


# Known fixes


_FIXES = (
    ("restart the import of orders", "platform", "2026-01-14 15:50", 37),
    ("free a build agent's disk", "platform", "2026-01-23 10:25", 46),
    ("unlock the report queue", "data", "2026-03-18 13:10", 64),
)
_USED = (
    ("2026-04-09 09:45", 0, "logistics", 15), ("2026-05-20 10:20", 2, "finance", 22),
    ("2026-06-17 15:10", 1, "web", 20), ("2026-07-02 09:20", 0, "logistics", 14),
    ("2026-07-22 08:15", 1, "payments", 24), ("2026-08-13 14:25", 0, "logistics", 19),
    ("2026-09-17 13:10", 1, "web", 18), ("2026-10-08 11:30", 2, "finance", 17),
    ("2026-10-20 08:15", 1, "payments", 21), ("2026-10-22 06:40", 0, "logistics", 20),
    ("2026-10-27 15:05", 2, "finance", 15),
)  # fmt: skip


def _fixes(book: Book) -> Iterator[FixUseEvidence]:
    rows = [(when, fix, team, took, True) for fix, team, when, took in _FIXES]
    rows += [(when, _FIXES[which][0], team, took, False) for when, which, team, took in _USED]
    for when, fix, team, took, first in sorted(rows):
        ref = book.note(at(when), team, "fix.found" if first else "fix.used", fix)
        yield FixUseEvidence(at(when), fix, team, minutes(took), first, (ref,))


# What would break first


def processes(
    book: Book, period: Interval, counts: Mapping[str, int]
) -> tuple[ProcessEvidence, ...]:
    """Return the processes of Ops in a month, each with how many can do it and for how long."""
    able = {
        ONBOARDING: (1, 7), RELEASING: (2, 14), GRANTING: (3, 20), VERIFYING: (1, 6),
    }  # fmt: skip
    ref = book.note(Instant(period.end - HOUR), OPS, "process.counted", "processes")
    return tuple(
        ProcessEvidence(name, counts.get(name, 0), people, hours(each), (ref,))
        for name, (people, each) in able.items()
    )


def released(period: Interval) -> int:
    """Return how many changes were released in a month."""
    return 15 + int(stream(f"year/released/{period.start}").random() * 5)
