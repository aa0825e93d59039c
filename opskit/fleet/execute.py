"""One run over the fleet, from intent to evidence: what check and apply share.

Intent is in the ledger before Ansible starts, the outcome in the same transaction as the state
it changed. A run whose opskit died is found by the next one, ended, and written down as lost.
"""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
from collections.abc import Mapping, Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from opskit.core.clock import Clock, Instant, iso
from opskit.core.errors import ConfigError, ExitCode, OpskitError, Refused
from opskit.core.text import clean, shorten
from opskit.core.transcript import Mode, Transcript
from opskit.fleet import rules, store
from opskit.fleet.model import FirstSeen, Provenance, Run, RunState
from opskit.outside.ansible import door
from opskit.outside.database import Database
from opskit.outside.files import write_atomically
from opskit.outside.process import ProcessIdentity
from opskit.records.leases import Leases
from opskit.records.ledger import Entry, Ledger
from opskit.records.outbox import Outbox


class Interrupted(OpskitError):
    """Ctrl-C ended a run; what was seen until then is kept."""

    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True)
class Workplace:
    """What a run needs of the world around it."""

    database: Database
    ledger: Ledger
    leases: Leases
    clock: Clock
    environment: Mapping[str, str]
    root: Path
    state_directory: Path
    outbox: Outbox
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What to run against which hosts."""

    playbook: Path
    inventory: tuple[Path, ...]
    limit: str = ""
    tags: tuple[str, ...] = ()
    forks: int = 0
    variables: Mapping[str, object] | None = None


def execute(place: Workplace, request: Request, mode: Mode, listen: door.Listener) -> Run:
    """Run the standard and return what it showed, recorded.

    Raises:
        ConfigError: Ansible could not even start: a syntax error, an inventory it cannot read.
        Refused: no host to look at.
        Interrupted: Ctrl-C; recorded as such.
    """
    _require_files(request)
    reap(place)
    run_id = f"{mode}-{iso(place.clock.now()).translate(_ID)}-{secrets.token_hex(3)}"
    job = _job(place, request, mode)
    provenance = _provenance(place, request)
    started_at = place.clock.now()
    _record_start(place, run_id, mode, provenance)
    directory = _run_directory(place, run_id)
    try:
        transcript = door.run(job, directory, place.environment, listen)
    except OpskitError as error:
        _record_end(place, run_id, RunState.BROKEN, error.message)
        raise
    _refuse_empty(place, run_id, transcript)
    run = Run(
        id=run_id,
        mode=mode,
        state=_state(transcript),
        actor=place.ledger.actor,
        started_at=started_at,
        finished_at=place.clock.now(),
        provenance=provenance,
        hosts=rules.evaluate(transcript, mode, place.root),
        problem=_problem(transcript),
    )
    run = _record_run(place, run)
    if transcript.interrupted:
        raise Interrupted(
            f"stopped; {run_id} is recorded as interrupted",
            hint="run it again to look at every host",
        )
    return run


_ID = str.maketrans({":": "", "-": "", "Z": ""})


def _require_files(request: Request) -> None:
    for path, flag in (
        (request.playbook, "--playbook"),
        *((p, "--inventory") for p in request.inventory),
    ):
        if not path.exists():
            raise ConfigError(
                f"there is no {path}",
                hint=f"name it with {flag}, or lay one out with: opskit init DIR",
            )


def _run_directory(place: Workplace, run_id: str) -> Path:
    runs = place.state_directory / "runs"
    runs.mkdir(mode=0o700, exist_ok=True)
    return runs / run_id


def _job(place: Workplace, request: Request, mode: Mode) -> door.Job:
    return door.Job(
        playbook=request.playbook,
        inventory=request.inventory,
        project=place.root,
        mode=mode,
        hash_key=hash_key(place.state_directory),
        limit=request.limit,
        tags=request.tags,
        forks=request.forks,
        variables=request.variables or {},
    )


def hash_key(directory: Path) -> bytes:
    """Return the key that states are hashed with; made on first use, it never leaves here."""
    path = directory / "hash.key"
    if not path.exists():
        # Whole or not at all: a full disk must not leave an empty key, which would be no secret.
        fresh = directory / f"hash.key.{secrets.token_hex(4)}"
        write_atomically(fresh, secrets.token_hex(32).encode(), mode=0o600)
        with suppress(FileExistsError):  # another run was first
            os.link(fresh, path)
        fresh.unlink()
    return bytes.fromhex(path.read_text(encoding="ascii"))


def _provenance(place: Workplace, request: Request) -> Provenance:
    from importlib.metadata import version  # noqa: PLC0415  # only runs need it

    from opskit.outside.git import commit_of  # noqa: PLC0415

    return Provenance(
        standard=_shown(request.playbook, place.root),
        policy_commit=commit_of(place.root, place.environment),
        inventory_hash=_inventory_hash(request.inventory),
        limit=request.limit,
        tags=request.tags,
        opskit_version=version("opskit"),
        ansible_version=version("ansible-core"),
    )


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _inventory_hash(inventory: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for source in inventory:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for path in files:
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _state(transcript: Transcript) -> RunState:
    if transcript.interrupted:
        return RunState.INTERRUPTED
    return RunState.FINISHED if transcript.stats is not None else RunState.BROKEN


def _problem(transcript: Transcript) -> str:
    if transcript.stats is None and not transcript.interrupted:
        last = transcript.runner.output.strip().splitlines()[-1:]
        return clean(f"Ansible ended without its statistics {' '.join(last)}".strip())
    return transcript.disagreement if not transcript.interrupted else ""


def _refuse_empty(place: Workplace, run_id: str, transcript: Transcript) -> None:
    """End a run that looked at nothing as what it is."""
    if transcript.prompt:
        message = f"the standard asks for {transcript.prompt!r} and nobody is there to answer"
        _record_end(place, run_id, RunState.BROKEN, message)
        raise Refused(message, hint=f"give it: --var {transcript.prompt}=VALUE")
    message, hint = rules.broken(transcript)
    if message:
        message = shorten(clean(message), 400)
        _record_end(place, run_id, RunState.BROKEN, message)
        raise _no_start(message, hint)
    if not transcript.hosts and not transcript.interrupted:
        message = "no host to look at: the inventory is empty, or nothing matches"
        _record_end(place, run_id, RunState.BROKEN, message)
        raise Refused(
            message, hint="a check over zero hosts is no check; see: ansible-inventory --graph"
        )


def _no_start(message: str, hint: str) -> OpskitError:
    if "host pattern" in message or "does not match any hosts" in message:
        return Refused(
            f"no host to look at: {message}",
            hint="check --limit against: ansible-inventory --graph",
        )
    return ConfigError(f"Ansible could not start: {message}", hint=hint)


# Records


def _record_start(place: Workplace, run_id: str, mode: Mode, provenance: Provenance) -> None:
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


def _record_end(place: Workplace, run_id: str, state: RunState, reason: str) -> None:
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


def _record_run(place: Workplace, run: Run) -> Run:
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
