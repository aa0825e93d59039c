"""What a run writes down: intent, outcome, deviations found and gone, and runs that were lost.

The outcome is in the ledger in the same transaction as the state it changed.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import sqlalchemy as sa

from opskit.core.transcript import Mode
from opskit.fleet.memory import Owed, Rollout
from opskit.fleet.model import Debt, Delta, Drift, Provenance, Run, RunState, Standing
from opskit.fleet.posture import Posture, findings, readable
from opskit.fleet.rules import evaluate
from opskit.fleet.standing import Memory, judged, settled_by
from opskit.fleet.store import debts, episodes, exposures, rollouts, runs
from opskit.fleet.workplace import Workplace
from opskit.outside.ansible import door
from opskit.outside.process import ProcessIdentity
from opskit.records import waivers
from opskit.records.ledger import Entry


def directory(place: Workplace, run_id: str) -> Path:
    """Return where a run is while it lasts, and its lines until they are written down."""
    return place.state_directory / "runs" / run_id


def started(place: Workplace, run_id: str, mode: Mode, provenance: Provenance) -> None:
    """Write the intent of a run, before Ansible starts."""
    own = ProcessIdentity.of(os.getpid())
    owner = runs.Owner(platform.node(), os.getpid(), own.started if own else 0.0)
    with place.database.write() as connection:
        entry = place.ledger.append(
            connection, "run.started", run_id, {"mode": mode, **provenance.as_json()}
        )
        runs.insert_run(
            connection, run_id=run_id, mode=mode, provenance=provenance, entry=entry, owner=owner
        )


def ended(place: Workplace, run_id: str, state: RunState, reason: str) -> None:
    """Write that a run ended without saying anything of hosts, and why."""
    with place.database.write() as connection:
        _end(place, connection, run_id, state, reason)
    door.forget(directory(place, run_id))


def _end(
    place: Workplace, connection: sa.Connection, run_id: str, state: RunState, reason: str
) -> None:
    entry = place.ledger.append(connection, f"run.{_VERBS[state]}", run_id, {"reason": reason})
    runs.end_run(connection, run_id, state, entry.at, entry.seq, reason)


_VERBS = {
    RunState.FINISHED: "finished",
    RunState.BROKEN: "failed",
    RunState.INTERRUPTED: "interrupted",
    RunState.LOST: "lost",
}


def finished(place: Workplace, run: Run, records: bytes) -> Run:
    """Write the outcome and what follows from it, all in one transaction; return it judged."""
    with place.database.write() as connection:
        memory = recall(connection, run)
        if run.mode == Mode.CHECK:
            run = judged(run, memory)
        entry = place.ledger.append(connection, f"run.{_VERBS[run.state]}", run.id, _summary(run))
        runs.finish_run(connection, run, entry.seq)
        if records:
            runs.keep_records(connection, run.id, records)
        _debts(place, connection, run, memory)
        _exposures(place, connection, run)
        if run.mode == Mode.CHECK:
            _deviations(place, connection, run, memory)
            _tell(place, connection, run, entry)
    door.forget(directory(place, run.id))
    return run


def recall(connection: sa.Connection, run: Run) -> Memory:
    """Return what is remembered of the hosts of a run."""
    hosts = [result.host for result in run.hosts]
    owed = debts.still_owed(connection, hosts)
    paid = settled_by(run, owed)
    settled = {one.id for one, _ in paid}
    return Memory(
        open={episode.key: episode for episode in episodes.still_open(connection, hosts)},
        settled=episodes.settled(connection, hosts),
        good=runs.last_compliant(connection, run.provenance.standard),
        owed=[one for one in owed if one.id not in settled],
        paid=paid,
        waivers=waivers.in_force(connection),
        basis=runs.last_basis(connection, run.provenance.standard),
    )


def _summary(run: Run) -> dict[str, object]:
    return {
        "mode": run.mode,
        "verdicts": {str(verdict): count for verdict, count in run.counts.items()},
        "hosts": {result.host: str(result.verdict) for result in run.hosts},
        "drift": len(run.drift),
        "proven": sum(result.proven_at is not None for result in run.hosts),
        "problem": run.problem,
        "strategy": run.provenance.strategy,
        "verified_on": list(run.provenance.verified_on),
        "doubt": run.provenance.doubt,
    }


def _debts(place: Workplace, connection: sa.Connection, run: Run, memory: Memory) -> None:
    """Write what this run settled, and what it left undone itself."""
    for one, how in memory.paid:
        settle(place, connection, one, how, run.id)
    owed = {one.debt for one in memory.owed}
    for debt in (debt for result in run.hosts for debt in result.owes):
        if debt not in owed:
            _owe(place, connection, run.id, debt)


def _owe(place: Workplace, connection: sa.Connection, run_id: str, debt: Debt) -> None:
    told = {"run": run_id, "kind": debt.kind, "task": debt.task, "handler": debt.handler}
    entry = place.ledger.append(connection, "debt.opened", debt.host, told)
    debts.owe(connection, run_id, debt, entry)


def settle(
    place: Workplace, connection: sa.Connection, owed: Owed, how: str, run_id: str = ""
) -> None:
    """Write that a debt is none any more."""
    told = {"run": run_id, "debt": owed.id, "owed": str(owed.debt), "how": how}
    entry = place.ledger.append(connection, "debt.settled", owed.debt.host, told)
    debts.settle(connection, owed, how, entry)


def _exposures(place: Workplace, connection: sa.Connection, run: Run) -> None:
    """Keep what hosts are exposed to; open what is new, close what is gone and could be read."""
    known = {
        one.key: one
        for one in exposures.still_open(connection, [told.host for told in run.posture])
    }
    for told in run.posture:
        ports = None if told.ports is None else frozenset(told.ports)
        read = Posture(told.host, run.finished_at, told.facts, told.owner, ports)
        exposures.keep(connection, run.id, read)
        found = {(told.host, one.rule, one.subject): one for one in findings(read)}
        for key in found.keys() - known.keys():
            one = found[key]
            data = {"run": run.id, "rule": one.rule, "subject": one.subject, "what": one.message}
            entry = place.ledger.append(connection, "exposure.found", told.host, data)
            exposures.start(connection, told.host, one, entry)
        for key in known.keys() - found.keys():
            if key[0] == told.host and readable(read, key[1]):
                data = {"run": run.id, "rule": key[1], "subject": key[2]}
                entry = place.ledger.append(connection, "exposure.gone", told.host, data)
                exposures.close(connection, known[key], entry)


def _deviations(place: Workplace, connection: sa.Connection, run: Run, memory: Memory) -> None:
    """Open what was found first, note what it became, close what was looked at and is gone."""
    for drift in {drift.key: drift for drift in run.drift}.values():
        standing, known = run.standing[drift.key], memory.open.get(drift.key)
        if known is not None:
            episodes.update(connection, known, drift)
        elif standing.detected_at == run.finished_at:
            _found(place, connection, run, drift, standing)
    for key in run.gone:
        episode = memory.open[key]
        told = {"run": run.id, "task": episode.task, "found": episode.detected_seq}
        entry = place.ledger.append(connection, "drift.fixed", episode.host, told)
        # Where the standard moved meanwhile, nobody knows which of the two states it is now.
        same = memory.basis.get(episode.host) == run.provenance.basis
        state = episode.after_hash if same else ""
        episodes.close(connection, episode, entry, state)


def _found(
    place: Workplace, connection: sa.Connection, run: Run, drift: Drift, standing: Standing
) -> None:
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
            "last_good_at": standing.last_good_at,
            "moved": standing.moved,
        },
    )
    episodes.start(connection, drift, standing, entry.seq)


def _tell(place: Workplace, connection: sa.Connection, run: Run, entry: Entry) -> None:
    """Owe each channel one message about what this check saw first, unless it is waived."""
    new = [
        key
        for key, standing in run.standing.items()
        if standing.delta is Delta.NEW and not standing.waiver
    ]
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


def keep_rollout(place: Workplace, rollout: Rollout, reason: str = "") -> Rollout:
    """Write that a rollout started, or how it ended."""
    told = {
        "plan": rollout.plan,
        "done": sorted(rollout.done),
        "failed": sorted(rollout.failed),
        "reason": reason,
    }
    with place.database.write() as connection:
        place.ledger.append(connection, f"rollout.{rollout.state}", rollout.id, told)
        rollouts.save(connection, rollout)
    return rollout


def reap(place: Workplace) -> tuple[str, ...]:
    """End and write down the runs of this machine whose opskit is gone; return their ids.

    Their hosts were last seen half way: nothing is claimed of them until the next check, and what
    an apply left undone is owed to them.
    """
    with place.database.read() as connection:
        candidates = runs.unfinished(connection, platform.node())
    lost = [
        run for run in candidates if not ProcessIdentity(run.owner_pid, run.owner_started).alive
    ]
    for run in lost:
        left = door.reap(directory(place, run.id))
        alive = "; Ansible still ran and was ended" if left.alive else ""
        hosts = evaluate(left.transcript, run.mode, place.root)
        with place.database.write() as connection:
            reason = f"opskit ended before it was written down{alive}"
            _end(place, connection, run.id, RunState.LOST, reason)
            runs.keep_records(connection, run.id, left.transcript.records)
            owed = {one.debt for one in debts.still_owed(connection)}
            for debt in (debt for result in hosts for debt in result.owes):
                if debt not in owed:
                    _owe(place, connection, run.id, debt)
            place.leases.release(connection, holder_name(run.actor, run.owner_pid))
        door.forget(directory(place, run.id))
    return tuple(run.id for run in lost)


def holder_name(actor: str, pid: int) -> str:
    """Return who holds a lease, so that a person reading it knows whom to ask."""
    return f"{actor} (process {pid})"
