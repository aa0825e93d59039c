"""What people in the invented company said: teams, never persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from opskit.core.clock import HOUR, Instant
from opskit.core.evidence import (
    ConfirmationEvidence,
    FocusEvidence,
    FrictionEvidence,
    GrayAreaEvidence,
    HandoverEvidence,
    OutcomeEvidence,
    RiskEvidence,
    WantedEvidence,
    WinEvidence,
    WordEvidence,
)
from opskit.core.interval import Interval
from opskit.demo.year.book import Book
from opskit.demo.year.incidents import OPS
from opskit.demo.year.warnings import DISK
from opskit.demo.year.when import PERIOD, TAKEN_OVER, WHOLE, at, mornings
from opskit.report.statistics.draws import stream

_REPLAY = f"replay.{DISK}"


def word(book: Book) -> WordEvidence:
    """Return what was said over all months."""
    return WordEvidence(
        focus=tuple(_focus(book)),
        wins=tuple(_wins(book)),
        outcomes=tuple(_outcomes(book)),
        friction=tuple(_friction(book)),
        handovers=tuple(_handovers(book)),
        confirmations=tuple(_confirmations(book)),
        risks=tuple(_risks(book)),
        gray_areas=tuple(_gray_areas(book)),
        wanted=tuple(_wanted(book)),
    )


def _focus(book: Book) -> Iterator[FocusEvidence]:
    source = stream("year/focus")
    for start in mornings(WHOLE, (1, 3), "13:00"):
        if start >= TAKEN_OVER:
            times = int(source.random() * 2.6)
            ref = book.note(start, OPS, "focus.kept", OPS)
            yield FocusEvidence(OPS, Interval(start, Instant(start + 4 * HOUR)), times, (ref,))


_WINS = (
    ("2026-05-29 15:00", "web", "A month without one disturbance of customers", ()),
    (
        "2026-10-09 16:00", "payments",
        "The disk of orders-db was seen filling a week ahead and emptied in office hours",
        (_REPLAY,),
    ),
    (
        "2026-10-16 11:00", "support",
        "Two newcomers had all they needed before their first lunch", ("access.ready.median",),
    ),
    (
        "2026-10-23 09:30", "logistics",
        "The warehouse team ends the hanging import itself, by the known fix", ("fixes.reused",),
    ),
)  # fmt: skip


def _wins(book: Book) -> Iterator[WinEvidence]:
    for when, helped, text, figures in _WINS:
        ref = book.note(at(when), OPS, "win.told", helped, text=text)
        yield WinEvidence(at(when), OPS, helped, text, figures, (ref,))


_OUTCOMES = (
    (
        "newcomers", "new colleagues", "All in place after the first day began", "h",
        (26, 4, Fraction(57, 10)), "2025-12-15", "2026-01-07", "2026-12-31",
    ),
    (
        "releases", "the web team", "Releases that wait for Ops", "of 10",
        (7, 1, 3), "2026-02-02", "2026-02-16", "2026-12-31",
    ),
    (
        "reports", "finance", "Month-end reports ready by", "working days",
        (6, 2, 3), "2026-06-30", "2026-05-04", "2026-12-31",
    ),
)  # fmt: skip


def _outcomes(book: Book) -> Iterator[OutcomeEvidence]:
    for name, who, change, unit, values, frozen, begun, due in _OUTCOMES:
        ref = book.note(at(f"{frozen} 12:00"), OPS, "outcome.written", name)
        baseline, target, now = (Fraction(value) for value in values)
        yield OutcomeEvidence(
            name, who, change, unit, baseline, target, now, at(f"{frozen} 12:00"),
            at(f"{begun} 09:00"), at(f"{due} 23:59"), (ref,),
        )  # fmt: skip


_ASKED: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("2026-01-21 12:00", 46, 4, {}),
    ("2026-04-22 12:00", 47, 27, {"slow builds": 14, "waiting for access": 9, "remote access": 6}),
    ("2026-07-22 12:00", 48, 33, {"slow builds": 12, "remote access": 8, "waiting for access": 5}),
    (
        "2026-10-21 12:00", 49, 31,
        {"slow builds": 11, "remote access": 8, "too many passwords": 5, "waiting for access": 3},
    ),
)  # fmt: skip


def _friction(book: Book) -> Iterator[FrictionEvidence]:
    for when, asked, answered, themes in _ASKED:
        ref = book.note(at(when), OPS, "friction.asked", "all teams", answered=answered)
        yield FrictionEvidence(at(when), asked, answered, themes, (ref,))


def _handovers(book: Book) -> Iterator[HandoverEvidence]:
    rows = (
        ("2026-08-19 10:00", "the newsletter's DNS", "support", "2026-08-24 09:00"),
        ("2026-10-12 09:00", "the service returns", "logistics", "2026-10-19 14:00"),
        ("2026-10-28 16:00", "the report for auditors", "finance", ""),
    )
    for when, subject, taker, accepted in rows:
        ref = book.note(at(when), OPS, "handover.offered", subject, taker=taker)
        agreed = at(accepted) if accepted else None
        yield HandoverEvidence(subject, OPS, taker, at(when), agreed, (ref,))


def _confirmations(book: Book) -> Iterator[ConfirmationEvidence]:
    rows = (
        ("2026-10-12 10:00", "payments", _REPLAY),
        ("2026-10-26 10:00", "logistics", "fixes.reused"),
        ("2026-10-20 15:00", "support", "access.ready.median"),
    )
    for when, team, line in rows:
        ref = book.note(at(when), team, "claim.confirmed", line)
        yield ConfirmationEvidence(at(when), team, line, PERIOD, (ref,))


def _risks(book: Book) -> Iterator[RiskEvidence]:
    rows = (
        ("one-balancer", "checkout has one load balancer", "2026-10-15", "", ""),
        ("old-keys", "keys of a partner that is gone", "2026-09-08", "2026-09-30", "2026-10-07"),
        ("restore-alone", "one team alone can restore", "2026-06-15", "2026-10-20", ""),
    )
    for name, subject, spotted, mitigated, closed in rows:
        ref = book.note(at(f"{spotted} 11:00"), OPS, "risk.spotted", name)
        less, over = (at(f"{day} 11:00") if day else None for day in (mitigated, closed))
        yield RiskEvidence(name, subject, at(f"{spotted} 11:00"), less, over, (ref,))


def _gray_areas(book: Book) -> Iterator[GrayAreaEvidence]:
    rows = (
        (
            "2026-10-05 11:00", "printers of the office", "refused",
            "no time without taking it from releases", "a contract with the printers' maker",
        ),
        (
            "2026-10-19 14:00", "returns", "handed over",
            "logistics knows what it must do", "a runbook and two weeks side by side",
        ),
        ("2026-10-26 10:30", "keys of test accounts", "owned", "nobody else could", ""),
    )  # fmt: skip
    for when, subject, decision, why, offered in rows:
        ref = book.note(at(when), OPS, "gray_area.decided", subject, decision=decision)
        yield GrayAreaEvidence(subject, at(when), decision, why, offered, (ref,))


def _wanted(book: Book) -> Iterator[WantedEvidence]:
    moment = at("2026-10-30 10:00")
    ref = book.note(moment, OPS, "decision.wanted", "checkout")
    yield WantedEvidence(
        moment, "a second load balancer for checkout",
        "pay for one, so that a change can be tried on half of the customers first; or lower "
        "checkout's target to 99.9 %",
        at("2026-11-20 18:00"), (ref,),
    )  # fmt: skip
