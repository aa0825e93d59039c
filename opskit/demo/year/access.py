"""Access in the invented company: asked for, given, taken back, looked at. Teams, no persons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from opskit.core.clock import DAY, HOUR, MINUTE, NOTHING, Duration, Instant
from opskit.core.evidence import (
    AccessEvidence,
    ArrivalEvidence,
    DepartureEvidence,
    EmergencyEvidence,
    GrantEvidence,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
)
from opskit.demo.year.book import Book
from opskit.demo.year.when import (
    MONTHS,
    WHOLE,
    at,
    later,
    office_hour,
    pick,
    skewed,
    slowly,
)
from opskit.report.statistics.draws import stream

TEAMS = ("web", "payments", "logistics", "data", "finance", "support")
# role, risk, hours it is given for (0: until it is looked at again), place
_ROLES = (
    ("read-logs", "low", 30 * 24, "logs"),
    ("deploy", "medium", 8, "ci"),
    ("orders-read", "medium", 7 * 24, "orders-db"),
    ("shop-admin", "high", 8, "web1"),
    ("report-reader", "low", 0, "reports"),
    ("orders-admin", "high", 4, "orders-db"),
)
_REVIEWS = ("2026-01-12", "2026-04-13", "2026-07-13", "2026-10-05")
_QUARTER = 92 * DAY


@dataclass(frozen=True, slots=True)
class _Given:
    """A request and what became of it."""

    request: RequestEvidence
    grant: GrantEvidence | None = None
    revocation: RevocationEvidence | None = None


def access(book: Book) -> AccessEvidence:
    """Return everything of access over all months."""
    source = stream("year/access")
    given = tuple(_given(book, source))
    standing = tuple(_standing(book))
    return AccessEvidence(
        requests=tuple(one.request for one in given),
        grants=(*(one.grant for one in given if one.grant is not None), *standing),
        revocations=tuple(one.revocation for one in given if one.revocation is not None),
        refusals=tuple(_refusals(book, source)),
        emergencies=tuple(_emergencies(book)),
        reviews=tuple(_reviews(book)),
        arrivals=tuple(_arrivals(book)),
        departures=tuple(_departures(book)),
    )


# Requests, grants and their ends


def _given(book: Book, source: Random) -> Iterator[_Given]:
    number = 0
    for index, month in enumerate(MONTHS):
        for _ in range(20 + int(source.random() * 9)):
            number += 1
            moment = office_hour(source, month)
            yield _one(book, source, f"r{number}", moment, slowly(index, 5.5, 1.7))


def _one(book: Book, source: Random, name: str, asked: Instant, median: float) -> _Given:
    role, risk, lasts, place = pick(source, _ROLES)
    team, chance = pick(source, TEAMS), source.random()
    wait = Duration(max(2, round(60 * skewed(source, median, 1.1))) * MINUTE)
    ref = book.note(asked, team, "request.created", name, role=role)
    usable = Instant(asked + wait)
    if chance < 0.06:
        closed = book.note(usable, "owners", "request.denied", name)
        refs = (ref, closed)
        return _Given(RequestEvidence(name, team, role, asked, "denied", usable, asked, refs=refs))
    if usable >= WHOLE.end:
        return _Given(RequestEvidence(name, team, role, asked, "pending", None, asked, refs=(ref,)))
    approved = Instant(usable - 2 * MINUTE)
    refs = (ref, book.note(usable, "access", "grant.activated", f"g{name[1:]}"))
    request = RequestEvidence(
        name, team, role, asked, "approved", approved, asked, usable, refs=refs
    )
    return _held(book, source, request, (risk, lasts, place))


def _held(
    book: Book, source: Random, request: RequestEvidence, how: tuple[str, int, str]
) -> _Given:
    risk, lasts, place = how
    name, usable = f"g{request.name[1:]}", request.usable_at or request.asked_at
    planned = Instant(usable + lasts * HOUR) if lasts else None
    # Some give back what they no longer need before its time.
    early = planned is not None and source.random() < 0.2
    ended = None
    if planned is not None:
        ended = Instant(usable + (planned - usable) // 3) if early else planned
    if ended is None or ended >= WHOLE.end:
        ended = None
    refs = request.refs[-1:]
    if ended is not None:
        kind = "grant.returned" if early else "grant.expired"
        refs = (*refs, book.note(ended, "access", kind, name))
    grant = GrantEvidence(
        name, request.name, request.team, request.role, request.closed_at or usable,
        usable, planned, ended, refs, risk, None if planned else Instant(usable + _QUARTER),
    )  # fmt: skip
    gone = None
    if planned is not None and planned < WHOLE.end and not early:
        gone = _revoked(book, source, grant, place)
    return _Given(request, grant, gone)


def _revoked(book: Book, source: Random, grant: GrantEvidence, place: str) -> RevocationEvidence:
    planned = grant.ends_at or grant.approved_at
    late = source.random() < 0.07
    over = Duration(round(skewed(source, 55, 0.7)) * MINUTE) if late else NOTHING
    gone = Instant(planned + over)
    why = "the host did not answer" if late else ""
    ref = book.note(gone, "access", "grant.gone", grant.name, place=place)
    return RevocationEvidence(
        grant.name, grant.team, place, planned, gone, over, why, (*grant.refs[-1:], ref)
    )


def _standing(book: Book) -> Iterator[GrantEvidence]:
    """Yield access that had no end, and was taken away because a review found nobody needs it."""
    levels = (("high", 3), ("medium", 5), ("low", 6))
    for number, review in enumerate(_REVIEWS):
        for level, many in levels:
            for index in range(max(1, many - number)):
                name = f"g-standing-{number}-{level}-{index}"
                ended = later(at(f"{review} 09:00"), 60 * 24 + 17 * index)
                team = TEAMS[(index + number) % len(TEAMS)]
                ref = book.note(ended, "access", "grant.revoked", name, level=level)
                yield GrantEvidence(
                    name, "", team, f"{level}-standing", WHOLE.start, WHOLE.start, None, ended,
                    (ref,), level, Instant(ended + _QUARTER),
                )  # fmt: skip


# Refusals, emergencies, reviews


def _refusals(book: Book, source: Random) -> Iterator[RefusalEvidence]:
    reasons = (
        "the role is not for this team",
        "longer than the role may be held",
        "no reason was given",
        "whoever asks may not say yes",
    )
    for month in MONTHS:
        for _ in range(1 + int(source.random() * 3)):
            moment, why = office_hour(source, month), pick(source, reasons)
            ref = book.note(moment, "access", "request.refused", "request", reason=why)
            yield RefusalEvidence(moment, "request.refused", "request", why, (ref,))


_EMERGENCIES = (
    ("2025-11-13 03:15", "data", "orders-admin", 9),
    ("2026-02-11 06:40", "logistics", "shop-admin", 76),
    ("2026-07-15 22:38", "web", "shop-admin", 14),
    ("2026-10-14 16:24", "payments", "shop-admin", 17),
)


def _emergencies(book: Book) -> Iterator[EmergencyEvidence]:
    for number, (start, team, role, hours) in enumerate(_EMERGENCIES, 1):
        opened, name = at(start), f"g-emergency-{number}"
        reviewed = later(opened, 60 * hours)
        refs = (
            book.note(opened, team, "breakglass.opened", name, role=role),
            book.note(reviewed, "security", "breakglass.reviewed", name),
        )
        due = Instant(opened + 2 * DAY)
        yield EmergencyEvidence(name, team, role, opened, due, reviewed, refs)


_REVIEWED = ((61, 22, 14, 2), (58, 25, 11, 1), (57, 27, 8, 3), (59, 29, 6, 0))


def _reviews(book: Book) -> Iterator[ReviewEvidence]:
    for number, (day, counts) in enumerate(zip(_REVIEWS, _REVIEWED, strict=True), 1):
        opened, name = at(f"{day} 09:00"), f"review-{number}"
        closed = later(opened, 60 * 24 * 8 + 95 * number)
        kept, alone, revoked, suspended = counts
        refs = (
            book.note(opened, "access", "review.opened", name),
            book.note(closed, "access", "review.closed", name, kept=kept),
        )
        yield ReviewEvidence(
            name, opened, Instant(opened + 14 * DAY), closed, kept, alone, revoked, suspended,
            0, refs,
        )  # fmt: skip


# People who come and go, as teams


_CAME = (
    ("2025-11-03", "web", 31), ("2025-12-01", "support", 27), ("2026-01-05", "data", 26),
    ("2026-02-02", "web", 22), ("2026-03-02", "finance", 19), ("2026-04-01", "logistics", 16),
    ("2026-05-04", "support", 12), ("2026-06-01", "payments", 9), ("2026-08-03", "web", 8),
    ("2026-09-01", "logistics", 7), ("2026-10-01", "support", 2), ("2026-10-01", "support", 2),
    ("2026-10-15", "payments", 9),
)  # fmt: skip


def _arrivals(book: Book) -> Iterator[ArrivalEvidence]:
    for number, (day, team, hours) in enumerate(_CAME, 1):
        starts, name = at(f"{day} 09:00"), f"arrival-{number}"
        ready = later(starts, 60 * hours + 7 * (number % 3))
        ref = book.note(ready, "access", "arrival.ready", name, team=team)
        yield ArrivalEvidence(name, team, starts, ready, (), (ref,))
    starts = at("2026-10-30 09:00")
    ref = book.note(starts, "access", "arrival.started", "arrival-14", team="data")
    lacking = ("laptop key",)
    yield ArrivalEvidence("arrival-14", "data", starts, None, lacking, (ref,))


_LEFT = (
    ("2025-12-31 17:00", "web", 2_900), ("2026-03-31 17:00", "support", 340),
    ("2026-06-30 17:00", "finance", 52), ("2026-08-31 17:00", "data", 18),
    ("2026-10-15 17:00", "web", 11), ("2026-10-23 12:00", "support", 196),
)  # fmt: skip


def _departures(book: Book) -> Iterator[DepartureEvidence]:
    for number, (end, team, lasted) in enumerate(_LEFT, 1):
        left, name = at(end), f"departure-{number}"
        gone = later(left, lasted)
        ref = book.note(gone, "access", "departure.done", name, team=team)
        yield DepartureEvidence(name, team, left, gone, (ref,))
