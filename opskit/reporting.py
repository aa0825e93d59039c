"""The report of a period: the evidence of every slice, and the ledger it is held against."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add

from opskit import __version__
from opskit.access.evidence import AccessEvidence
from opskit.access.model import People
from opskit.access.store.teams import teams
from opskit.alerts.evidence import AlertsEvidence
from opskit.alerts.reviewing import Reviewing
from opskit.assuming import assumed, baseline
from opskit.core.clock import Clock, Instant
from opskit.core.evidence import Evidence, EvidenceSource, Reading, recorded, unreferred
from opskit.core.interval import Interval
from opskit.deeds import RecordedDeeds
from opskit.desk.evidence import DeskRecords
from opskit.fleet.evidence import FleetEvidence
from opskit.history.evidence import HistoryEvidence, told
from opskit.history.filling import filled
from opskit.history.model import Import
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.evidence import MonitorEvidence
from opskit.monitor.rules import NOT_YET
from opskit.nameless import Nameless
from opskit.outside.config import Config
from opskit.outside.database import Database, uncollected
from opskit.outside.models import read
from opskit.outside.typed import from_json, to_json
from opskit.records.baselines import frozen
from opskit.records.ledger import Head, began_at, head, head_before, numbered, verify
from opskit.report.build import build, outline
from opskit.report.built import Built
from opskit.report.figures.access import ON_TIME, spared
from opskit.report.figures.catalogue import NAMES
from opskit.report.ground import Ground, Past, months_before
from opskit.report.inputs import EvidenceRow, Inputs, Seal, Source
from opskit.report.model import Figure, Front

# A report is sent by mail and opened on telephones: an entry takes 150 bytes of it. Whoever wants
# the others has their numbers, and the ledger.
MOST_ENTRIES = 3_000


@uncollected()
def built(inputs: Inputs, figures: Sequence[Figure] = ()) -> Built:
    """Return the report of its inputs; `figures` are those of its ground where they are known."""
    embedded = to_json(inputs, Inputs)
    number = hashlib.sha256(embedded).hexdigest()
    return Built(build(inputs, number, figures), inputs, embedded)


def rebuilt(embedded: bytes, *, name: str) -> Built:
    """Return the report of inputs as a form of it carries them; `name` is that form's file.

    Raises:
        DataError: they are no inputs of a report.
    """
    return built(from_json(embedded, Inputs, name=name))


@dataclass(frozen=True)
class Reporting:
    """Builds reports of one ops repository; `catalogue` is None where no service is watched."""

    config: Config
    database: Database
    clock: Clock
    catalogue: Catalogue | None

    def report(self, period: Interval) -> Built:
        """Build the report of a period; later evidence than now there cannot be.

        One that is over reads the same whenever it is built, unless evidence of it came later.
        """
        inputs, figures = self._drawn(period)
        return built(inputs, figures)

    def inputs(self, period: Interval) -> Inputs:
        """Return all that the report of a period is built from."""
        inputs, _ = self._drawn(period)
        return inputs

    @uncollected()
    def _drawn(self, period: Interval) -> tuple[Inputs, tuple[Figure, ...]]:
        """Return the inputs, and the figures that said which entries are among them."""
        now = self.clock.now()
        with self.database.read() as connection:
            over = period.end <= now
            last = head_before(connection, period.end) if over else head(connection)
            began = began_at(connection) or now
        whole = Interval(period.start, Instant(min(period.end, now)))
        ground, sources = self._ground(period, whole, began)
        unwalked = Seal(last.seq, last.hash)
        bare = Inputs(ground, unwalked, __version__, sources=sources, methods=NAMES)
        drafted = outline(bare)
        named = _most_telling(drafted.front, drafted.figures)
        with self.database.read() as connection:
            rows = tuple(
                EvidenceRow(one.seq, one.at, one.kind, one.hash)
                for one in numbered(connection, named)
            )
        sealed = self._sealed(last, max((one.seq for one in rows), default=0))
        return replace(bare, seal=sealed, entries=rows), drafted.figures

    def _ground(
        self, asked: Interval, period: Interval, began: Instant
    ) -> tuple[Ground, tuple[Source, ...]]:
        """Return what figures may look at, and where that comes from.

        Of months before opskit `began` there is what was imported.
        """
        zone = self.config.zone
        since = min(began, self._history.since() or began)
        slices = self._sources(Reading.ALL) if period.end > began else ()
        found = {one.name: (one, one.evidence(period)) for one in slices}
        seen = self._with_brought(_together(one for _, one in found.values()), period, began)
        past = tuple(
            Past(one, unreferred(self._nameless.evidence(_telling(self._then(one, began), one))))
            for one in months_before(asked, zone, since)
        )
        own = (_source(source, one, period) for source, one in found.values())
        sources = (*filter(None, own), *self._imported(period))
        ground = Ground(period, self._nameless.evidence(seen), past, zone.key)
        assumptions = assumed(self.config, ground.last_day)
        with self.database.read() as connection:
            known = frozen(connection)
        assumptions = replace(assumptions, baseline=baseline(known, period))
        return replace(ground, assumptions=self._nameless.assumptions(assumptions)), sources

    def _sealed(self, last: Head, newest: int) -> Seal:
        """Return the seal, having walked the chain; what is wrong after `newest` is no matter.

        That the period's entries are all there is shown by one after them: without it, those that
        were cut off or changed next may have been the period's own.
        """
        walked = verify(self.database)
        at = walked.broken_at
        if at is None or at > max(last.seq, newest) + 1:
            return Seal(last.seq, last.hash)
        return Seal(last.seq, last.hash, f"entry {at} does not hold: {walked.reason}")

    def _sources(self, reading: Reading) -> tuple[EvidenceSource, ...]:
        zone, now = self.config.zone, self.clock.now()
        return (
            MonitorEvidence(self.database, self.catalogue, zone, now, reading),
            FleetEvidence(self.database),
            AccessEvidence(self.database, self.config.grants_access, zone, reading),
            AlertsEvidence(
                self.database,
                Reviewing(self.database, RecordedDeeds(self.database), self.config.zone),
            ),
            DeskRecords(self.database),
        )

    @property
    def _history(self) -> HistoryEvidence:
        return HistoryEvidence(self.database)

    def _imported(self, period: Interval) -> tuple[Source, ...]:
        return tuple(
            Source(
                f"{one.source}: {self._nameless.text(one.file)}",
                "imported",
                one.covers,
                _rows(one),
                told(one),
            )
            for one in self._history.imports(period)
        )

    @cached_property
    def _nameless(self) -> Nameless:
        """Return what leaves out everybody who is or was in people.yaml."""
        now, name = self.clock.now(), self.config.settings.people
        path = self.config.path(name)
        with self.database.read() as connection:
            known = teams(connection, now, self.config.zone)
        if not path.is_file():
            return Nameless(known, now)
        people = read(path, People, name=name).model_dump(mode="json")
        known = replace(known, since=(*known.since, now), states=(*known.states, people))
        return Nameless(known, now)

    def _then(self, period: Interval, began: Instant) -> Evidence:
        """Return what happened in an earlier month; before opskit was there, what was imported."""
        seen = self._sources(Reading.BARE) if period.end > began else ()
        own = _together(one.evidence(period) for one in seen)
        return self._with_brought(own, period, began)

    def _with_brought(self, own: Evidence, period: Interval, began: Instant) -> Evidence:
        """Return what slices saw, with imports; uptime of the time before a service was watched."""
        if any(one.timeline and one.timeline[0].reason == NOT_YET for one in own.services):
            brought = self._history.services(period).services
            own = replace(own, services=filled(own.services, brought, NOT_YET))
        imported = self._brought(period, began)
        if recorded(own.desk, "incidents") and imported.desk is not None:
            # What the desk saw itself was told elsewhere, too: counted twice it would be more.
            imported = replace(imported, desk=replace(imported.desk, incidents=()))
        return own + imported

    def _brought(self, period: Interval, began: Instant) -> Evidence:
        """Return what was imported; uptime only of a time before opskit looked itself."""
        imported = self._history.evidence(period)
        if period.end > began:
            return imported
        services = self._history.services(period)
        names = ("access", "fleet") if services.services else ("access", "fleet", "services")
        absent = Evidence(not_configured=dict.fromkeys(names, "opskit was not there yet"))
        return absent + services + imported


def _rows(one: Import) -> int:
    return sum(one.counts.values()) - one.counts.get("left_out", 0)


def _telling(evidence: Evidence, period: Interval) -> Evidence:
    """Return evidence of an earlier month with the rows of access that a later one is held against.

    Grants that ran their time and ends that came when they should are told in that month's own
    report; a year of them would be most of every other.
    """
    found = evidence.access
    if found is None:
        return evidence
    late = tuple(one for one in found.revocations if one.gone_at is None or one.exposure > ON_TIME)
    early = tuple(one for one in found.grants if spared(one, period) > 0)
    return replace(evidence, access=replace(found, grants=early, revocations=late))


def _together(every: Iterable[Evidence]) -> Evidence:
    return reduce(add, every, Evidence())


def _source(source: EvidenceSource, found: Evidence, period: Interval) -> Source | None:
    """Return what a slice recorded of a period, from its first record on; None where nothing."""
    since = source.since()
    if since is None or since >= period.end:
        return None
    covers = Interval(Instant(max(since, period.start)), period.end)
    return Source(source.name, "recorded", covers, found.rows)


def _most_telling(front: Front, figures: Iterable[Figure]) -> tuple[int, ...]:
    """Return the entries to carry: those behind page 1 first, then the others by number."""
    behind = dict.fromkeys(_behind(front))
    rest = sorted({ref for one in figures for ref in one.refs} - behind.keys())
    return (*behind, *rest)[:MOST_ENTRIES]


def _behind(front: Front) -> Iterator[int]:
    """Yield what page 1 rests on: its figures, its wins, the miss, the decision wanted."""
    for refs in (
        *(one.refs for one in front.tiles),
        *(one.refs for one in front.wins),
        *(one.refs for one in (front.miss, front.decision) if one is not None),
    ):
        yield from refs
