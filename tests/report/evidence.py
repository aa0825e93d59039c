"""Evidence written by hand, small enough to compute its figures in one's head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.clock import HOUR, NOTHING, Duration, Instant, from_datetime
from opskit.core.evidence import DriftEvidence, Evidence, HostEvidence, RunEvidence, ServiceEvidence
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, State, Stretch
from opskit.report.built import Built
from opskit.report.figures.catalogue import all_refs
from opskit.report.ground import Ground
from opskit.report.inputs import EvidenceRow, Inputs, Seal
from opskit.report.model import Report
from opskit.reporting import built

UTC = ZoneInfo("UTC")
# A day of exactly 100 hours: an hour of it is one percent.
START = Instant(1_700_000_000_000_000)
PERIOD = Interval(START, Instant(START + 100 * HOUR))


def hour(number: float) -> Instant:
    """Return the instant some hours into the period."""
    return Instant(START + int(number * HOUR))


def service(
    *parts: tuple[State, int],
    name: str = "shop",
    objective: str = "",
    edge: int = NOTHING,
    refs: Iterable[int] = (1, 2),
) -> ServiceEvidence:
    """Return a service that was in each state for so many hours; the rest of the 100 it was up."""
    rest = 100 - sum(hours for _, hours in parts)
    timeline, at = [], PERIOD.start
    for state, hours in (*parts, (State.UP, rest)):
        end = Instant(at + hours * HOUR)
        if hours:
            timeline.append(Stretch(at, end, state, str(state), tuple(refs)))
        at = end
    promised = Fraction(objective) / 100 if objective else None
    return ServiceEvidence(
        name, "web", "internal", promised, tuple(timeline), (), Duration(edge), tuple(refs)
    )


def drift(
    found: float, fixed: float | None = None, *, host: str = "web1", ref: int = 10
) -> DriftEvidence:
    """Return a deviation found, and seen gone, so many hours into the period."""
    gone = None if fixed is None else hour(fixed)
    return DriftEvidence(
        host, "OPS-1", Severity.LOW, "The banner is shown", None, hour(found), gone, (ref,)
    )


def run(
    started: float,
    mode: str = "check",
    state: str = "finished",
    *,
    ref: int = 20,
    hosts: Mapping[Verdict, int] | None = None,
    **verdicts: int,
) -> RunEvidence:
    """Return a run that began so many hours into the period, with hosts by verdict."""
    named = {Verdict(name.replace("_", " ")): count for name, count in verdicts.items()}
    counts = {**(hosts or {}), **named}
    end = hour(started + 0.1) if state == "finished" else None
    return RunEvidence(
        f"{mode}-{started}", mode, "standard.yml", state, hour(started), end, counts, (ref,)
    )


def hosts_of(runs: Iterable[RunEvidence]) -> tuple[HostEvidence, ...]:
    """Return every host of the newest finished check, as the fleet's own store tells it."""
    checks = [run for run in runs if run.mode == "check" and run.state == "finished"]
    newest = max(checks, key=lambda run: run.started_at, default=None)
    if newest is None:
        return ()
    return tuple(
        HostEvidence(
            f"{verdict} {number}", newest.standard, verdict, newest.started_at, newest.refs
        )
        for verdict, count in newest.verdicts.items()
        for number in range(count)
    )


def written(ground: Ground, *, seal: Seal | None = None, declared: str = "") -> Built:
    """Return the report over a ledger that holds every entry its figures name."""
    named = all_refs(ground)
    entries = tuple(EvidenceRow(seq, START, "test.done", f"{seq:064x}") for seq in named)
    last = max(named, default=0)
    sealed = seal or Seal(last, f"{last:064x}")
    return built(Inputs(ground, sealed, "1.2.3", entries, declared=declared))


def report(evidence: Evidence, period: Interval = PERIOD, zone: ZoneInfo = UTC) -> Report:
    """Return the report of evidence alone."""
    return written(Ground(period, evidence, zone=zone.key)).report


def at(text: str, zone: ZoneInfo = UTC) -> Instant:
    """Return the instant of a wall time in `zone`."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))
