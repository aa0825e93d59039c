"""A run as plain data and in words. Pure; every output format is made from this."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from opskit.core.clock import format_duration, iso
from opskit.core.hosts import Verdict
from opskit.core.interval import percent
from opskit.core.text import plural
from opskit.core.transcript import Mode
from opskit.fleet.fidelity import blind_tasks, cheapest_fix
from opskit.fleet.model import Cluster, Delta, Drift, HostResult, Moved, Run, Standing
from opskit.fleet.rules import clusters
from opskit.fleet.standing import score

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
        **_summary(run),
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
            {"task": one.task, "path": one.path, "reason": one.reason, "action": one.action}
            for one in result.not_evaluated
        ],
        "owes": [str(debt) for debt in result.owes],
    }


def _drift(run: Run, drift: Drift) -> dict[str, Any]:
    known = run.standing.get(drift.key)
    return {
        "id": drift.id,
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
        "last_good_at": iso(known.last_good_at) if known and known.last_good_at else None,
        "detected_at": iso(known.detected_at) if known else None,
        "moved": str(known.moved) if known else None,
        "delta": str(known.delta) if known else None,
        "waiver": known.waiver if known and known.waiver else None,
        "fixed_before": known.fixed_before if known else 0,
    }


def _summary(run: Run) -> dict[str, Any]:
    made, missing = _observable(run)
    return {
        "task_checks_made": made,
        "task_checks_not_possible": missing,
        "score": _number(score(run, waivers=True)),
        "score_without_waivers": _number(score(run, waivers=False)),
        "delta": {**{str(kind): _count(run, kind) for kind in Delta}, "gone": len(run.gone)},
        "waived": sum(bool(known.waiver) for known in run.standing.values()),
        "gone": [{"host": h, "path": p, "task": t, "item": i} for h, p, t, i in run.gone],
        "blind_tasks": [
            {"task": one.task, "path": one.path, "hosts": count, "fix": cheapest_fix(one.action)}
            for one, count in blind_tasks(run)
        ],
        "unprovable": [
            {"reason": reason, "hosts": list(hosts)} for reason, hosts in run.unprovable.items()
        ],
        "findings": [
            {"rule": one.rule, "subject": one.subject, "message": one.message, "fix": one.fix}
            for one in run.findings
        ],
    }


def _number(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share) * 100, 3)


def _count(run: Run, delta: Delta) -> int:
    return sum(known.delta is delta for known in run.standing.values())


def _observable(run: Run) -> tuple[int, int]:
    made = sum(len(result.observed) for result in run.hosts)
    return made, sum(len(result.not_evaluated) for result in run.hosts)


def verdict_line(run: Run) -> str:
    """Return the one line that says it, with its denominator and nothing left out."""
    parts = [f"{count} {verdict}" for verdict, count in run.counts.items() if count]
    took = format_duration(run.finished_at - run.started_at)
    made, missing = _observable(run)
    looked = f"{plural(made, 'task-check')} made, {missing} not possible"
    return f"{plural(len(run.hosts), 'host')}: {', '.join(parts)} ({looked}; {took})"


def summary_lines(run: Run) -> Iterator[str]:
    """Yield what else there is to say of a check, a line each; nothing where all is well."""
    counts = [f"{_count(run, kind)} {kind}" for kind in Delta if _count(run, kind)]
    counts += [f"{len(run.gone)} gone"] if run.gone else []
    if counts:
        yield f"since the last check: {', '.join(counts)}"
    whole, bare = score(run, waivers=True), score(run, waivers=False)
    if run.mode == Mode.CHECK and bare is not None and bare < 1:
        apart = "" if whole == bare else f", {percent(bare, 1)} without waivers"
        yield f"score: {percent(whole, 1)} of task-checks as wanted{apart}"
    for one, count in blind_tasks(run):
        where = f"{one.task} ({one.path})"
        yield f"blind on {plural(count, 'host')}: {where}; {cheapest_fix(one.action)}"
    if run.provenance.doubt:
        yield f"looked at plainly, since mitogen cannot be trusted here: {run.provenance.doubt}"
    for finding in run.findings:
        yield f"{finding.subject}: {finding.message}; {finding.fix}"


def provenance_line(run: Run) -> str:
    """Return what the result depends on, in one line."""
    made = run.provenance
    commit = f" at {made.policy_commit}" if made.policy_commit else ""
    way = (
        f"; {made.strategy}, verified on {', '.join(made.verified_on)}" if made.verified_on else ""
    )
    return f"run {run.id} by {run.actor}, standard {made.standard}{commit}{way}"


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
    title = f"{control}[{drift.control.severity}] {drift.task}{item}"
    where = f"  on {', '.join(cluster.hosts)}{_odd_one_out(run, cluster)}{_since(run, cluster)}"
    return "\n".join([title, where, f"  {drift.path}", *_known(run, cluster)])


# Among fewer hosts that are alike, one that differs is nothing to point at.
_ALIKE = 3


def _odd_one_out(run: Run, cluster: Cluster) -> str:
    """Return a remark where one host differs from all others that were looked at."""
    same = cluster.drift.key[1:]
    alike = sum(one.looked_at(*same) and one.host not in cluster.hosts for one in run.hosts)
    if len(cluster.hosts) > 1 or alike < _ALIKE:
        return ""
    return f" (the odd one out of {alike + 1})"


_MOVES = {
    Moved.HOST: "the host moved",
    Moved.STANDARD: "the standard moved",
    Moved.BOTH: "host and standard moved",
    Moved.FIRST_SEEN: "first seen",
}


def _known(run: Run, cluster: Cluster) -> Iterator[str]:
    """Yield the line with the deviation's id and what is known of it."""
    known = _standings(run, cluster)
    if not known:
        return
    words = [cluster.drift.id, *dict.fromkeys(str(one.delta) for one in known)]
    words += dict.fromkeys(_MOVES[one.moved] for one in known)
    words += dict.fromkeys(f"waived by {one.waiver}" for one in known if one.waiver)
    times = max(one.fixed_before for one in known)
    words += [f"put right {plural(times, 'time')} before"] if times else []
    yield f"  {', '.join(words)}"


def _standings(run: Run, cluster: Cluster) -> list[Standing]:
    keys = [(host, *cluster.drift.key[1:]) for host in cluster.hosts]
    return [run.standing[key] for key in keys if key in run.standing]


def _since(run: Run, cluster: Cluster) -> str:
    times = {(one.last_good_at, one.detected_at) for one in _standings(run, cluster)}
    if not times:
        return ""
    if len(times) > 1:  # -o json has it for each host
        return f", first found {iso(min(found for _, found in times))}"
    ((good, found),) = times
    if good is None:
        return f", found {iso(found)}; never seen compliant before"
    return f", since some time between {iso(good)} and {iso(found)}"


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
