"""How the fleet did: deviations found and put right (F8), runs, hosts as the standard says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import DriftEvidence, RunEvidence
from opskit.core.hosts import Verdict
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, Referred, count, missing, share, time
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence
from opskit.report.statistics.process import Scale

FLEET = Methods()
NOT_CHECKED = "not checked"


def looked(runs: Iterable[RunEvidence]) -> tuple[RunEvidence, ...]:
    """Return the checks that got to judge a host: without one, no deviation means nothing."""
    judged = (Verdict.COMPLIANT, Verdict.DRIFTED)
    return tuple(
        run
        for run in runs
        if run.mode == "check"
        and run.state == "finished"
        and any(run.verdicts.get(verdict, 0) for verdict in judged)
    )


@FLEET.method("F8", 1)
def deviations(ground: Ground) -> Iterator[Figure]:
    """Deviations found, put right, and still open.

    Formula: deviations (host, task, item) that a check of the period saw first; open ones that a
        later check within the period saw gone; ones that no check has seen gone by its end
    Unit: deviations
    Source: the checks of the period; a deviation is put right when a check sees it gone
    Not for: incidents prevented: nobody knows what a deviation would have led to
    """
    drifts, period = ground.evidence.drifts, ground.period
    found = [one for one in drifts if period.start <= one.detected_at < period.end]
    fixed = [one for one in drifts if one.fixed_at is not None and one.fixed_at < period.end]
    still = [one for one in drifts if one.fixed_at is None or one.fixed_at >= period.end]
    hosts = f"on {plural(len({one.host for one in found}), 'host')}" if found else ""
    yield _deviations(
        ground, Name(
            "drift.found", "Deviations found",
            "deviations (host, task, item) that a check of the period saw first",
        ), found, hosts,
    )  # fmt: skip
    yield _deviations(
        ground, Name(
            "drift.fixed", "Deviations put right",
            "open deviations that a later check, within the period, saw gone",
        ), fixed,
    )  # fmt: skip
    yield _deviations(
        ground, Name(
            "drift.open", "Deviations still open",
            "deviations that no check has seen gone by the end of the period",
        ), still,
    )  # fmt: skip


def _deviations(
    ground: Ground, name: Name, rows: Sequence[DriftEvidence], note: str = ""
) -> Figure:
    checks = looked(ground.evidence.runs)
    basis = Basis(rows or checks, note)
    if checks or ground.evidence.drifts:
        return count(name, len(rows), basis)
    return missing(name, "count", Presence.NOT_OBSERVED, NOT_CHECKED, basis)


@FLEET.method("F8b", 1, Comparing(Scale.LOGARITHMIC, Better.LOWER, Per.DAY))
def exposure(ground: Ground) -> Iterator[Figure]:
    """Time that hosts were off standard, as far as it was seen.

    Formula: sum over deviations of (seen gone - found), within the period
    Unit: microseconds
    Source: the checks that found each deviation and saw it gone
    Not for: how long it really was: it may have begun at any time since the last good check
    """
    drifts, period, checks = ground.evidence.drifts, ground.period, looked(ground.evidence.runs)
    name = Name("drift.exposure", "Time hosts were off standard, seen")
    total = sum(
        min(one.fixed_at or period.end, period.end) - max(one.detected_at, period.start)
        for one in drifts
    )
    since = "from the check that found each; it may have begun any time since the last good check"
    rows: Sequence[Referred] = drifts or checks
    if rows:
        shown = format_duration(total) if drifts else "none seen"
        yield time(name, total, Basis(rows, since if drifts else ""), shown)
    else:
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, NOT_CHECKED, Basis(()))


@FLEET.method("F8c", 2)
def runs(ground: Ground) -> Iterator[Figure]:
    """Runs over the fleet.

    Formula: check and apply runs of the period that came to their end
    Unit: runs
    Source: the runs of the period
    Not for: work that was saved: a run that changed nothing saved nothing
    """
    every, name = ground.evidence.runs, Name("runs.finished", "Runs over the fleet")
    why = ground.evidence.not_configured.get("fleet", "")
    if why and not every:
        yield missing(name, "count", Presence.NOT_CONFIGURED, "not configured", Basis((), why))
        return
    done = [run for run in every if run.state == "finished"]
    note = f"{plural(len(every) - len(done), 'run')} did not" if len(done) != len(every) else ""
    yield count(name, len(done), Basis(every, note))


@FLEET.method("F8d", 1)
def compliance(ground: Ground) -> Iterator[Figure]:
    """Hosts as the standard says.

    Formula: compliant hosts / all hosts, each as the period's last finished check of the whole
        standard saw it; unreachable and not evaluated hosts are in the denominator
    Unit: share of the hosts
    Source: the last finished check of each standard
    Not for: security, or agreement with anything the standard does not say
    """
    hosts = ground.evidence.hosts
    if hosts:
        good, every = sum(one.verdict is Verdict.COMPLIANT for one in hosts), len(hosts)
        name = Name("fleet.compliant", "Hosts as the standard says")
        yield share(name, Fraction(good, every), f"{good} of {every}", Basis(hosts))
