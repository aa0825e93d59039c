"""The invented company's services, and how each did: what broke, was maintained, was not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import MINUTE, SECOND, Duration, Instant
from opskit.core.evidence import Blip, ServiceEvidence
from opskit.core.interval import State, Stretch, Timeline, overlay
from opskit.demo.year.book import Book
from opskit.demo.year.incidents import OPS, told
from opskit.demo.year.when import WHOLE, at, later, mornings, pick
from opskit.report.statistics.draws import stream


@dataclass(frozen=True, slots=True)
class _Service:
    name: str
    owner: str
    kind: str
    objective: str
    since: str = ""


_SERVICES = (
    _Service("shop", "web", "customer-facing", "99.9"),
    _Service("checkout", "payments", "customer-facing", "99.95"),
    _Service("search", "web", "customer-facing", "99.5"),
    _Service("login", "web", "customer-facing", "99.9"),
    _Service("order-api", "payments", "customer-facing", "99.9"),
    _Service("returns", "logistics", "customer-facing", "99.5", "2026-10-12 09:00"),
    _Service("warehouse", "logistics", "internal", "99.5"),
    _Service("orders-db", "data", "internal", "99.95"),
    _Service("mail", "platform", "internal", "99.5"),
    _Service("code", "platform", "internal", "99"),
    _Service("payroll", "finance", "internal", ""),
)
# What the prober in the office looks at: when its line is cut, nobody sees them.
_OFFICE = ("warehouse", "mail", "code", "payroll")
_CUTS = (("2026-01-16 12:30", 95), ("2026-06-30 08:20", 70), ("2026-10-29 13:05", 60))
_EDGE = Duration(30 * SECOND)
_BLIPS_A_MONTH = 0.6
_BLIP_REASONS = ("timeout", "connection reset", "HTTP 502", "name not resolved")
_EVERY = 30 * 24 * 60


def services(book: Book) -> tuple[ServiceEvidence, ...]:
    """Return every service over all months."""
    return tuple(_service(book, one) for one in _SERVICES)


def _service(book: Book, one: _Service) -> ServiceEvidence:
    first = book.note(_since(one), OPS, "service.watched", one.name)
    base = Stretch(WHOLE.start, WHOLE.end, State.UP, "", (first,))
    windows = (*_outages(book, one), *_maintained(book, one), *_unseen(book, one), *_before(one))
    timeline: Timeline = overlay((base,), windows)
    objective = Fraction(one.objective) / 100 if one.objective else None
    blips = tuple(_blips(one.name))
    return ServiceEvidence(
        one.name, one.owner, one.kind, objective, timeline, blips, _EDGE, (first,)
    )


def _since(one: _Service) -> Instant:
    return at(one.since) if one.since else WHOLE.start


def _before(one: _Service) -> Iterator[Stretch]:
    if one.since:
        yield Stretch(WHOLE.start, at(one.since), State.EXCLUDED, "not monitored yet")


def _outages(book: Book, one: _Service) -> Iterator[Stretch]:
    for incident in told():
        if incident.service == one.name and incident.state is not State.UP:
            word = incident.state.value
            refs = (
                book.note(incident.start, "prober", "target.flipped", one.name, to=word),
                book.note(incident.end, "prober", "target.flipped", one.name, to="up"),
            )
            yield Stretch(incident.start, incident.end, incident.state, incident.text, refs)


def _maintained(book: Book, one: _Service) -> Iterator[Stretch]:
    if one.name == "orders-db":
        for start in mornings(WHOLE, (6,), "04:00")[2::4]:
            yield _announced(book, one, start, 40, "update of the database")
    if one.name == "code":
        for start in mornings(WHOLE, (5,), "07:00")[1::4]:
            yield _announced(book, one, start, 55, "update of the build agents")


def _announced(book: Book, one: _Service, start: Instant, length: int, why: str) -> Stretch:
    ref = book.note(start, OPS, "maintenance.started", one.name, reason=why)
    return Stretch(start, later(start, length), State.MAINTENANCE, why, (ref,))


def _unseen(book: Book, one: _Service) -> Iterator[Stretch]:
    for start, length in _CUTS if one.name in _OFFICE else ():
        ref = book.note(at(start), "prober", "prober.stopped", one.name)
        why = "the prober in the office had no line"
        yield Stretch(at(start), later(at(start), length), State.UNKNOWN, why, (ref,))


def _blips(name: str) -> Iterator[Blip]:
    source = stream(f"year/blips/{name}")
    moment = WHOLE.start
    while True:
        step = _EVERY * (0.2 + 2 * source.random()) / (2 * _BLIPS_A_MONTH)
        moment = Instant(later(moment, step) + int(source.random() * 60) * SECOND)
        if moment + MINUTE >= WHOLE.end:
            return
        yield Blip(moment, f"{name}/https", pick(source, _BLIP_REASONS))
