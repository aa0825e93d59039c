"""Reports of places that could exist, built as opskit builds them: from evidence.

`python -m tests.report.render.samples DIRECTORY` writes their pages, to look at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from opskit.core.evidence import (
    AccessEvidence,
    Blip,
    DriftEvidence,
    EmergencyEvidence,
    Evidence,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
    RunEvidence,
    ServiceEvidence,
)
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, State, Stretch, Timeline, fill, overlay
from opskit.report.built import Built
from opskit.report.ground import Ground
from opskit.report.pages import document
from opskit.report.render import html
from tests.report.evidence import hosts_of
from tests.report.render.book import AMSTERDAM, Book, at
from tests.report.render.full import full

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
    "\x1b[31m\x00\u202egnp.exe\u2066\n</style></title>https://evil.example/"
)

Event = tuple[State, str, Duration, str]


def _timeline(book: Book, name: str, period: Interval, events: Sequence[Event]) -> Timeline:
    stretches = []
    for state, start, length, reason in events:
        begin = at(start)
        refs = (
            book.note("target.flipped", f"{name}/http", begin, to=str(state), reason=reason),
            book.note("target.flipped", f"{name}/http", Instant(begin + length), to="up"),
        )
        stretches.append(Stretch(begin, Instant(begin + length), state, reason, refs))
    return overlay(fill((), period, State.UP, ""), stretches)


def _service(
    book: Book,
    period: Interval,
    who: tuple[str, str, str],
    objective: str,
    events: Sequence[Event],
    blips: int = 0,
) -> ServiceEvidence:
    name, owner, kind = who
    first = book.note("target.registered", f"{name}/http", period.start)
    timeline = _timeline(book, name, period, events)
    outages = sum(event[0] is State.DOWN for event in events)
    return ServiceEvidence(
        name=name,
        owner=owner,
        kind=kind,
        objective=Fraction(objective) / 100 if objective else None,
        timeline=timeline,
        blips=(Blip(period.start, f"{name}/http", "timed out"),) * blips,
        edge=Duration(outages * 2 * MINUTE),
        refs=tuple(sorted({first, *(ref for part in timeline for ref in part.refs)})),
    )


def _run(
    book: Book,
    name: str,
    mode: str,
    start: str,
    verdicts: dict[Verdict, int],
    state: str = "finished",
) -> RunEvidence:
    begin = at(start)
    end = Instant(begin + 3 * MINUTE + 12 * SECOND)
    refs = [book.note("run.started", name, begin, actor="ci@runner-2", mode=mode)]
    if state == "finished":
        counts = {str(verdict): count for verdict, count in verdicts.items()}
        refs.append(book.note("run.finished", name, end, actor="ci@runner-2", **counts))
    finished = end if state == "finished" else None
    return RunEvidence(
        name, mode, "linux-server 2026.3", state, begin, finished, verdicts, tuple(refs)
    )


def _drift(
    book: Book,
    what: tuple[str, str, Severity, str],
    last_good: str,
    found: str,
    gone: str = "",
) -> DriftEvidence:
    host, control, severity, task = what
    refs = [book.note("drift.found", host, at(found), task=task, control=control)]
    refs += [book.note("drift.gone", host, at(gone), task=task)] if gone else []
    return DriftEvidence(
        host, control, severity, task,
        at(last_good) if last_good else None, at(found), at(gone) if gone else None, tuple(refs),
    )  # fmt: skip


def month() -> Built:
    """Return a month of five services, with a clock change and a bit of everything else."""
    period = Interval(at("2026-10-01T00:00"), at("2026-11-01T00:00"))
    book = Book(period.start)
    runs = _month_runs(book)
    evidence = Evidence(
        services=_month_services(book, period),
        drifts=_month_drifts(book),
        runs=runs,
        hosts=hosts_of(runs),
        not_configured={"access": "no access targets are configured"},
    )
    return book.report(Ground(period, evidence, zone=AMSTERDAM.key))


def _month_services(book: Book, period: Interval) -> tuple[ServiceEvidence, ...]:
    outside = "customer-facing"
    return (
        _service(book, period, ("checkout", "payments", outside), "99.9", (
            (State.DOWN, "2026-10-08T14:02", Duration(37 * MINUTE), "HTTP 502 from the balancer"),
            (State.DOWN, "2026-10-19T03:11", Duration(18 * MINUTE), "timed out after 5 s"),
            (State.DEGRADED, "2026-10-19T03:29", Duration(46 * MINUTE), "slower than 2 s"),
            (State.MAINTENANCE, "2026-10-22T22:00", Duration(90 * MINUTE), "database upgrade"),
        ), blips=3),
        _service(book, period, ("storefront", "web", outside), "99.5", (
            (State.DOWN, "2026-10-25T01:50", Duration(49 * MINUTE), "connection refused"),
            (State.MAINTENANCE, "2026-10-22T22:00", Duration(90 * MINUTE), "database upgrade"),
        ), blips=1),
        _service(book, period, ("code store", "platform", "internal"), "99", (
            (State.DOWN, "2026-10-13T17:20", Duration(3 * HOUR + 5 * MINUTE), "no space on device"),
            (State.UNKNOWN, "2026-10-27T02:00", Duration(6 * HOUR), "no observation"),
        )),
        _service(book, period, ("mail relay", "platform", "internal"), "99.9", (
            (State.UNKNOWN, "2026-10-03T09:00", Duration(4 * DAY), "no observation"),
        )),
        _service(book, period, ("wiki", "people", "internal"), "", (
            (State.EXCLUDED, "2026-10-01T00:00", Duration(274 * HOUR), "not monitored yet"),
            (State.DOWN, "2026-10-30T08:00", Duration(40 * HOUR), "certificate expired"),
        )),
    )  # fmt: skip


def _month_drifts(book: Book) -> tuple[DriftEvidence, ...]:
    ssh = ("CIS 5.1.20", Severity.HIGH, "SSH refuses root login")
    ntp = ("CIS 2.3.1", Severity.MEDIUM, "Time is synchronized (chrony.conf)")
    motd = ("house 12", Severity.LOW, "Login banner names the owner")
    return (
        _drift(book, ("db-2", *ssh), "2026-10-04T03:00", "2026-10-05T03:01", "2026-10-05T09:40"),
        _drift(book, ("web-1", *ntp), "2026-10-11T03:00", "2026-10-12T03:01", "2026-10-12T09:12"),
        _drift(book, ("web-2", *ntp), "2026-10-11T03:00", "2026-10-12T03:01", "2026-10-12T09:12"),
        _drift(book, ("web-3", *ntp), "2026-10-11T03:00", "2026-10-12T03:01"),
        _drift(book, ("build-7", *motd), "", "2026-10-19T03:01"),
        _drift(book, ("build-7", *ssh), "2026-10-25T03:00", "2026-10-26T03:01", "2026-11-01T05:30"),
    )


def _month_runs(book: Book) -> tuple[RunEvidence, ...]:
    good, off, away = Verdict.COMPLIANT, Verdict.DRIFTED, Verdict.UNREACHABLE
    return (
        _run(book, "check-1004", "check", "2026-10-05T03:00", {good: 39, off: 1}),
        _run(book, "apply-0188", "apply", "2026-10-05T09:38", {good: 1}),
        _run(book, "check-1011", "check", "2026-10-12T03:00", {good: 37, off: 3}),
        _run(book, "apply-0189", "apply", "2026-10-12T09:10", {good: 2, Verdict.FAILED: 1}),
        _run(book, "check-1018", "check", "2026-10-19T03:00", {good: 38, off: 2}),
        _run(book, "check-1020", "check", "2026-10-21T11:30", {}, state="interrupted"),
        _run(book, "check-1025", "check", "2026-10-26T03:00", {good: 37, off: 2, away: 1}),
    )


def demo() -> Built:
    """Return the 90 seconds of a demonstration, one outage in it."""
    start = Instant(at("2026-11-21T22:02:10") + 250_000)
    period = Interval(start, Instant(start + 90 * SECOND))
    book = Book(start)

    def service(name: str, *events: Event) -> ServiceEvidence:
        return _service(book, period, (name, "demo", "internal"), "99", events)

    outage = (State.DOWN, "2026-11-21T22:02:41", Duration(17 * SECOND), "connection refused")
    late = (State.EXCLUDED, "2026-11-21T22:02:10", Duration(5 * SECOND), "not monitored yet")
    evidence = Evidence(
        services=(service("web", late, outage), service("tcp", late), service("status page", late)),
        drifts=(
            _drift(
                book,
                ("demo-1", "house 3", Severity.MEDIUM, "File /etc/demo.conf"),
                "",
                "2026-11-21T22:02:20",
                "2026-11-21T22:02:50",
            ),
        ),
        runs=(
            _run(book, "check-1", "check", "2026-11-21T22:02:19", {Verdict.DRIFTED: 1}),
            _run(book, "check-2", "check", "2026-11-21T22:02:49", {Verdict.COMPLIANT: 1}),
        ),
    )
    evidence = replace(evidence, hosts=hosts_of(evidence.runs))
    return book.report(Ground(period, evidence, zone=AMSTERDAM.key))


def empty() -> Built:
    """Return the report of a place where nothing is set up."""
    period = Interval(at("2026-10-01T00:00"), at("2026-11-01T00:00"))
    return Book(period.start).report(Ground(period, Evidence(), zone=AMSTERDAM.key))


def hostile() -> Built:
    """Return a report in which whoever could choose a string chose a bad one."""
    period = Interval(at("2026-10-01T00:00"), at("2026-10-08T00:00"))
    book = Book(period.start)
    bad = HOSTILE
    down = (State.DOWN, "2026-10-03T10:00", Duration(2 * HOUR), bad)
    service = _service(book, period, (bad, bad, bad), "99.9", (down,))
    drift = _drift(book, (bad, bad, Severity.HIGH, bad), "2026-10-03T03:00", "2026-10-04T03:00")
    begin = at("2026-10-04T02:59")
    seq = book.note(bad, bad, begin, actor=bad, data=bad)
    run = RunEvidence(bad, bad, bad, bad, begin, None, {Verdict.COMPLIANT: 1}, (seq,))
    evidence = Evidence((service,), (drift,), (run,), {bad: bad}, access=_hostile_access(book))
    return book.report(Ground(period, evidence, zone=AMSTERDAM.key))


def _hostile_access(book: Book) -> AccessEvidence:
    bad, begin = HOSTILE, at("2026-10-03T10:00")
    seq = (book.note(bad, bad, begin, actor=bad, data=bad),)
    return AccessEvidence(
        (RequestEvidence(bad, bad, bad, begin, "pending", None, begin, refs=seq),),
        (),
        (RevocationEvidence(bad, bad, bad, begin, None, Duration(HOUR), bad, seq),),
        (RefusalEvidence(begin, "request.refused", bad, bad, seq),),
        (EmergencyEvidence(bad, bad, bad, begin, begin, begin, seq),),
        (ReviewEvidence(bad, begin, begin, None, 1, 1, 1, 1, 1, seq),),
    )


def granting() -> Built:
    """Return a month in which access was asked for, given, taken away late once, and reviewed."""
    period = Interval(at("2026-10-01T00:00"), at("2026-11-01T00:00"))
    book = Book(period.start)
    evidence = Evidence(access=_month_access(book))
    return book.report(Ground(period, evidence, zone=AMSTERDAM.key))


def _month_access(book: Book) -> AccessEvidence:
    requests = tuple(_access_request(book, number) for number in range(1, 9))
    ends = tuple(_access_end(book, number) for number in range(1, 6))
    opened = at("2026-10-14T02:10")
    emergency = book.note("breakglass.opened", "g7", opened, actor="person:mira")
    review = book.note("review.opened", "v1", at("2026-10-20T09:00"))
    closed = book.note("review.closed", "v1", at("2026-10-24T16:30"))
    due = at("2026-10-15T02:10")
    return AccessEvidence(
        requests,
        (),
        ends,
        (
            RefusalEvidence(
                at("2026-10-09T11:00"), "request.refused", "web-admin",
                "FLOW-SOD", (book.note("request.refused", "jonas"),),
            ),
        ),
        (
            EmergencyEvidence(
                "g7", "web", "web-admin", opened, due, None, (emergency,),
            ),
        ),
        (
            ReviewEvidence(
                "v1", at("2026-10-20T09:00"), at("2026-11-03T09:00"), at("2026-10-24T16:30"),
                6, 4, 1, 0, 0, (review, closed),
            ),
        ),
    )  # fmt: skip


def _access_request(book: Book, number: int) -> RequestEvidence:
    """Return a request; the seventh is denied, and the eighth still waits."""
    asked_at = at(f"2026-10-{number * 3:02d}T10:00")
    outcome = {7: "denied", 8: "pending"}.get(number, "approved")
    served = Instant(asked_at + number * number * 7 * MINUTE) if outcome == "approved" else None
    said = f"request.{'submitted' if outcome == 'pending' else outcome}"
    refs = (book.note("request.created", f"r{number}", asked_at), book.note(said, f"r{number}"))
    return RequestEvidence(
        f"r{number}", "web", "nginx-operator", asked_at, outcome,
        None if outcome == "pending" else asked_at, asked_at, served, refs=refs,
    )  # fmt: skip


def _access_end(book: Book, number: int) -> RevocationEvidence:
    """Return an end; the fourth was late, the fifth was never seen."""
    end = at(f"2026-10-{20 + number}T18:00")
    late = Duration({4: 95 * MINUTE, 5: at("2026-11-01T00:00") - end}.get(number, 0))
    gone = None if number == 5 else Instant(end + late)
    reason = "" if gone else "no route to host"
    refs = (book.note("grant.expired", f"g{number}", end),)
    return RevocationEvidence(f"g{number}", "web", f"web{number}", end, gone, late, reason, refs)


def unobserved() -> Built:
    """Return a week in which a service was configured, and a second one never once looked at."""
    period = Interval(at("2026-10-05T00:00"), at("2026-10-12T00:00"))
    book = Book(period.start)
    week = Duration(period.length)
    services = (
        _service(book, period, ("planned", "web", "internal"), "99", (
            (State.EXCLUDED, "2026-10-05T00:00", week, "not monitored yet"),)),
        _service(book, period, ("in the dark", "web", "internal"), "99", (
            (State.UNKNOWN, "2026-10-05T00:00", week, "no observation"),)),
    )  # fmt: skip
    run = _run(book, "check-1", "check", "2026-10-06T03:00", {Verdict.COMPLIANT: 4})
    ground = Ground(period, Evidence(services, (), (run,)), zone=AMSTERDAM.key)
    return book.report(ground)


def busy() -> Built:
    """Return two months of a large place: more of everything than one page can hold."""
    period = Interval(at("2026-10-01T00:00"), at("2026-12-01T00:00"))
    book = Book(period.start)
    services = tuple(
        _service(
            book, period, (f"service-{number:02}", "platform", "internal"), "99.9", _nightly(number)
        )
        for number in range(20)
    )
    drifts = tuple(
        _drift(
            book,
            (f"host-{number:03}", "house 1", Severity.LOW, "Packages are current"),
            "",
            "2026-10-05T03:00",
        )
        for number in range(260)
    )
    runs = tuple(
        _run(book, f"check-{number}", "check", "2026-10-05T02:59", {Verdict.DRIFTED: 260})
        for number in range(3)
    )
    evidence = Evidence(services, drifts, runs, hosts=hosts_of(runs))
    return book.report(Ground(period, evidence, zone=AMSTERDAM.key))


SAMPLES: dict[str, Callable[[], Built]] = {
    sample.__name__: sample
    for sample in (month, granting, demo, empty, hostile, unobserved, busy, full)
}


def _nightly(number: int) -> tuple[Event, ...]:
    return tuple(
        (
            State.DOWN,
            f"2026-10-{day:02}T{number:02}:00",
            Duration((day + number) * MINUTE),
            "timed out",
        )
        for day in range(1, 29)
    )


def _write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, sample in SAMPLES.items():
        built = sample()
        (directory / f"{name}.html").write_text(html.render(built, document(built)), "utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
