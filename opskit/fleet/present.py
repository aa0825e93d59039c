"""A run as plain data and in words. Pure; every output format is made from this."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from opskit.core.clock import format_duration, iso
from opskit.core.hosts import Verdict
from opskit.core.text import plural
from opskit.fleet.model import Cluster, Drift, HostResult, Run
from opskit.fleet.rules import clusters

_MOST_LINES = 40


def as_json(run: Run) -> dict[str, Any]:
    """Return a run for JSON; its form is stable under one `format_version`."""
    return {
        "run": run.id,
        "mode": run.mode,
        "state": str(run.state),
        "actor": run.actor,
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "exit_code": int(run.exit_code),
        "problem": run.problem,
        "provenance": run.provenance.as_json(),
        "counts": {str(verdict): count for verdict, count in run.counts.items()},
        "hosts": [_host(run, result) for result in run.hosts],
    }


def _host(run: Run, result: HostResult) -> dict[str, Any]:
    return {
        "host": result.host,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "tasks_observed": len(result.observed),
        "tasks_proven": result.proven,
        "proven": "" if result.proven_at is None else "fingerprint",
        "fully_checked_at": iso(result.proven_at or run.finished_at) if result.observed else None,
        "drift": [_drift(run, drift) for drift in result.drift],
        "not_evaluated": [
            {"task": one.task, "path": one.path, "reason": one.reason}
            for one in result.not_evaluated
        ],
    }


def _drift(run: Run, drift: Drift) -> dict[str, Any]:
    seen = run.standing.get(drift.key)
    return {
        "task": drift.task,
        "path": drift.path,
        "item": drift.item,
        "control": drift.control.id,
        "severity": str(drift.control.severity),
        "before": drift.before,
        "after": drift.after,
        "before_hash": drift.before_hash,
        "after_hash": drift.after_hash,
        "note": drift.note,
        "delegated_to": drift.delegated_to,
        "last_good_at": iso(seen.last_good_at) if seen and seen.last_good_at else None,
        "detected_at": iso(seen.detected_at) if seen else None,
    }


def verdict_line(run: Run) -> str:
    """Return the one line that says it, with its denominator and nothing left out."""
    parts = [f"{count} {verdict}" for verdict, count in run.counts.items() if count]
    took = format_duration(run.finished_at - run.started_at)
    observed = sum(len(result.observed) for result in run.hosts)
    blind = sum(len(result.not_evaluated) for result in run.hosts)
    looked = f"{plural(observed, 'task-check')} made, {blind} not possible"
    return f"{plural(len(run.hosts), 'host')}: {', '.join(parts)} ({looked}; {took})"


def provenance_line(run: Run) -> str:
    """Return what the result depends on, in one line."""
    made = run.provenance
    commit = f" at {made.policy_commit}" if made.policy_commit else ""
    return f"run {run.id} by {run.actor}, standard {made.standard}{commit}"


def host_rows(run: Run) -> Iterator[tuple[str, str, str, str]]:
    """Yield (hosts, verdict, number of deviations, reason), worst first; equal ones in one row."""
    order = list(Verdict)
    grouped: dict[tuple[int, str, str], list[str]] = {}
    for result in run.hosts:
        count = str(len(result.drift)) if result.drift else ""
        same = (order.index(result.verdict), count, result.reason)
        grouped.setdefault(same, []).append(result.host)
    for (rank, count, reason), hosts in sorted(grouped.items()):
        yield ", ".join(hosts), str(order[rank]), count, reason


def drift_blocks(run: Run) -> Iterator[tuple[str, str]]:
    """Yield (heading, diff) for each transition, equal ones on several hosts once."""
    for cluster in clusters(run.drift):
        yield _heading(run, cluster), diff_text(cluster.drift)


def _heading(run: Run, cluster: Cluster) -> str:
    drift = cluster.drift
    item = f" ({drift.item})" if drift.item else ""
    control = f"{drift.control.id} " if drift.control.id else ""
    since = _since(run, cluster)
    hosts = ", ".join(cluster.hosts)
    title = f"{control}[{drift.control.severity}] {drift.task}{item}"
    return f"{title}\n  on {hosts}{since}\n  {drift.path}"


def _since(run: Run, cluster: Cluster) -> str:
    known = run.standing
    _, path, task, item = cluster.drift.key
    keys = [(host, path, task, item) for host in cluster.hosts]
    times = {known[key] for key in keys if key in known}
    if not times:
        return ""
    if len(times) > 1:  # -o json has it for each host
        return f", first found {iso(min(seen.detected_at for seen in times))}"
    (seen,) = times
    if seen.last_good_at is None:
        return f", found {iso(seen.detected_at)}; never seen compliant before"
    return f", since some time between {iso(seen.last_good_at)} and {iso(seen.detected_at)}"


def diff_text(drift: Drift) -> str:
    """Return a unified diff of a deviation, cut where it is long; or why there is none."""
    if drift.note:
        return f"  ({drift.note})"
    before, after = drift.before.splitlines(), drift.after.splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    lines = [line for line in lines if not line.startswith("@@")]
    shown = [f"  {line}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"  ... {len(lines) - _MOST_LINES} more lines; -o json has all")
    if drift.before != drift.after:
        return "\n".join(shown) or "  (the texts differ only in how their lines end)"
    return "  (the texts differ only in what was redacted)"
