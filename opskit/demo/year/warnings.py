"""What was told beforehand in the invented company, and whether telling worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant
from opskit.core.evidence import (
    DrillEvidence,
    FiringEvidence,
    PageEvidence,
    PredictionEvidence,
    RenewalEvidence,
    TrendEvidence,
    WarningEvidence,
)
from opskit.core.interval import Interval
from opskit.demo.year.book import Book
from opskit.demo.year.incidents import OPS, pages, told
from opskit.demo.year.when import (
    MONTHS,
    PERIOD,
    WARNED_SINCE,
    WHOLE,
    after_hours,
    at,
    later,
    mornings,
    office_hour,
    pick,
    skewed,
)
from opskit.report.statistics.draws import normal, stream

DISK, QUOTA = "orders-db-disk", "backup-quota"
_SUBJECTS = (
    ("disk full", ("web2 /var", "app3 /var", "db2 /", "mail1 /var", "build1 /tmp", "app7 /")),
    ("quota reached", ("backups", "images", "logs")),
    ("memory full", ("app1", "app5", "build3")),
)


def warnings(book: Book) -> WarningEvidence:
    """Return what alerting shows, from the day on that it was there."""
    source = stream("year/warnings")
    found = WarningEvidence(
        predictions=tuple(_predictions(book, source)),
        trends=tuple(_trend(book, one) for one in _LINES),
        renewals=tuple(_renewals(book, source)),
        drills=tuple(_drills(book)),
        pages=tuple(one for one in pages(book) if one.at >= WARNED_SINCE),
    )
    fired = sorted(_firings(found.predictions, found.pages), key=lambda one: one.at)
    return replace(found, firings=tuple(fired))


def _firings(
    predictions: Iterable[PredictionEvidence], called: Iterable[PageEvidence]
) -> Iterator[FiringEvidence]:
    """Yield the alerts behind warnings and calls."""
    for one in called:
        yield FiringEvidence(
            one.at, one.team, one.rule, one.acted, bool(one.acted), one.after_hours, refs=one.refs
        )
    for told_of in predictions:
        at, failed = told_of.warned_at, told_of.failed_at
        if at is None:
            continue
        acted, over = told_of.acted_at is not None, told_of.closed_at is not None
        worth = True if acted or failed is not None else (False if over else None)
        lead = None if failed is None or failed <= at else Duration(failed - at)
        late = after_hours(at)
        yield FiringEvidence(at, OPS, told_of.rule, worth, acted, late, lead, told_of.refs)


# Predictions


def _predictions(book: Book, source: Random) -> Iterator[PredictionEvidence]:
    number = 0
    for month in MONTHS:
        if month.start < WARNED_SINCE:
            continue
        for _ in range(3 + int(source.random() * 3)):
            number += 1
            yield _acted_on(book, source, f"p{number}", office_hour(source, month))
        if month is not PERIOD:
            for _ in range(2):
                number += 1
                yield _let_be(book, source, f"p{number}", office_hour(source, month))
    yield from _came_true(book, number)
    yield from _unwarned(book)
    yield _still_open(book)


def _acted_on(book: Book, source: Random, name: str, warned: Instant) -> PredictionEvidence:
    rule, subjects = pick(source, _SUBJECTS)
    subject = pick(source, subjects)
    expected = _around(later(warned, 60 * skewed(source, 90, 0.5)))
    acted = Instant(min(later(warned, skewed(source, 160, 0.9)), expected.start - HOUR))
    acted = Instant(min(acted, WHOLE.end - MINUTE))
    refs = (
        book.note(warned, "alerts", "prediction.made", name, what=subject),
        book.note(acted, OPS, "prediction.acted", name),
    )
    return PredictionEvidence(name, rule, subject, warned, expected, acted, None, acted, refs)


def _let_be(book: Book, source: Random, name: str, warned: Instant) -> PredictionEvidence:
    """Return one nobody acted on, about something few depend on: it came to nothing."""
    rule, subjects = pick(source, _SUBJECTS)
    subject = f"{pick(source, subjects)} (test)"
    expected = _around(later(warned, 60 * skewed(source, 70, 0.4)))
    closed = Instant(min(expected.end, WHOLE.end - MINUTE))
    refs = (
        book.note(warned, "alerts", "prediction.made", name, what=subject),
        book.note(closed, "alerts", "prediction.lapsed", name),
    )
    return PredictionEvidence(name, rule, subject, warned, expected, None, None, closed, refs)


def _came_true(book: Book, number: int) -> Iterator[PredictionEvidence]:
    """Yield those about build agents that nobody acted on, each of which filled up."""
    full = [
        one
        for one in told()
        if one.cause == "disk" and one.service == "code" and one.start >= WARNED_SINCE
    ]
    for index, one in enumerate(full, number + 1):
        warned = Instant(one.start - (26 + index % 5) * HOUR)
        name = f"p{index}"
        refs = (
            book.note(warned, "alerts", "prediction.made", name, what="build agent"),
            book.note(one.start, "alerts", "prediction.failed", name, incident=one.name),
        )
        subject = f"build{1 + index % 4} /var"
        expected = _around(Instant(one.start + 3 * HOUR))
        yield PredictionEvidence(
            name, "disk full", subject, warned, expected, None, one.start, one.start, refs
        )


def _unwarned(book: Book) -> Iterator[PredictionEvidence]:
    """Yield the failures that a warning could have told, and none did."""
    for one in told():
        if one.cause in {"certificate", "queue"} and one.start >= WARNED_SINCE:
            ref = book.note(one.start, "alerts", "failure.unwarned", one.name)
            yield PredictionEvidence(
                f"unwarned {one.name}", "none", one.service, None, None, None, one.start,
                one.start, (ref,),
            )  # fmt: skip


def _still_open(book: Book) -> PredictionEvidence:
    warned = at("2026-10-30 14:20")
    ref = book.note(warned, "alerts", "prediction.made", "p-open", what="web4 /var")
    expected = Interval(at("2026-11-09 00:00"), at("2026-11-13 00:00"))
    return PredictionEvidence(
        "p-open", "disk full", "web4 /var", warned, expected, None, None, None, (ref,)
    )


def _around(instant: Instant) -> Interval:
    return Interval(Instant(instant - 12 * HOUR), Instant(instant + 12 * HOUR))


# Trends that somebody ended


@dataclass(frozen=True, slots=True)
class _Line:
    """Something that filled up: from `level` by about `slope` a day, until somebody acted."""

    name: str
    subject: str
    unit: str
    limit: int
    level: float
    slope: float
    acted: str
    action: str
    relief: str = ""


_LINES = (
    _Line(
        DISK, "The disk of orders-db", "%", 95, 61.0, 0.95,
        "2026-10-08 10:40", "three years of old orders were moved to the archive",
    ),
    _Line(
        "mail-disk", "The disk of mail1", "%", 95, 70.0, 0.4,
        "2026-10-21 09:30", "old attachments were moved to the archive",
    ),
    _Line(
        QUOTA, "The quota of the backups", "GB", 4_000, 3_300.0, 14.0,
        "2026-10-15 14:00", "backups older than a year were deleted",
        "the rotation of the next Sunday",
    ),
    _Line(
        "images-disk", "The store of images", "%", 90, 68.0, 0.7,
        "2026-06-16 11:15", "pictures nobody shows were deleted",
    ),
)  # fmt: skip
_DAYS = 28


def _trend(book: Book, one: _Line) -> TrendEvidence:
    source, end = stream(f"year/trend/{one.name}"), at(one.acted)
    samples = []
    for half in range(2 * _DAYS, 0, -1):
        moment = Instant(end - half * DAY // 2)
        noise = one.slope * normal(source) / 3
        value = one.level + one.slope * (_DAYS - half / 2) + noise
        samples.append((moment, Fraction(round(10 * value), 10)))
    ref = book.note(end, OPS, "trend.ended", one.subject, action=one.action)
    return TrendEvidence(
        one.name, one.subject, one.unit, Fraction(one.limit), rising=True, samples=tuple(samples),
        acted_at=end, action=one.action, relief=one.relief, refs=(ref,),
    )  # fmt: skip


# Renewals


_CERTIFICATES = ("shop", "checkout", "login", "order-api", "search", "returns", "mail", "code")
_FORGOTTEN = "warehouse"


def _renewals(book: Book, source: Random) -> Iterator[RenewalEvidence]:
    for index, name in enumerate(_CERTIFICATES):
        moment = later(WARNED_SINCE, 60 * 24 * (3 + 7 * index))
        while moment < WHOLE.end:
            left = Instant(moment + round((21 + 9 * source.random()) * DAY))
            yield _renewal(book, name, "certificate", left, moment, by_hand=False)
            moment = Instant(moment + 61 * DAY)
    yield _forgotten(book)
    contracts = (
        ("2026-03-10 10:00", "domain", "shop domain", 34),
        ("2026-06-22 10:00", "licence", "payroll licence", 12),
        ("2026-10-13 15:20", "contract", "card provider", 6),
    )
    for when, kind, name, days in contracts:
        ends = Instant(at(when) + days * DAY)
        yield _renewal(book, name, kind, ends, at(when), by_hand=True)


def _forgotten(book: Book) -> RenewalEvidence:
    down = next(one for one in told() if one.cause == "certificate")
    return _renewal(book, _FORGOTTEN, "certificate", down.start, down.end, by_hand=True)


def _renewal(
    book: Book, name: str, kind: str, ends: Instant, renewed: Instant, *, by_hand: bool
) -> RenewalEvidence:
    ref = book.note(renewed, OPS if by_hand else "certificates", f"{kind}.renewed", name)
    return RenewalEvidence(name, kind, ends, renewed, by_hand, (ref,))


# Test faults


_NOT_HEARD = {"2026-03-16", "2026-10-19"}
_REPEATED = ("2026-10-20 11:15",)
_SKIPPED = {"2025-12-22", "2025-12-29", "2026-04-06", "2026-08-10"}


def _drills(book: Book) -> Iterator[DrillEvidence]:
    weekly = [one for one in mornings(WHOLE, (0,), "10:05") if one >= WARNED_SINCE]
    for moment in sorted((*weekly, *(at(one) for one in _REPEATED))):
        if _on(moment, _SKIPPED):
            continue
        heard = not _on(moment, _NOT_HEARD)
        ref = book.note(moment, "alerts", "drill.made", "test fault", received=heard)
        yield DrillEvidence(moment, "drill", seen=True, routed=True, received=heard, refs=(ref,))


def _on(moment: Instant, days: set[str]) -> bool:
    return any(at(f"{day} 00:00") <= moment < at(f"{day} 23:59") for day in days)
