"""What is remembered as rows and plain data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.core.clock import format_duration, iso
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.core.transcript import Transcript
from opskit.core.waivers import Waiver
from opskit.fleet.memory import Episode, Exposure, HostHistory, Owed, RunRow
from opskit.fleet.model import Fidelity
from opskit.fleet.posture import Posture, findings
from opskit.fleet.standing import Level
from opskit.fleet.timing import Spent, slowest_hosts, slowest_tasks

_SLOWEST = 10


def run_row(run: RunRow) -> tuple[str, ...]:
    """Return a run as cells: its id, which says when, state, verdicts, who."""
    said = ", ".join(f"{count} {verdict}" for verdict, count in run.verdicts.items())
    return run.id, str(run.state), said or run.problem, run.actor


def run_json(run: RunRow) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "run": run.id,
        "mode": run.mode,
        "state": str(run.state),
        "actor": run.actor,
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at) if run.finished_at else None,
        "problem": run.problem,
        "counts": {str(verdict): count for verdict, count in run.verdicts.items()},
        "provenance": run.provenance.as_json(),
        "ledger": [run.started_seq, run.finished_seq],
    }


def times_json(transcript: Transcript) -> dict[str, list[dict[str, Any]]]:
    """Return where the time of a run went."""
    return {
        "tasks": [_spent(one) for one in slowest_tasks(transcript, _SLOWEST)],
        "hosts": [_spent(one) for one in slowest_hosts(transcript, _SLOWEST)],
    }


def _spent(one: Spent) -> dict[str, Any]:
    return {
        "name": one.name,
        "times": one.times,
        "median": f"{one.middle / 1_000_000:.2f} s",
        "longest": f"{one.longest / 1_000_000:.2f} s",
        "total": f"{one.total / 1_000_000:.2f} s",
    }


def seen_rows(found: HostHistory) -> Iterator[tuple[str, ...]]:
    """Yield (when, run, verdict, reason), newest first."""
    return ((iso(one.at), one.run_id, str(one.verdict), one.reason) for one in found.seen)


def host_lines(found: HostHistory) -> Iterator[str]:
    """Yield what else there is to say of a host."""
    if found.streak:
        yield f"could not be reached in the last {plural(found.streak, 'run')}"
    for one in found.owed:
        yield f"owed since {iso(one.opened_at)}: {one.debt} ({one.run_id})"


def host_json(found: HostHistory) -> dict[str, Any]:
    """Return a host's history for JSON."""
    return {
        "host": found.host,
        "unreachable_streak": found.streak,
        "runs": [
            {
                "run": one.run_id,
                "at": iso(one.at),
                "verdict": str(one.verdict),
                "reason": one.reason,
            }
            for one in found.seen
        ],
        "drift": [episode_json(one) for one in found.episodes],
        "owed": [owed_json(one) for one in found.owed],
    }


def episode_row(one: Episode, now: int) -> tuple[str, ...]:
    """Return a deviation as cells: found, host, what, who moved, gone, how long."""
    what = " ".join(filter(None, [one.control, one.task, one.item and f"({one.item})"]))
    gone = iso(one.fixed_at) if one.fixed_at else "open"
    lasted = format_duration((one.fixed_at or now) - one.detected_at)
    return iso(one.detected_at), one.host, what, str(one.moved), gone, lasted


def episode_json(one: Episode) -> dict[str, Any]:
    """Return a deviation for JSON."""
    return {
        "host": one.host,
        "path": one.path,
        "task": one.task,
        "item": one.item,
        "control": one.control,
        "severity": str(one.severity),
        "moved": str(one.moved),
        "last_good_at": iso(one.last_good_at) if one.last_good_at else None,
        "detected_at": iso(one.detected_at),
        "fixed_at": iso(one.fixed_at) if one.fixed_at else None,
        "ledger": [one.detected_seq, one.fixed_seq],
    }


def level_line(level: Level, within: str) -> str:
    """Return the drift service level in words, with its denominator."""
    decided = level.met + level.missed
    more = f"; {level.undecided} open and still in time" if level.undecided else ""
    if not decided:
        return f"no deviation of a host that moved is decided yet{more}"
    of = plural(decided, "corrective deviation")
    return f"{percent(level.share, 1)} of {of} gone within {within}{more}"


