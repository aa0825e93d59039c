"""What a run writes down: intent, outcome, deviations found and gone, and runs that were lost.

The outcome is in the ledger in the same transaction as the state it changed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import replace

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.transcript import Mode
from opskit.fleet import store
from opskit.fleet.model import FirstSeen, Provenance, Run, RunState
from opskit.fleet.workplace import Workplace
from opskit.outside.ansible import door
from opskit.outside.process import ProcessIdentity
from opskit.records.ledger import Entry


def started(place: Workplace, run_id: str, mode: Mode, provenance: Provenance) -> None:
    """Write the intent of a run, before Ansible starts."""
    owner = ProcessIdentity.of(os.getpid())
    with place.database.write() as connection:
        entry = place.ledger.append(
            connection, "run.started", run_id, {"mode": mode, **provenance.as_json()}
        )
        store.insert_run(
            connection,
            id=run_id,
            mode=mode,
            standard=provenance.standard,
            actor=place.ledger.actor,
            started_at=entry.at,
            owner_node=platform.node(),
            owner_pid=os.getpid(),
            owner_started=owner.started if owner else 0.0,
            started_seq=entry.seq,
        )


def ended(place: Workplace, run_id: str, state: RunState, reason: str) -> None:
    """Write that a run ended without saying anything of hosts, and why."""
    with place.database.write() as connection:
        _end(place, connection, run_id, state, reason)


def _end(
    place: Workplace, connection: sa.Connection, run_id: str, state: RunState, reason: str
) -> None:
    entry = place.ledger.append(connection, f"run.{_VERBS[state]}", run_id, {"reason": reason})
    store.end_run(connection, run_id, state, entry.at, entry.seq)


_VERBS = {
    RunState.FINISHED: "finished",
    RunState.BROKEN: "failed",
    RunState.INTERRUPTED: "interrupted",
    RunState.LOST: "lost",
}


def finished(place: Workplace, run: Run) -> Run:
    """Write the outcome, what drifted and what was seen fixed, all in one transaction."""
    with place.database.write() as connection:
        known = {episode.key: episode for episode in store.open_episodes(connection, _names(run))}
        good = store.last_compliant(connection, run.provenance.standard)
        entry = place.ledger.append(connection, f"run.{_VERBS[run.state]}", run.id, _summary(run))
        store.finish_run(connection, run, entry.seq)
        if run.mode != Mode.CHECK:
            return run
        first_seen = _open(place, connection, run, known, good)
        _tell(place, connection, run, entry, new=first_seen.keys() - known.keys())
        _close(place, connection, run, known)
    return replace(run, first_seen=first_seen)


def _names(run: Run) -> list[str]:
    return [result.host for result in run.hosts]


def _summary(run: Run) -> dict[str, object]:
    return {
        "mode": run.mode,
        "verdicts": {str(verdict): count for verdict, count in run.counts.items()},
        "hosts": {result.host: str(result.verdict) for result in run.hosts},
        "drift": len(run.drift),
        "problem": run.problem,
    }


def _open(
    place: Workplace,
    connection: sa.Connection,
    run: Run,
    known: Mapping[tuple[str, str, str, str], store.Episode],
    good: Mapping[str, Instant],
) -> dict[tuple[str, str, str, str], FirstSeen]:
    first_seen = {key: FirstSeen(e.last_good_at, e.detected_at) for key, e in known.items()}
    for drift in run.drift:
        if drift.key in first_seen:
            continue
        seen = FirstSeen(good.get(drift.host), run.finished_at)
        entry = place.ledger.append(
            connection,
            "drift.found",
            drift.host,
            {
                "run": run.id,
                "task": drift.task,
                "path": drift.path,
                "item": drift.item,
                "control": drift.control.id,
                "severity": drift.control.severity,
                "before_hash": drift.before_hash,
                "after_hash": drift.after_hash,
                "last_good_at": seen.last_good_at,
            },
        )
        store.open_episode(connection, drift, seen, entry.seq)
        first_seen[drift.key] = seen
    return first_seen


def _tell(
    place: Workplace,
    connection: sa.Connection,
    run: Run,
    entry: Entry,
    *,
    new: AbstractSet[tuple[str, str, str, str]],
) -> None:
    """Owe each channel one message about what this check saw first."""
    if not new:
        return
    body = {
        "type": "drift.found",
        "run": run.id,
        "at": entry.at,
        "hosts": sorted({host for host, *_ in new}),
        "tasks": sorted({task for _, _, task, _ in new}),
        "count": len(new),
    }
    for channel in place.channels:
        place.outbox.owe(connection, f"drift-{entry.hash[:24]}", channel, body)


def _close(
    place: Workplace,
    connection: sa.Connection,
    run: Run,
    known: Mapping[tuple[str, str, str, str], store.Episode],
) -> None:
    """Close what this check looked at and found as wanted; what it did not look at stays open."""
    still = {drift.key for drift in run.drift}
    hosts = {result.host: result for result in run.hosts}
    for key, episode in known.items():
        if key in still or not hosts[episode.host].looked_at(*key[1:]):
            continue
        entry = place.ledger.append(
            connection,
            "drift.fixed",
            episode.host,
            {"run": run.id, "task": episode.task, "found": episode.detected_seq},
        )
        store.close_episode(connection, episode, entry.at, entry.seq)


def reap(place: Workplace) -> tuple[str, ...]:
    """End and write down the runs of this machine whose opskit is gone; return their ids.

    Their hosts were last seen half way: nothing is claimed of them until the next check.
    """
    with place.database.read() as connection:
        candidates = store.unfinished(connection, platform.node())
    lost = [
        run for run in candidates if not ProcessIdentity(run.owner_pid, run.owner_started).alive
    ]
    for run in lost:
        alive = door.reap(place.state_directory / "runs" / run.id)
        reason = (
            "opskit was killed; Ansible still ran and was ended" if alive else "opskit was killed"
        )
        with place.database.write() as connection:
            _end(place, connection, run.id, RunState.LOST, reason)
            place.leases.release(connection, holder_name(run.actor, run.owner_pid))
    return tuple(run.id for run in lost)


def holder_name(actor: str, pid: int) -> str:
    """Return who holds a lease, so that a person reading it knows whom to ask."""
    return f"{actor} (process {pid})"
