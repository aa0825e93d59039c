"""What the fleet remembers: runs, hosts, deviations, and runs read anew from their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from opskit.core.clock import Duration, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.core.transcript import Mode, Transcript
from opskit.fleet.adopt import Adoption, adopted
from opskit.fleet.memory import Episode, Exposure, HostHistory, Rollout, RunRow, Seen
from opskit.fleet.model import Delta, Drift, Fidelity, HostResult, Run, Standing
from opskit.fleet.posture import Posture
from opskit.fleet.rules import evaluate
from opskit.fleet.standing import Level, service_level
from opskit.fleet.store import debts, episodes, exposures, rollouts, runs
from opskit.fleet.workplace import Workplace
from opskit.outside.ansible.transcript import replay


def newest_runs(place: Workplace, most: int) -> tuple[RunRow, ...]:
    """Return the last runs, newest first."""
    with place.database.read() as connection:
        return runs.newest_runs(connection, most)


def show(place: Workplace, name: str) -> tuple[Run, Transcript]:
    """Return a run as it reads today, from its records; nothing is run.

    Raises:
        ConfigError: there is no such run.
        Refused: its records were pruned.
    """
    with place.database.read() as connection:
        row = runs.run_named(connection, name)
        if row is None:
            raise ConfigError(f"there is no run {name}", hint="opskit fleet runs")
        records = runs.records_of(connection, row.id)
        if records is None:
            message = f"records of {row.id} are not kept any more, or it needed no Ansible"
            raise Refused(message, hint="opskit fleet runs")
        transcript = replay(records)
        said = runs.verdicts_of(connection, row.id)
        finished_at = row.finished_at or row.started_at
        run = Run(
            id=row.id,
            mode=row.mode,
            state=row.state,
            actor=row.actor,
            started_at=row.started_at,
            finished_at=finished_at,
            provenance=row.provenance,
            hosts=_as_said(evaluate(transcript, Mode(row.mode), place.root), said),
            problem=row.problem,
        )
        return _with_standing(connection, run), transcript


def _as_said(
    read: Sequence[HostResult], said: Mapping[str, tuple[Verdict, str]]
) -> tuple[HostResult, ...]:
    """Return every host with the verdict of its time, in which waivers and debts counted.

    Of a host that was proven by its fingerprint Ansible recorded nothing, and it was in the run.
    """
    recorded = {one.host: one for one in read}
    others = {
        host: HostResult(host, verdict, reason, (), (), frozenset())
        for host, (verdict, reason) in said.items()
    }
    return tuple(
        replace(one, verdict=said[host][0], reason=said[host][1]) if host in said else one
        for host, one in (others | recorded).items()
    )


def _with_standing(connection: sa.Connection, run: Run) -> Run:
    """Return a past check with what was known of its deviations."""
    if run.mode != Mode.CHECK:
        return run
    known = episodes.between(connection, run.finished_at, run.finished_at + 1)
    by_key = {one.key: one for one in known}
    return replace(
        run,
        standing={
            drift.key: _standing(run, by_key[drift.key])
            for drift in run.drift
            if drift.key in by_key
        },
    )


def _standing(run: Run, one: Episode) -> Standing:
    delta = Delta.NEW if one.detected_at == run.finished_at else Delta.OPEN
    return Standing(one.last_good_at, one.detected_at, one.moved, delta)


def host_history(place: Workplace, host: str, most: int) -> HostHistory:
    """Return what is remembered of a host.

    Raises:
        ConfigError: no run ever spoke of it.
    """
    with place.database.read() as connection:
        seen = tuple(Seen(*row) for row in runs.host_verdicts(connection, host, most))
        if not seen:
            raise ConfigError(f"no run ever spoke of {host}", hint="opskit fleet runs")
        return HostHistory(
            host, seen, episodes.of_host(connection, host), debts.still_owed(connection, [host])
        )


def drift_between(
    place: Workplace, period: Interval, within: Duration
) -> tuple[tuple[Episode, ...], Level]:
    """Return the deviations found in a period, and how many were gone in time."""
    with place.database.read() as connection:
        touched = episodes.between(connection, period.start, period.end)
    found = tuple(one for one in touched if one.detected_at >= period.start)
    return found, service_level(found, within, place.clock.now())


def last_drift(place: Workplace, deviation: str) -> tuple[Drift, ...]:
    """Return the open deviations with this id, as the newest run saw each.

    Raises:
        ConfigError: no host is known to deviate like this.
    """
    with place.database.read() as connection:
        unseen = {one.key for one in episodes.all_open(connection)}
        found: list[Drift] = []
        for row in runs.newest_runs(connection, 50):
            records = runs.records_of(connection, row.id) if row.mode == Mode.CHECK else None
            if records is None:
                continue
            hosts = evaluate(replay(records), Mode.CHECK, place.root)
            newest = [one for host in hosts for one in host.drift if one.key in unseen]
            found += [one for one in newest if one.id == deviation]
            unseen -= {one.key for one in newest}
            if not unseen:
                break
    if not found:
        message = f"no host is known to have {deviation}"
        raise ConfigError(message, hint="opskit fleet check shows the ids")
    return tuple(found)


def posture(
    place: Workplace, hosts: Sequence[str]
) -> tuple[tuple[Posture, ...], tuple[Exposure, ...]]:
    """Return what was last read of these hosts, or of all, and their open findings.

    Raises:
        ConfigError: nothing was ever read of one of them.
    """
    with place.database.read() as connection:
        known = {one.host: one for one in exposures.all_known(connection)}
        found = exposures.still_open(connection)
    missing = [host for host in hosts if host not in known]
    if missing or not known:
        told = f" of {', '.join(missing)}" if missing else ""
        hint = "let the standard run opskit_posture, as the shipped baseline does; then fleet check"
        raise ConfigError(f"no posture is known{told}", hint=hint)
    wanted = set(hosts) or known.keys()
    return (
        tuple(one for host, one in known.items() if host in wanted),
        tuple(one for one in found if one.host in wanted),
    )


def prune(place: Workplace, older_than: Duration) -> int:
    """Forget the records of old runs; what they found stays. Return how many were forgotten."""
    before = Instant(place.clock.now() - older_than)
    with place.database.write() as connection:
        count = runs.prune_records(connection, before)
        if count:
            told = {"runs": count, "before": before}
            place.ledger.append(connection, "records.pruned", "fleet", told)
    return count


def last_rollout(place: Workplace, plan: str = "") -> Rollout | None:
    """Return the last rollout, of a plan where one is named."""
    with place.database.read() as connection:
        return rollouts.newest(connection, plan)


def task_fidelity(place: Workplace) -> tuple[Fidelity, ...]:
    """Return for each task how often its checks told the truth so far."""
    with place.database.read() as connection:
        return rollouts.fidelity(connection)


# A standard is text; what is larger than this is no place where it says something.
_MOST_BYTES = 1_000_000


def adoption(place: Workplace, deviation: str, standard: Path) -> Adoption:
    """Return what would make the standard say what the deviating hosts have."""
    (drift, *_) = last_drift(place, deviation)
    files = {
        str(path.relative_to(place.root) if path.is_relative_to(place.root) else path): text
        for path in sorted(standard.parent.rglob("*"))
        if path.is_file() and (text := _text(path))
    }
    return adopted(drift, files)


def _text(path: Path) -> str:
    data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""
