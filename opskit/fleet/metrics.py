"""What the fleet shows: hosts by verdict, open deviations, runs, and what was waived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.core.clock import DAY, SECOND, Instant
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.metrics import Family, Labels, counter, gauge, states
from opskit.core.transcript import Mode
from opskit.core.waivers import Waiver
from opskit.fleet.memory import Episode, HostSeen
from opskit.fleet.model import RunState
from opskit.fleet.store import counts, episodes, runs
from opskit.fleet.store.counts import Newest
from opskit.outside.database import Database
from opskit.records.waivers import in_force

# A host that no check has seen for so long is taken for one that left.
_FORGOTTEN = 30 * DAY


@dataclass(frozen=True, slots=True)
class Standing:
    """How the fleet stands at an instant."""

    now: Instant
    hosts: Sequence[HostSeen]
    drifts: Sequence[Episode]
    newest: Sequence[Newest]
    made: dict[tuple[Mode, RunState], int]
    waivers: Sequence[Waiver]


def fleet(database: Database, now: Instant) -> Iterator[Family]:
    """Yield how the fleet stands, by what the last checks saw."""
    with database.read() as connection:
        standing = Standing(
            now,
            runs.last_seen(connection, now - _FORGOTTEN, now + 1),
            episodes.all_open(connection),
            counts.newest(connection),
            counts.runs_by_state(connection),
            in_force(connection),
        )
    return families(standing)


def families(standing: Standing) -> Iterator[Family]:
    """Yield how the fleet stands."""
    yield from _hosts(standing)
    yield from _drifts(standing)
    yield from _runs(standing)
    yield from _waivers(standing)


def _hosts(standing: Standing) -> Iterator[Family]:
    seen = Counter((host.standard, host.verdict) for host in standing.hosts)
    standards = sorted({host.standard for host in standing.hosts})
    says = "Hosts by what the last whole check of a standard said of them."
    by_verdict = (
        (seen[standard, verdict], (("standard", standard), ("verdict", _word(verdict))))
        for standard in standards
        for verdict in Verdict
    )
    yield gauge("opskit_fleet_hosts", says, by_verdict)
    says = "When the host that was looked at longest ago was last seen by a whole check."
    oldest = (
        (min(h.at for h in standing.hosts if h.standard == one) / SECOND, (("standard", one),))
        for one in standards
    )
    yield gauge("opskit_fleet_oldest_check_timestamp_seconds", says, oldest)


def _word(verdict: Verdict) -> str:
    return verdict.value.replace(" ", "_")


def _drifts(standing: Standing) -> Iterator[Family]:
    found = Counter(one.severity for one in standing.drifts)
    by_severity = ((found[one], (("severity", one.value),)) for one in Severity)
    says = "Deviations that no check has seen gone, the waived ones included."
    yield gauge("opskit_fleet_drift_open", says, by_severity)
    oldest = min((one.detected_at for one in standing.drifts), default=None)
    age = None if oldest is None else max(0, standing.now - oldest) / SECOND
    says = "For how long the oldest open deviation has been known; none where none is open."
    yield gauge("opskit_fleet_drift_oldest_age_seconds", says, ((age, ()),))
    says = "Since when the oldest open deviation of a level has been known; none where none is."
    # An alert's own label severity would hide one of that name.
    since = (
        (min(at) / SECOND, (("level", level.value),))
        for level in Severity
        if (at := [one.detected_at for one in standing.drifts if one.severity is level])
    )
    yield gauge("opskit_fleet_drift_oldest_timestamp_seconds", says, since)


def _runs(standing: Standing) -> Iterator[Family]:
    made = standing.made
    total = {mode: sum(made.get((mode, state), 0) for state in RunState) for mode in Mode}
    failed = {
        mode: sum(made.get((mode, state), 0) for state in (RunState.BROKEN, RunState.LOST))
        for mode in Mode
    }
    says = "Runs that were begun."
    yield counter("opskit_fleet_runs_total", says, ((total[m], _mode(m)) for m in Mode))
    says = "Runs that broke, or whose opskit died before it could write the end."
    yield counter("opskit_fleet_runs_failed_total", says, ((failed[m], _mode(m)) for m in Mode))
    says = "When the newest run began."
    began = ((run.started_at / SECOND, _mode(run.mode)) for run in standing.newest)
    yield gauge("opskit_fleet_last_run_timestamp_seconds", says, began)
    says = "How the newest run stands: 1 for its state."
    told = (
        sample
        for run in standing.newest
        for sample in states(run.state.value, RunState, _mode(run.mode))
    )
    yield gauge("opskit_fleet_last_run_state", says, told)


def _mode(mode: Mode) -> Labels:
    return (("mode", mode.value),)


def _waivers(standing: Standing) -> Iterator[Family]:
    expired = sum(one.expires_at <= standing.now for one in standing.waivers)
    counted = {"active": len(standing.waivers) - expired, "expired": expired}
    says = "Waivers that nobody ended."
    by_state = ((number, (("state", state),)) for state, number in counted.items())
    yield gauge("opskit_fleet_waivers", says, by_state)
    says = "When a waiver ends by itself, or did."
    ends = ((one.expires_at / SECOND, (("waiver", one.name),)) for one in standing.waivers)
    yield gauge("opskit_fleet_waiver_expiry_timestamp_seconds", says, ends)
