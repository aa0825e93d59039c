"""What the fleet can show for a period, in the report's words."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.evidence import DriftEvidence, Evidence, HostEvidence, RunEvidence
from opskit.core.interval import Interval
from opskit.fleet.memory import Episode, HostSeen, RunRow
from opskit.fleet.store import episodes, runs
from opskit.outside.database import Database


@dataclass(frozen=True)
class FleetEvidence:
    """Reads runs and deviations out of the fleet's tables."""

    database: Database

    def evidence(self, period: Interval) -> Evidence:
        """Return the runs of the period and every deviation that was open in it."""
        with self.database.read() as connection:
            drifts = episodes.between(connection, period.start, period.end)
            made = runs.runs_between(connection, period.start, period.end)
            hosts = runs.last_seen(connection, period.start, period.end)
        return Evidence(
            drifts=tuple(_drift(episode) for episode in drifts),
            runs=tuple(_run(run) for run in made),
            hosts=tuple(_host(seen) for seen in hosts),
        )


def _drift(episode: Episode) -> DriftEvidence:
    refs = (episode.detected_seq, episode.fixed_seq)
    return DriftEvidence(
        host=episode.host,
        control=episode.control,
        severity=episode.severity,
        task=episode.task + (f" ({episode.item})" if episode.item else ""),
        last_good_at=episode.last_good_at,
        detected_at=episode.detected_at,
        fixed_at=episode.fixed_at,
        refs=tuple(ref for ref in refs if ref is not None),
    )


def _run(run: RunRow) -> RunEvidence:
    refs = (run.started_seq, run.finished_seq)
    return RunEvidence(
        run_id=run.id,
        mode=run.mode,
        standard=run.standard,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        verdicts=run.verdicts,
        refs=tuple(ref for ref in refs if ref is not None),
    )


def _host(seen: HostSeen) -> HostEvidence:
    return HostEvidence(seen.host, seen.standard, seen.verdict, seen.at, (seen.seq,))
