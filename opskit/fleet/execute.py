"""One run over the fleet, from intent to evidence: what check and apply share.

Intent is in the ledger before Ansible starts, the outcome in the same transaction as the state
it changed. A run whose opskit died is found by the next one, ended, and written down as lost.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from opskit.core.clock import iso
from opskit.core.errors import ConfigError, ExitCode, OpskitError, Refused
from opskit.core.text import clean, shorten
from opskit.core.transcript import HostFacts, Mode, Strategy, Transcript
from opskit.fleet import journal, rules
from opskit.fleet.model import HostResult, Provenance, Run, RunState, Way
from opskit.fleet.provenance import provenance
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible import door
from opskit.outside.files import write_atomically


class Interrupted(OpskitError):
    """Ctrl-C ended a run; what was seen until then is kept."""

    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the fleet gave: each host's result, and how far it came."""

    hosts: tuple[HostResult, ...]
    state: RunState = RunState.FINISHED
    problem: str = ""
    records: bytes = b""
    posture: tuple[HostFacts, ...] = ()
    way: Way = field(default_factory=Way)


@dataclass(frozen=True)
class Intent:
    """A run that is written down and about to look."""

    place: Workplace
    request: Request
    mode: Mode
    listen: door.Listener
    run_id: str
    provenance: Provenance


def observe(intent: Intent) -> Seen:
    """Let Ansible do everything that is asked for, in its own way."""
    try:
        transcript = transcribed(intent)
    except OpskitError as error:
        journal.ended(intent.place, intent.run_id, RunState.BROKEN, error.message)
        raise
    _refuse_empty(intent.place, intent.run_id, transcript)
    return replace(seen_in(intent, transcript), way=Way(Strategy.PLAIN))


def transcribed(intent: Intent, strategy: Strategy = Strategy.PLAIN) -> Transcript:
    """Return what happened when Ansible did what is asked for; nothing of it is written down."""
    place = intent.place
    job = replace(_job(place, intent.request, intent.mode), strategy=strategy)
    directory = journal.directory(place, intent.run_id)
    directory.parent.mkdir(mode=0o700, exist_ok=True)
    door.forget(directory)  # an earlier look of the same check
    return door.run(job, directory, place.environment, intent.listen)


def seen_in(intent: Intent, transcript: Transcript) -> Seen:
    """Return what a transcript says of each host."""
    return Seen(
        hosts=rules.evaluate(transcript, intent.mode, intent.place.root),
        state=_state(transcript),
        problem=_problem(transcript),
        records=transcript.records,
        posture=transcript.posture,
    )


def execute(
    place: Workplace,
    request: Request,
    mode: Mode,
    listen: door.Listener,
    look: Callable[[Intent], Seen] = observe,
) -> Run:
    """Run the standard and return what it showed, recorded. `look` is how hosts are looked at.

    Raises:
        ConfigError: Ansible could not even start: a syntax error, an inventory it cannot read.
        Refused: no host to look at.
        Interrupted: Ctrl-C; recorded as such.
    """
    _require_files(request)
    journal.reap(place)
    run_id = f"{mode}-{iso(place.clock.now()).translate(_ID)}-{secrets.token_hex(3)}"
    made_of = provenance(place, request, hash_key(place.state_directory))
    started_at = place.clock.now()
    journal.started(place, run_id, mode, made_of)
    seen = look(Intent(place, request, mode, listen, run_id, made_of))
    run = Run(
        id=run_id,
        mode=mode,
        state=seen.state,
        actor=place.ledger.actor,
        started_at=started_at,
        finished_at=place.clock.now(),
        provenance=made_of.looked_at(seen.way),
        hosts=seen.hosts,
        problem=seen.problem,
        posture=seen.posture,
    )
    run = journal.finished(place, run, seen.records)
    if seen.state is RunState.INTERRUPTED:
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


def _job(place: Workplace, request: Request, mode: Mode) -> door.Job:
    return door.Job(
        playbook=request.playbook,
        inventory=request.inventory,
        project=place.root,
        mode=mode,
        hash_key=hash_key(place.state_directory),
        limit=request.limit,
        hosts=request.hosts,
        force_handlers=request.force_handlers and mode is Mode.APPLY,
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


def _state(transcript: Transcript) -> RunState:
    if transcript.interrupted:
        return RunState.INTERRUPTED
    return RunState.FINISHED if transcript.stats is not None else RunState.BROKEN


def _problem(transcript: Transcript) -> str:
    return "" if transcript.interrupted else transcript.broke_off or transcript.disagreement


def _refuse_empty(place: Workplace, run_id: str, transcript: Transcript) -> None:
    """End a run that looked at nothing as what it is."""
    if transcript.prompt:
        message = f"the standard asks for {transcript.prompt!r} and nobody is there to answer"
        journal.ended(place, run_id, RunState.BROKEN, message)
        raise Refused(message, hint=f"give it: --var {transcript.prompt}=VALUE")
    message, hint = rules.broken(transcript)
    if message:
        message = shorten(clean(message), 400)
        journal.ended(place, run_id, RunState.BROKEN, message)
        raise _no_start(message, hint)
    if not transcript.hosts and not transcript.interrupted:
        message = "no host to look at: the inventory is empty, or nothing matches"
        journal.ended(place, run_id, RunState.BROKEN, message)
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
