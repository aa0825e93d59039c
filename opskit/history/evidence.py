"""What imports can show for a period, in the report's words, each row marked with its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from opskit.core.clock import Duration, Instant
from opskit.core.evidence import (
    AutomatedEvidence,
    DeskEvidence,
    Evidence,
    IncidentEvidence,
    RunEvidence,
    ServiceEvidence,
)
from opskit.core.evidence.rows import only
from opskit.core.interval import Interval, State, Stretch, clip, fill
from opskit.core.text import plural
from opskit.history import store
from opskit.history.filling import NOT_IMPORTED
from opskit.history.model import Import, Incident, Job, Watch
from opskit.history.store import Kept
from opskit.history.twice import once
from opskit.history.uses import used
from opskit.outside.database import Database

_TELL = "tell of a part of this time only, and are"


@dataclass(frozen=True)
class HistoryEvidence:
    """Reads what holds of all imports."""

    database: Database

    def evidence(self, period: Interval) -> Evidence:
        """Return the imported incidents and runs of a period.

        Of a period that the exports do not cover whole, nothing is said but that: a count of half
        a month would look like a quiet month.
        """
        with self.database.read() as connection:
            every = store.imports(connection)
            found = {
                kind: tuple(store.holding(connection, kind, period)) for kind in ("incident", "job")
            }
            uses = tuple(store.holding(connection, "use", period))
        parts = (
            _told(_covered(every, kind, period), period, word, made(found[kind], period))
            for kind, word, made in (("incident", "incidents", _desk), ("job", "runs", _runs))
        )
        return reduce(add, parts, _used(every, uses, period))

    def incidents(
        self, period: Interval
    ) -> tuple[Sequence[Interval], tuple[IncidentEvidence, ...]]:
        """Return imported incidents of a period, and the parts of it that the exports cover."""
        with self.database.read() as connection:
            covered = _covered(store.imports(connection), "incident", period)
            desk = _desk(tuple(store.holding(connection, "incident", period)), period).desk
        return covered, () if desk is None else desk.incidents

    def services(self, period: Interval) -> Evidence:
        """Return the imported uptime of services, for time that opskit did not see itself.

        What the imports do not tell of is unknown.
        """
        with self.database.read() as connection:
            kept = tuple(store.holding(connection, "uptime", period))
        names = sorted({one.row.service for one in kept if isinstance(one.row, Watch)})
        return Evidence(services=tuple(_service(name, kept, period) for name in names))

    def imports(self, period: Interval) -> tuple[Import, ...]:
        """Return the imports that tell of a period and hold, oldest first."""
        with self.database.read() as connection:
            every = store.imports(connection)
        return tuple(one for one in every if _holds(one) and _meets(one.covers, period))

    def since(self) -> Instant | None:
        """Return the first moment of which an import tells; None where there is none."""
        with self.database.read() as connection:
            every = store.imports(connection)
        return min((one.covers.start for one in every if _holds(one)), default=None)


def _holds(one: Import) -> bool:
    return one.state == "finished"


def _meets(one: Interval, other: Interval) -> bool:
    return one.start < other.end and one.end > other.start


def _covered(every: Iterable[Import], kind: str, period: Interval) -> list[Interval]:
    """Return which parts of a period imports of a kind tell of."""
    found: list[Interval] = []
    own = (one.covers for one in every if _holds(one) and one.what == kind)
    for covers in sorted(own, key=lambda one: one.start):
        start, end = max(covers.start, period.start), min(covers.end, period.end)
        if start >= end:
            continue
        if found and start <= found[-1].end:
            found[-1] = Interval(found[-1].start, Instant(max(end, found[-1].end)))
        else:
            found.append(Interval(Instant(start), Instant(end)))
    return found


def _service(name: str, kept: Sequence[Kept], period: Interval) -> ServiceEvidence:
    own = [(one, one.row) for one in kept if isinstance(one.row, Watch) and one.row.service == name]
    pieces: list[Stretch] = []
    for _, row in own:
        # Of two that tell of the same time, the one that begins first is believed.
        start = pieces[-1].end if pieces else period.start
        rest = Interval(start, Instant(max(start, period.end)))
        pieces += clip(row.timeline, rest)
    return ServiceEvidence(
        name=name,
        owner="",
        kind="",
        objective=None,
        timeline=fill(tuple(pieces), period, State.UNKNOWN, NOT_IMPORTED),
        edge=Duration(sum(row.edge for _, row in own)),
        refs=tuple(one.seq for one, _ in own),
    )


def _told(covered: list[Interval], period: Interval, word: str, whole: Evidence) -> Evidence:
    """Return the evidence of a period that was covered whole; else that it was not."""
    if covered == [period]:
        return whole
    return Evidence(not_configured={word: _partly(covered, period, word)} if covered else {})


def _desk(kept: Iterable[Kept], period: Interval) -> Evidence:
    rows = once(
        (_incident(one, period), one.row.names)
        for one in kept
        if isinstance(one.row, Incident) and not _forgotten(one, period)
    )
    lacking = only(DeskEvidence, "incidents")
    return Evidence(desk=DeskEvidence(incidents=rows, unrecorded=lacking))


def _runs(kept: Iterable[Kept], period: Interval) -> Evidence:
    """Return imported jobs as runs, and as work that a command did.

    How a job left hosts says nothing of a standard: so verdicts are not told, and such a run is no
    check that anything could be found by. A check, and a job without the counts of its hosts,
    changed nothing that is known.
    """
    jobs = [
        (one, one.row)
        for one in kept
        if isinstance(one.row, Job) and period.start <= one.row.started_at < period.end
    ]
    runs = tuple(_run(one, row) for one, row in jobs)
    automated = tuple(
        AutomatedEvidence(row.finished_at, row.task, row.hosts.get("changed", 0), None, (one.seq,))
        for one, row in jobs
        if not row.check and row.hosts.get("changed") and row.finished_at < period.end
    )
    lacking = only(DeskEvidence, "automated")
    return Evidence(runs=runs, desk=DeskEvidence(automated=automated, unrecorded=lacking))


def _run(kept: Kept, row: Job) -> RunEvidence:
    return RunEvidence(
        run_id=f"{kept.source}/{row.key}",
        mode="check" if row.check else "apply",
        standard=row.task,
        state=row.state,
        started_at=row.started_at,
        finished_at=row.finished_at,
        verdicts={},
        refs=(kept.seq,),
    )


def _used(every: Iterable[Import], kept: Iterable[Kept], period: Interval) -> Evidence:
    """Return the use of access that logs tell of, of the hosts whose logs cover the period whole.

    The others are told: with them, a month would look quieter than it was.
    """
    by_source: dict[str, list[Import]] = {}
    for one in every:
        if one.what == "use" and _holds(one) and _meets(one.covers, period):
            by_source.setdefault(one.source, []).append(one)
    whole = {name for name, own in by_source.items() if _covered(own, "use", period) == [period]}
    partly = len(by_source) - len(whole)
    tells = "tells of a part of this time only, and is" if partly == 1 else _TELL
    why = f"of {plural(len(by_source), 'log')} that were imported, {partly} {tells} not counted"
    lacking = {} if len(whole) == len(by_source) else {"logs of access": why}
    if not whole:
        return Evidence(not_configured=lacking)
    return Evidence(
        desk=used([one for one in kept if one.source in whole], whole, period),
        not_configured=lacking,
    )


def _partly(covered: Iterable[Interval], period: Interval, word: str) -> str:
    share = 100 * sum(one.length for one in covered) // period.length
    return (
        f"imports tell of {share} % of this time only, so its {word} are not counted; "
        "if the export holds all of it, import it again with --from and --to"
    )


def _forgotten(kept: Kept, period: Interval) -> bool:
    """Return whether an incident was open when it was exported, and nobody knows about it since."""
    return kept.row.span[1] is None and kept.covers.end <= period.start


def _incident(kept: Kept, period: Interval) -> IncidentEvidence:
    row = kept.row
    assert isinstance(row, Incident)  # noqa: S101  # only those were asked for
    return IncidentEvidence(
        name=f"{kept.source}/{row.key}",
        service=row.service,
        team=row.team,
        started_at=row.started_at,
        detected_at=_by(row.detected_at, period),
        acknowledged_at=_by(row.acknowledged_at, period),
        resolved_at=_by(row.resolved_at, period),
        visible=row.visible,
        source=kept.source,
        cause=row.cause,
        fingerprint=row.fingerprint,
        refs=(kept.seq,),
    )


def _by(at: Instant | None, period: Interval) -> Instant | None:
    """Return an instant as it was known at the end of a period."""
    return at if at is not None and at < period.end else None


def told(one: Import) -> str:
    """Return in words what of a file was taken, and what was not."""
    left_out = one.counts.get("left_out", 0)
    taken = plural(sum(one.counts.values()) - left_out, "row")
    return f"{taken} read" + (f", {plural(left_out, 'row')} left out" if left_out else "")
