"""What the fleet can show for a period, in the report's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.evidence import (
    AutomatedEvidence,
    DemandEvidence,
    DeskEvidence,
    DriftEvidence,
    Evidence,
    HostEvidence,
    RunEvidence,
    only,
)
from opskit.core.interval import Interval
from opskit.fleet.memory import Episode, HostSeen, RunRow
from opskit.fleet.model import RunState
from opskit.fleet.store import episodes, runs
from opskit.outside.database import Database


@dataclass(frozen=True)
class FleetEvidence:
    """Reads runs and deviations out of the fleet's tables."""

    database: Database

    @property
    def name(self) -> str:
        """Return what its records are called."""
        return "runs over the fleet"

    def since(self) -> Instant | None:
        """Return when the first run was made; None where there was none."""
        with self.database.read() as connection:
            return runs.began_at(connection)

    def evidence(self, period: Interval) -> Evidence:
        """Return the runs of the period and every deviation that was open in it."""
        with self.database.read() as connection:
            drifts = episodes.between(connection, period.start, period.end)
            made = runs.runs_between(connection, period.start, period.end)
            hosts = runs.last_seen(connection, period.start, period.end)
            since = min((one.detected_at for one in drifts), default=period.start)
            applied = runs.changed_hosts(connection, since, period.end)
        return Evidence(
            drifts=tuple(_drift(episode, period.end) for episode in drifts),
            runs=tuple(_run(run, period.end) for run in made),
            hosts=tuple(_host(seen) for seen in hosts),
            desk=_corrected(drifts, applied, period) if made else None,
        )


_TASK = "deviation"
_RECORDED = only(DeskEvidence, "automated", "demand")


def _corrected(
    drifts: Sequence[Episode], applied: Mapping[str, Sequence[Instant]], period: Interval
) -> DeskEvidence:
    """Return what applies put right, and what there was to put right.

    A deviation counts as put right by an apply if one changed its host after it was found, and a
    check then saw it gone: trials and runs that changed nothing are none.
    """
    done = [
        one
        for one in drifts
        if one.fixed_at is not None
        and period.start <= one.fixed_at < period.end
        and any(one.detected_at <= at <= one.fixed_at for at in applied.get(one.host, ()))
    ]
    refs = tuple(sorted(one.fixed_seq for one in done if one.fixed_seq is not None))
    last = max((one.fixed_at for one in done if one.fixed_at is not None), default=period.start)
    wanted = DemandEvidence(
        _TASK,
        len(drifts),
        "deviations that checks found",
        tuple(one.detected_seq for one in drifts),
    )
    units = (AutomatedEvidence(last, _TASK, len(done), None, refs),) if done else ()
    return DeskEvidence(automated=units, demand=(wanted,), unrecorded=_RECORDED)


def _drift(episode: Episode, end: Instant) -> DriftEvidence:
    gone = episode.fixed_at is not None and episode.fixed_at < end
    refs = (episode.detected_seq, episode.fixed_seq if gone else None)
    return DriftEvidence(
        host=episode.host,
        control=episode.control,
        severity=episode.severity,
        # An item may be the account of a person: it stays in the database, and goes by number.
        task=episode.task + (f" (item {episode.id})" if episode.item else ""),
        last_good_at=episode.last_good_at,
        detected_at=episode.detected_at,
        fixed_at=episode.fixed_at if gone else None,
        refs=tuple(ref for ref in refs if ref is not None),
    )


def _run(run: RunRow, end: Instant) -> RunEvidence:
    """Return a run as it stood at the end: one that ended later was under way."""
    ended = run.finished_at is not None and run.finished_at < end
    refs = (run.started_seq, run.finished_seq if ended else None)
    return RunEvidence(
        run_id=run.id,
        mode=run.mode,
        standard=run.standard,
        state=run.state if ended else RunState.RUNNING,
        started_at=run.started_at,
        finished_at=run.finished_at if ended else None,
        verdicts=dict(sorted(run.verdicts.items())) if ended else {},
        refs=tuple(ref for ref in refs if ref is not None),
    )


def _host(seen: HostSeen) -> HostEvidence:
    return HostEvidence(seen.host, seen.standard, seen.verdict, seen.at, (seen.seq,))
