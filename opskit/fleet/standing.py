"""How what a check found stands against what is remembered. Pure.

Who moved is told from the last state seen as wanted: what is wanted now equals it, so the host
moved; what is there now equals it, so the standard moved. (Puppet calls the first a corrective
change, Terraform resource drift.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from opskit.core.clock import DAY, Instant, iso
from opskit.core.findings import Finding, Severity
from opskit.core.hosts import Verdict
from opskit.core.text import plural
from opskit.core.waivers import Waiver
from opskit.fleet.memory import Episode, Good, Owed, Settled
from opskit.fleet.model import Delta, Drift, DriftKey, HostResult, Moved, Run, Standing

_LOOKED = frozenset({Verdict.COMPLIANT, Verdict.DRIFTED, Verdict.OWED})
# A waiver that ends within this time is worth a line before it does.
SOON = 14 * DAY


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the hosts of a run.

    `paid` are debts that it settled, and how; `basis` says under what each host was last checked.
    """

    open: Mapping[DriftKey, Episode]
    settled: Mapping[DriftKey, Settled]
    good: Mapping[str, Good]
    owed: Sequence[Owed]
    paid: Sequence[tuple[Owed, str]]
    waivers: Sequence[Waiver]
    basis: Mapping[str, str]


def who_moved(drift: Drift, settled: Settled | None, good: Good | None, basis: str) -> Moved:
    """Return who moved when a deviation appeared.

    Without a state to compare, a host that was compliant under the very same standard, inventory
    and settings must have moved itself.
    """
    if settled and settled.state_hash and drift.comparable:
        if drift.after_hash == settled.state_hash:
            return Moved.HOST
        return Moved.STANDARD if drift.before_hash == settled.state_hash else Moved.BOTH
    return Moved.HOST if good and good.basis == basis else Moved.FIRST_SEEN


def judged(run: Run, memory: Memory) -> Run:
    """Return a check with its standing: since when, who moved, waived, gone, owed."""
    found: dict[DriftKey, list[Drift]] = {}
    for drift in run.drift:
        found.setdefault(drift.key, []).append(drift)
    standing = {key: _standing(run, several, memory) for key, several in found.items()}
    hosts = {result.host: result for result in run.hosts}
    gone = tuple(
        key
        for key, episode in memory.open.items()
        if key not in standing and hosts[episode.host].looked_at(*key[1:])
    )
    return replace(
        run,
        hosts=tuple(_verdict(result, standing, memory.owed) for result in run.hosts),
        standing=standing,
        gone=gone,
        findings=tuple(_findings(run, memory.waivers)),
    )


def _standing(run: Run, several: Sequence[Drift], memory: Memory) -> Standing:
    """Return how one thing stands; it may differ in several ways, and all are to be waived."""
    drift = several[-1]
    known, settled = memory.open.get(drift.key), memory.settled.get(drift.key)
    good = memory.good.get(drift.host)
    waivers = [_waiver(one, memory.waivers, run.finished_at) for one in several]
    name = ", ".join(dict.fromkeys(waivers)) if all(waivers) else ""
    times = settled.times if settled else 0
    if known is None:
        moved = who_moved(drift, settled, good, run.provenance.basis)
        last_good_at = good.at if good else None
        return Standing(last_good_at, run.finished_at, moved, Delta.NEW, name, times)
    delta = Delta.WORSE if known.before_hash != drift.before_hash else Delta.OPEN
    return Standing(known.last_good_at, known.detected_at, known.moved, delta, name, times)


def _waiver(drift: Drift, waivers: Iterable[Waiver], now: Instant) -> str:
    return next((one.name for one in waivers if one.fits(drift.host, drift.id, now)), "")


def _verdict(
    result: HostResult, standing: Mapping[DriftKey, Standing], owed: Iterable[Owed]
) -> HostResult:
    """Return a host's result once waivers and debts are counted."""
    verdict, reason = result.verdict, result.reason
    waived = [drift for drift in result.drift if standing[drift.key].waiver]
    if verdict is Verdict.DRIFTED and len(waived) == len(result.drift):
        verdict = Verdict.COMPLIANT
        reason = f"{plural(len(waived), 'deviation')} waived"
    own = [one for one in owed if one.debt.host == result.host]
    if verdict is Verdict.COMPLIANT and own:
        more = f" and {len(own) - 1} more" if own[1:] else ""
        verdict, reason = Verdict.OWED, f"{own[0].debt} ({own[0].run_id}){more}"
    return replace(result, verdict=verdict, reason=reason)


