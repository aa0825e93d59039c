"""The invented year put together: the inputs of its report, which anybody can build again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from opskit import __version__
from opskit.core.evidence import (
    AccessEvidence,
    DeskEvidence,
    Evidence,
    WarningEvidence,
    WordEvidence,
    only,
)
from opskit.core.interval import Interval
from opskit.demo.year.access import access
from opskit.demo.year.assumed import assumed
from opskit.demo.year.book import Book, numbered
from opskit.demo.year.desk import (
    GRANTING,
    ONBOARDING,
    RELEASING,
    automated,
    demand,
    desk,
    processes,
    released,
)
from opskit.demo.year.fleet import Fleet, fleet
from opskit.demo.year.incidents import IMPORTED, LATE, incidents
from opskit.demo.year.months import group_known, known
from opskit.demo.year.services import services
from opskit.demo.year.warnings import warnings
from opskit.demo.year.when import MONTHS, PERIOD, TAKEN_OVER, WARNED_SINCE, WHOLE, ZONE
from opskit.demo.year.word import word
from opskit.report.figures.catalogue import NAMES, all_refs
from opskit.report.ground import Ground, Past
from opskit.report.inputs import EvidenceRow, Inputs, Issue, Said, Seal, Source
from opskit.reporting import built

DECLARED = "Made up: Brambleway and all that happens there are invented, to show what a report is"


def made_up() -> Inputs:
    """Return the inputs of the report of the year's last month, told for the second time.

    The first time, one incident was missing.
    """
    ground, chain = _told()
    first = built(_inputs(_before_late(ground), chain)).report
    said = tuple(Said(one.id, one.title, one.value, one.display) for one in first.figures)
    return replace(_inputs(ground, chain), previous=Issue(1, first.id, said))


def _inputs(ground: Ground, chain: Sequence[EvidenceRow]) -> Inputs:
    last = chain[-1]
    named = tuple(chain[ref - 1] for ref in all_refs(ground))
    seal = Seal(last.seq, last.hash)
    sources = tuple(_sources(ground, chain))
    return Inputs(ground, seal, __version__, named, sources, declared=DECLARED, methods=NAMES)


@dataclass(frozen=True, slots=True)
class _Year:
    """All of the year, told at once."""

    whole: Evidence
    fleet: Fleet
    access: AccessEvidence
    warnings: WarningEvidence
    desk: DeskEvidence
    word: WordEvidence


def _told() -> tuple[Ground, tuple[EvidenceRow, ...]]:
    """Return what the report stands on, and the ledger behind it."""
    book = Book()
    year = _year(book)
    evidence = [_known(book, year, month) for month in MONTHS]
    numbers, chain = book.closed()
    *before, now = (numbered(one, numbers) for one in evidence)
    past = tuple(Past(*one) for one in zip(MONTHS, before, strict=False))
    return Ground(PERIOD, now, past, ZONE.key, assumed()), chain


def _year(book: Book) -> _Year:
    happened, hosts = tuple(incidents(book)), fleet(book)
    held, told = access(book), warnings(book)
    done = automated(book, hosts.drifts, held, told)
    whole = Evidence(services(book), hosts.drifts, hosts.runs, hosts=hosts.hosts)
    noted = replace(desk(book, happened), automated=done)
    return _Year(whole, hosts, held, told, noted, word(book))


def _known(book: Book, year: _Year, month: Interval) -> Evidence:
    """Return what was known of a month at its end, by those who told of it already."""
    held = group_known(year.access, month)
    noted = group_known(year.desk, month)
    if month.start < TAKEN_OVER:
        told = only(DeskEvidence, "incidents")
        noted = DeskEvidence(incidents=noted.incidents, unrecorded=told)
    else:
        counts = {
            GRANTING: sum(one.usable_at is not None for one in held.requests),
            ONBOARDING: len(held.arrivals),
            RELEASING: released(month),
        }
        wanted = demand(month, year.fleet.drifts, year.access, year.warnings)
        noted = replace(noted, demand=wanted, processes=processes(book, month, counts))
    return replace(
        known(year.whole, month), access=held, desk=noted,
        warnings=group_known(year.warnings, month) if month.start >= WARNED_SINCE else None,
        word=group_known(year.word, month) if month.start >= TAKEN_OVER else None,
    )  # fmt: skip


def _before_late(ground: Ground) -> Ground:
    """Return the ground as it was for the first report: without what came in too late for it."""
    found = ground.evidence.desk or DeskEvidence()
    rows = tuple(one for one in found.incidents if one.name != LATE)
    return replace(ground, evidence=replace(ground.evidence, desk=replace(found, incidents=rows)))


def _sources(ground: Ground, chain: Sequence[EvidenceRow]) -> Iterator[Source]:
    before = Interval(WHOLE.start, TAKEN_OVER)
    told = [one.evidence for one in ground.past] + [ground.evidence]
    rows = {row.name: row for one in told if one.desk for row in one.desk.incidents}
    imported = sum(IMPORTED in one.source for one in rows.values())
    flips = sum(one.kind == "target.flipped" and one.at < TAKEN_OVER for one in chain)
    ours = len(chain) - imported - flips
    yield Source("opskit", "recorded", WHOLE, ours, "services and incidents since January 2026")
    yield Source("Prometheus", "imported", before, flips, "uptime before opskit probed")
    yield Source("tickets", "imported", WHOLE, imported, "incidents before the desk was kept")
