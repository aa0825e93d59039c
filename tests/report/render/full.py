"""A year in which every kind of evidence is there, small enough to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from opskit.core.calendar import month
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant
from opskit.core.evidence import (
    AccessEvidence,
    ArrivalEvidence,
    AutomatedEvidence,
    ConfirmationEvidence,
    DemandEvidence,
    DepartureEvidence,
    DeskEvidence,
    DriftEvidence,
    DrillEvidence,
    EmergencyEvidence,
    Evidence,
    FixUseEvidence,
    FocusEvidence,
    FrictionEvidence,
    GrantEvidence,
    GrayAreaEvidence,
    HandoverEvidence,
    IncidentEvidence,
    IntakeEvidence,
    OutcomeEvidence,
    PageEvidence,
    PredictionEvidence,
    ProcessEvidence,
    RefusalEvidence,
    RenewalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
    RiskEvidence,
    RunEvidence,
    ServiceEvidence,
    TimedEvidence,
    TrendEvidence,
    UpkeepEvidence,
    WantedEvidence,
    WarningEvidence,
    WinEvidence,
    WordEvidence,
    WorkClass,
    WorkEvidence,
)
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, State, Stretch, fill, overlay
from opskit.report.assumptions import Assumption, Assumptions, Baseline
from opskit.report.built import Built
from opskit.report.ground import Ground, Past
from opskit.report.statistics.draws import Triangular
from tests.report.evidence import hosts_of
from tests.report.render.book import AMSTERDAM, Book

_SERVICES = (
    ("checkout", "payments", "99.9"),
    ("storefront", "web", "99.5"),
    ("code store", "platform", "99"),
)
_TEAMS = ("payments", "web", "platform", "sales")
_KINDS = (WorkClass.REACTIVE, WorkClass.PREVENTIVE, WorkClass.SERVICE, WorkClass.UNCLASSIFIED)


@dataclass(frozen=True)
class _Month:
    """A month that evidence is written for; `number` is 0 for the first of thirteen."""

    book: Book
    period: Interval
    number: int

    def at(self, day: float, hour: float = 0) -> Instant:
        """Return a moment by day, counted from 0, and hour."""
        return Instant(self.period.start + int(day * DAY + hour * HOUR))

    def note(self, kind: str, subject: str, at: Instant) -> tuple[int, ...]:
        """Return the ledger entry of something that happened."""
        return (self.book.note(kind, subject, at),)


def full() -> Built:
    """Return a month with every kind of evidence, the twelve months before it, and assumptions."""
    periods = [_period(number) for number in range(13)]
    book = Book(periods[0].start)
    months = [_Month(book, period, number) for number, period in enumerate(periods)]
    past = tuple(Past(one.period, _evidence(one)) for one in months[:-1])
    now = _evidence(months[-1])
    return book.report(Ground(periods[-1], now, past, AMSTERDAM.key, _assumed(months)))


def _period(number: int) -> Interval:
    """Return the months from October 2025 on."""
    year, index = divmod(9 + number, 12)
    return month(2025 + year, index + 1, AMSTERDAM)


def _evidence(one: _Month) -> Evidence:
    runs = tuple(_runs(one))
    return Evidence(
        services=tuple(_service(one, *who) for who in _SERVICES),
        drifts=tuple(_drifts(one)),
        runs=runs,
        hosts=hosts_of(runs),
        access=_access(one),
        warnings=_warnings(one),
        desk=_desk(one),
        word=_word(one),
    )


def _service(one: _Month, name: str, owner: str, objective: str) -> ServiceEvidence:
    length = Duration((9 + 7 * one.number % 23) * MINUTE * (3 if name == "code store" else 1))
    start = one.at(3 + len(name) % 11, 10)
    refs = one.note("target.flipped", f"{name}/http", start)
    end = Instant(start + length)
    down = Stretch(start, end, State.DOWN, "HTTP 502", refs)
    dark = Stretch(one.at(20), one.at(20, 2), State.UNKNOWN, "no observation", ())
    trouble = (down, dark) if name == "checkout" else (down,)
    timeline = overlay(fill((), one.period, State.UP, ""), trouble)
    promised = Fraction(objective) / 100
    return ServiceEvidence(name, owner, "customer-facing", promised, timeline, refs=refs)


def _drifts(one: _Month) -> Iterator[DriftEvidence]:
    for number, host in enumerate(("db-2", "web-1", "build-7")):
        found = one.at(4 + 5 * number, 3)
        gone = None if host == "build-7" else Instant(found + 6 * HOUR)
        refs = one.note("drift.found", host, found)
        yield DriftEvidence(
            host, "CIS 5.1.20", Severity.HIGH, "SSH refuses root login",
            Instant(found - DAY), found, gone, refs,
        )  # fmt: skip


def _runs(one: _Month) -> Iterator[RunEvidence]:
    for day in (4, 11, 18, 25):
        begin = one.at(day, 3)
        refs = one.note("run.finished", f"check-{one.number}-{day}", begin)
        yield RunEvidence(
            f"check-{one.number}-{day}", "check", "linux-server 2026.3", "finished", begin,
            Instant(begin + 3 * MINUTE), {Verdict.COMPLIANT: 39, Verdict.DRIFTED: 1}, refs,
        )  # fmt: skip


def _access(one: _Month) -> AccessEvidence:
    opened, end = one.at(12, 2), one.at(21, 18)
    return AccessEvidence(
        requests=tuple(_requests(one)),
        grants=tuple(_grants(one)),
        revocations=(
            RevocationEvidence(
                f"g{one.number}", "p1", "web-1", end, Instant(end + 95 * MINUTE),
                Duration(95 * MINUTE), "", one.note("grant.expired", "g", end),
            ),
        ),
        refusals=(
            RefusalEvidence(
                one.at(9), "request.refused", "r-x", "nobody may hold auditor and web-admin",
                one.note("request.refused", "r-x", one.at(9)),
            ),
        ),
        emergencies=(
            EmergencyEvidence(
                f"e{one.number}", "web", "web-admin", opened,
                Instant(opened + DAY), Instant(opened + HOUR),
                one.note("breakglass.opened", "e", opened),
            ),
        ),
        reviews=(
            ReviewEvidence(
                f"v{one.number}", one.at(19), one.at(29), one.at(23), 6, 4, 1, 0, 0,
                one.note("review.closed", "v", one.at(23)),
            ),
        ),
        arrivals=(
            ArrivalEvidence(
                f"a{one.number}", "sales", one.at(1, 9), one.at(1, 15), (),
                one.note("person.onboarded", "a", one.at(1, 15)),
            ),
            ArrivalEvidence(
                f"b{one.number}", "web", one.at(26, 9), None, ("code store",),
                one.note("person.started", "b", one.at(26, 9)),
            ),
        ),
        departures=(
            DepartureEvidence(
                f"d{one.number}", "sales", one.at(14, 17), one.at(14, 19),
                one.note("person.offboarded", "d", one.at(14, 19)),
            ),
        ),
    )  # fmt: skip


def _requests(one: _Month) -> Iterator[RequestEvidence]:
    for number in range(1, 11):
        asked = one.at(2.5 * number, 10)
        waits = number * (13 - one.number % 4) * 9 * MINUTE
        usable = Instant(asked + waits) if number < 10 else None
        name = f"r{one.number}-{number}"
        yield RequestEvidence(
            name, _TEAMS[number % 4], "nginx-operator", asked,
            "approved" if usable else "pending", usable, asked, usable,
            refs=one.note("request.created", name, asked),
        )  # fmt: skip


def _grants(one: _Month) -> Iterator[GrantEvidence]:
    for number, level in enumerate(("high", "low")):
        ended = one.at(16 + number)
        yield GrantEvidence(
            f"s{one.number}-{number}", "", "p4", "db-admin", one.at(0), one.at(0), None, ended,
            one.note("grant.revoked", "s", ended), level, one.at(28), None,
        )  # fmt: skip


def _warnings(one: _Month) -> WarningEvidence:
    return WarningEvidence(
        predictions=tuple(_predictions(one)),
        trends=(_trend(one),),
        renewals=tuple(_renewals(one)),
        drills=tuple(_drills(one)),
        pages=tuple(_pages(one)),
    )


def _predictions(one: _Month) -> Iterator[PredictionEvidence]:
    for number in range(6):
        warned, due = one.at(4 * number + 1), one.at(4 * number + 3)
        acted = Instant(warned + 5 * HOUR) if number % 2 else None
        failed = due if number in {0, 4} else None
        name = f"w{one.number}-{number}"
        yield PredictionEvidence(
            name, "DiskFillsUp", "/var", warned, Interval(due, Instant(due + DAY)), acted, failed,
            Instant(due + DAY), one.note("prediction.made", name, warned),
        )  # fmt: skip
    missed = one.at(22)
    yield PredictionEvidence(
        f"m{one.number}", "", "mail relay", None, None, None, missed, missed,
        one.note("incident.opened", "m", missed),
    )  # fmt: skip


def _trend(one: _Month) -> TrendEvidence:
    samples = tuple((one.at(day), Fraction(60 + 3 * day + day % 2)) for day in range(9))
    acted = one.at(8, 12)
    return TrendEvidence(
        f"t{one.number}", "/var of db-2", "%", Fraction(100), True, samples, acted,
        "log rotation added", "", one.note("change.made", "db-2", acted),
    )  # fmt: skip


def _renewals(one: _Month) -> Iterator[RenewalEvidence]:
    for number, left in enumerate((21, 9, -1)):
        renewed = one.at(10 + number)
        yield RenewalEvidence(
            f"c{one.number}-{number}", "certificate", Instant(renewed + left * DAY), renewed,
            number == 1, one.note("certificate.renewed", f"c{number}", renewed),
        )  # fmt: skip


def _drills(one: _Month) -> Iterator[DrillEvidence]:
    for number, day in enumerate(range(1, 29, 5)):
        begun = one.at(day, 9)
        fine = number != 3
        refs = one.note("drill.finished", "checkout", begun)
        yield DrillEvidence(begun, "checkout", seen=True, routed=True, received=fine, refs=refs)


def _pages(one: _Month) -> Iterator[PageEvidence]:
    for number in range(8 - one.number % 3):
        called = one.at(3 * number, 2 + 4 * number % 20)
        refs = one.note("page.sent", "ops", called)
        yield PageEvidence(called, "ops", "HighErrorRate", number % 3 == 0, number % 4 != 0, refs)


def _desk(one: _Month) -> DeskEvidence:
    return DeskEvidence(
        incidents=tuple(_incidents(one)),
        intakes=tuple(_intakes(one)),
        fixes=tuple(_fixes(one)),
        processes=(
            _process(one, "grant access", 140, 1),
            _process(one, "restore", 2, 2),
            _process(one, "print", 2, 0),
        ),
        work=tuple(_work(one)),
        automated=(
            AutomatedEvidence(
                one.at(15), "grant access", 80, Duration(3 * HOUR),
                one.note("run.finished", "g", one.at(15)),
            ),
        ),
        demand=(DemandEvidence("grant access", 70, "requests", one.note("d", "d", one.at(28))),),
        timed=(
            TimedEvidence(
                one.at(6), "grant access", Duration((14 + one.number % 5) * MINUTE),
                one.note("task.timed", "t", one.at(6)),
            ),
        ),
        upkeep=(
            UpkeepEvidence(
                one.at(7), "grant access", Duration(90 * MINUTE),
                one.note("work.noted", "u", one.at(7)),
            ),
        ),
    )  # fmt: skip


def _process(one: _Month, name: str, arrivals: int, able: int) -> ProcessEvidence:
    refs = one.note("process.counted", name, one.at(1))
    return ProcessEvidence(name, arrivals, able, Duration(60 * HOUR), refs)


def _incidents(one: _Month) -> Iterator[IncidentEvidence]:
    for number in range(6 - one.number % 3):
        start = one.at(4 * number + 2, 11)
        lasted = (7 + 31 * number) * MINUTE
        over = None if one.number % 12 == 0 and number == 5 else Instant(start + lasted)
        source = "alertmanager" if one.number < 6 else "opskit"
        name = f"i{one.number}-{number}"
        yield IncidentEvidence(
            name, _SERVICES[number % 3][0], "ops", start, Instant(start + MINUTE),
            Instant(start + 4 * MINUTE), over, number != 2, source,
            cause="", fingerprint=f"f{number % 4}", by_ops=number == 1,
            change="change-7" if number == 1 else "", refs=one.note("incident.opened", name, start),
        )  # fmt: skip


def _intakes(one: _Month) -> Iterator[IntakeEvidence]:
    for number in range(8):
        asked = one.at(3 * number + 1, 10)
        done = Instant(asked + (number + 1) * 5 * HOUR) if number < 7 else None
        yield IntakeEvidence(
            f"n{one.number}-{number}", "new database", _TEAMS[number % 4], asked, number % 2, done,
            Duration(number * HOUR) if number % 3 == 0 else None,
            one.note("intake.asked", "n", asked),
        )  # fmt: skip


def _fixes(one: _Month) -> Iterator[FixUseEvidence]:
    if one.number == 0:
        yield FixUseEvidence(
            one.at(5), "clear the queue", "payments", Duration(70 * MINUTE), True,
            one.note("fix.found", "q", one.at(5)),
        )  # fmt: skip
    yield FixUseEvidence(
        one.at(17), "clear the queue", "web", Duration(12 * MINUTE), False,
        one.note("fix.used", "q", one.at(17)),
    )  # fmt: skip


def _work(one: _Month) -> Iterator[WorkEvidence]:
    for number in range(16):
        begun = one.at(1.7 * number, 9)
        took = Duration((40 + 11 * (number + one.number) % 90) * MINUTE) if number % 7 else None
        yield WorkEvidence(
            begun, "ops", _KINDS[(number * number + one.number) % 4], took, "tickets",
            number % 5 == 0, "sell more" if number % 2 else "", one.note("work.noted", "w", begun),
        )  # fmt: skip


def _word(one: _Month) -> WordEvidence:
    start = one.at(8, 13)
    return WordEvidence(
        focus=(
            FocusEvidence(
                "ops", Interval(start, Instant(start + 4 * HOUR)), one.number % 3,
                one.note("focus.kept", "ops", start),
            ),
        ),
        wins=(
            WinEvidence(
                one.at(27), "ops", "payments", "Deploys no longer wait for a firewall change",
                ("access.lead_time",), one.note("win.told", "w", one.at(27)),
            ),
        ),
        outcomes=tuple(_outcomes(one)),
        friction=tuple(_friction(one)),
        handovers=(
            HandoverEvidence(
                "wiki", "platform", "web", one.at(11), one.at(13),
                one.note("handover.made", "wiki", one.at(11)),
            ),
            HandoverEvidence(
                "badge printer", "sales", "platform", one.at(24), None,
                one.note("handover.made", "printer", one.at(24)),
            ),
        ),
        confirmations=(
            ConfirmationEvidence(
                one.at(29), "payments", "access.lead_time", one.period,
                one.note("line.confirmed", "l", one.at(29)),
            ),
        ),
        risks=(
            RiskEvidence(
                f"k{one.number}", "one person knows the mail relay", one.at(2), one.at(20), None,
                one.note("risk.spotted", "k", one.at(2)),
            ),
        ),
        gray_areas=(
            GrayAreaEvidence(
                "badge printer", one.at(24), "handed over", "it prints no software", "",
                one.note("area.decided", "b", one.at(24)),
            ),
            GrayAreaEvidence(
                "office plants", one.at(25), "refused", "nobody is paged by a plant",
                "the facility desk", one.note("area.decided", "p", one.at(25)),
            ),
        ),
        wanted=(
            WantedEvidence(
                one.at(28), "the code store runs out of disk in January",
                "buy disks for 2,000 or delete builds older than a year", one.at(60),
                one.note("decision.wanted", "c", one.at(28)),
            ),
        ),
    )  # fmt: skip


def _outcomes(one: _Month) -> Iterator[OutcomeEvidence]:
    begun = _period(2).start
    refs = one.note("outcome.measured", "o", one.at(28))
    yield OutcomeEvidence(
        "day-one", "new colleagues", "work on the first day", "hours to ready", Fraction(30),
        Fraction(8), Fraction(30 - one.number), _period(1).start, begun, one.at(90), refs,
    )  # fmt: skip
    yield OutcomeEvidence(
        "late-baseline", "sellers", "quotes without waiting", "minutes", Fraction(45),
        Fraction(10), Fraction(20), _period(5).start, begun, one.at(90), refs,
    )  # fmt: skip


def _friction(one: _Month) -> Iterator[FrictionEvidence]:
    if one.number % 3 == 0:
        themes = {"slow builds": 9, "too many logins": 5, "printer": 1}
        refs = one.note("friction.asked", "f", one.at(20))
        yield FrictionEvidence(one.at(20), 40, 17, themes, refs)


def _assumed(months: list[_Month]) -> Assumptions:
    said, ends = date(2026, 1, 5), date(2027, 1, 5)
    first = Interval(months[0].period.start, months[5].period.end)

    def row(name: str, unit: str, low: float, mode: float, high: float) -> Assumption:
        value = Triangular(low, mode, high)
        expires = date(2026, 6, 1) if name == "minutes.old" else ends
        return Assumption(name, unit, value, "finance", "budget 2026", said, expires)

    rows = (
        row("rate.hour", "EUR an hour", 50, 70, 95),
        row("cost.month", "EUR a month", 400, 500, 650),
        row("cash.old-monitoring", "EUR a month", 900, 900, 900),
        row("minutes.restore", "minutes per restore", 60, 90, 240),
        row("minutes.old", "minutes per run", 1, 2, 3),
    )
    baseline = Baseline(first, first.end, 1.1, "a tenth more hosts than then")
    return Assumptions({one.name: one for one in rows}, baseline, "EUR")