def _findings(run: Run, waivers: Iterable[Waiver]) -> Iterable[Finding]:
    now, whole = run.finished_at, not run.provenance.tags and not run.provenance.limit
    for waiver in waivers:
        covered = [result for result in run.hosts if waiver.covers(result.host)]
        if not covered:
            continue
        found = any(drift.id == waiver.fingerprint for one in covered for drift in one.drift)
        if waiver.expires_at <= now:
            yield _about(waiver, "waiver-expired", f"ended {iso(waiver.expires_at)}")
        elif whole and not found and all(one.verdict in _LOOKED for one in covered):
            yield _about(waiver, "waiver-unmatched", "fits no deviation any more")


def _about(waiver: Waiver, rule: str, message: str) -> Finding:
    number = waiver.name
    fix = f"opskit fleet waive --end {number}"
    if rule == "waiver-expired":
        fix = f"opskit fleet waive --renew {number} --until 30d, or {fix}"
    subject = f"{number} of {waiver.owner} on {waiver.hosts}: {waiver.subject}"
    return Finding(rule, Severity.MEDIUM, subject, message, fix=fix)


def settled_by(run: Run, owed: Iterable[Owed]) -> tuple[tuple[Owed, str], ...]:
    """Return the debts that a run settled, and how.

    A handler's by that handler running; a task's that was cut off by a look at what it left.
    """
    hosts = {result.host: result for result in run.hosts}
    settled = []
    for one in owed:
        result = hosts.get(one.debt.host)
        if result is None:
            continue
        if one.debt.handler in result.handled and run.mode == "apply":
            settled.append((one, "the handler ran"))
        elif not one.debt.handler and (one.debt.path, one.debt.task) in result.observed:
            settled.append((one, "looked at again"))
    return tuple(settled)


def expiring(waivers: Iterable[Waiver], now: Instant) -> tuple[Waiver, ...]:
    """Return the waivers that end soon."""
    return tuple(one for one in waivers if now < one.expires_at <= now + SOON)


def score(run: Run, *, waivers: bool) -> Fraction | None:
    """Return the share of task-checks that found what is wanted, of all that were to be made.

    What could not be looked at counts against it, and so does the task a host was lost at. With
    `waivers`, an accepted deviation counts as wanted. Nothing where there was nothing to look at.
    """
    made = sum(len(result.observed) for result in run.hosts)
    missing = sum(len(result.not_evaluated) for result in run.hosts)
    missing += sum(result.verdict.is_lost for result in run.hosts)
    bad = {
        key[:3]
        for key in (drift.key for drift in run.drift)
        if not (waivers and key in run.standing and run.standing[key].waiver)
    }
    return Fraction(made - len(bad), made + missing) if made + missing else None


@dataclass(frozen=True, slots=True)
class Level:
    """How many deviations of hosts that moved were gone in time, of those that could be."""

    met: int
    missed: int
    undecided: int

    @property
    def share(self) -> Fraction | None:
        """Return the share gone in time, between 0 and 1; nothing where none is decided."""
        decided = self.met + self.missed
        return Fraction(self.met, decided) if decided else None


def service_level(found: Iterable[Episode], within: int, now: Instant) -> Level:
    """Return how many corrective deviations were gone within `within` microseconds.

    The clock starts when a check found one: earlier nobody could know. One that is open and still
    has time is undecided.
    """
    met = missed = undecided = 0
    for one in found:
        if one.moved in (Moved.STANDARD, Moved.FIRST_SEEN):
            continue
        lasted = (one.fixed_at or now) - one.detected_at
        if lasted > within:
            missed += 1
        elif one.fixed_at is None:
            undecided += 1
        else:
            met += 1
    return Level(met, missed, undecided)