def level_json(level: Level) -> dict[str, Any]:
    """Return the drift service level for JSON."""
    share = None if level.share is None else round(float(level.share), 6)
    return {
        "share": share,
        "met": level.met,
        "missed": level.missed,
        "undecided": level.undecided,
    }


def fidelity_rows(found: Sequence[Fidelity]) -> Iterator[tuple[str, ...]]:
    """Yield (task, hit, false alarm, blind, liar, unsettled), worst first."""
    worst = sorted(found, key=lambda one: (-one.liar, -one.blind, -one.unsettled, one.task))
    for one in worst:
        counts = (str(getattr(one, name) or "") for name in Fidelity.COUNTED)
        yield f"{one.task} ({one.path})", *counts


def fidelity_json(found: Sequence[Fidelity]) -> list[dict[str, Any]]:
    """Return fidelity for JSON."""
    return [
        {"task": one.task, "path": one.path}
        | {name: getattr(one, name) for name in Fidelity.COUNTED}
        for one in found
    ]


def waiver_row(one: Waiver, now: int) -> tuple[str, ...]:
    """Return a waiver as cells: name, end, time left, renewals, hosts, what, owner, reason."""
    left = format_duration(one.expires_at - now) if one.expires_at > now else "over"
    renewed = str(one.renewals or "")
    return (
        one.name, iso(one.expires_at), left, renewed, one.hosts, one.subject, one.owner, one.reason,
    )  # fmt: skip


def waiver_json(one: Waiver) -> dict[str, Any]:
    """Return a waiver for JSON."""
    return {
        "waiver": one.name,
        "hosts": one.hosts,
        "what": one.subject,
        "deviation": one.fingerprint,
        "owner": one.owner,
        "reason": one.reason,
        "granted_by": one.granted_by,
        "granted_at": iso(one.granted_at),
        "expires_at": iso(one.expires_at),
        "renewals": one.renewals,
        "ledger": one.granted_seq,
    }


def owed_row(one: Owed) -> tuple[str, ...]:
    """Return a debt as cells: host, since when, what, run."""
    return one.debt.host, iso(one.opened_at), str(one.debt), one.run_id


def owed_json(one: Owed) -> dict[str, Any]:
    """Return a debt for JSON."""
    return {
        "host": one.debt.host,
        "kind": str(one.debt.kind),
        "task": one.debt.task,
        "handler": one.debt.handler,
        "run": one.run_id,
        "since": iso(one.opened_at),
    }


def posture_rows(read: Sequence[Posture], found: Sequence[Exposure]) -> Iterator[tuple[str, ...]]:
    """Yield (host, severity, what, since, owner, next), most severe first."""
    since = {one.key: one for one in found}
    told = [(one, finding) for one in read for finding in findings(one)]
    for one, finding in sorted(told, key=lambda pair: -pair[1].severity.rank):
        known = since.get((one.host, finding.rule, finding.subject))
        at = iso(known.found_at) if known else ""
        what = f"{finding.subject}: {finding.message}"
        yield one.host, str(finding.severity), what, at, one.owner, finding.fix


def unknown_lines(read: Sequence[Posture]) -> Iterator[str]:
    """Yield what could not be read, and why."""
    for one in read:
        for part, why in one.unknown.items():
            yield f"{one.host}: {part} unknown: {why}"


def posture_json(one: Posture, found: Sequence[Exposure]) -> dict[str, Any]:
    """Return what a host is exposed to, for JSON."""
    since = {other.key: other for other in found}
    return {
        "host": one.host,
        "owner": one.owner,
        "read_at": iso(one.at),
        "unknown": one.unknown,
        "ports_declared": None if one.ports is None else sorted(one.ports),
        "findings": [
            {
                "rule": finding.rule,
                "severity": str(finding.severity),
                "subject": finding.subject,
                "message": finding.message,
                "fix": finding.fix,
                "since": iso(known.found_at) if known else None,
            }
            for finding in findings(one)
            for known in [since.get((one.host, finding.rule, finding.subject))]
        ],
        "facts": dict(one.facts),
    }
