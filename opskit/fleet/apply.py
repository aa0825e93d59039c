"""`fleet apply`: make hosts as the standard says, batch by batch, and believe it only on a look.

Each batch is looked at just before it is touched and again afterwards. What comes next does not
start after a change that was not in the plan, too many failures, or a gate that stays shut.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from opskit.core.clock import HOUR
from opskit.core.errors import Conflict, ExitCode, OpskitError, Refused, worst
from opskit.core.hosts import Verdict
from opskit.core.text import plural
from opskit.core.transcript import Mode
from opskit.fleet import fidelity
from opskit.fleet.execute import Interrupted, execute
from opskit.fleet.journal import holder_name, keep_rollout, reap
from opskit.fleet.memory import Rollout
from opskit.fleet.model import DriftKey, HostResult, Run, Standing
from opskit.fleet.plan import Plan, Watch, batches, stale
from opskit.fleet.store import rollouts
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible.door import Listener
from opskit.records.leases import Lease

# Longer than any batch should take; a run that dies gives its leases back when it is reaped.
_LEASE = 4 * HOUR


class Gate(Protocol):
    """Something that must hold between two batches."""

    def closed(self) -> str:
        """Return why the next batch may not start; empty if it may."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How careful an apply is: `max_failed` hosts may fail over the whole of it."""

    batch: str = "100%"
    max_failed: int = 0
    strict: bool = True
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one batch; `stale` and `surprises` are where it left the plan."""

    hosts: tuple[str, ...]
    before: Run
    change: Run
    observed: Run
    stale: tuple[str, ...]
    surprises: tuple[str, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the hosts that failed, were lost, or are still not as wanted."""
        lost = {one.host for one in self.change.hosts if one.verdict.is_lost}
        fine = {one.host for one in self.observed.hosts if one.verdict.is_fine}
        return tuple(host for host in self.hosts if host in lost or host not in fine)


@dataclass(frozen=True, slots=True)
class Applied:
    """An apply to its end: plan against actual, and every host as it was last seen."""

    plan: Plan
    batches: tuple[Batch, ...]
    observed: Run
    stopped: str
    left: tuple[str, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Return every host that failed."""
        return tuple(host for batch in self.batches for host in batch.failed)

    @property
    def changed(self) -> int:
        """Return how many things were changed."""
        return sum(len(batch.change.drift) for batch in self.batches)

    @property
    def exit_code(self) -> ExitCode:
        """Return failed if a host failed or the rollout was stopped, else what was seen last."""
        codes = [self.observed.exit_code, *(_code(batch.change) for batch in self.batches)]
        return worst([*codes, ExitCode.FAILED] if self.stopped else codes)


def _code(change: Run) -> ExitCode:
    if change.counts[Verdict.FAILED]:
        return ExitCode.FAILED
    lost = change.counts[Verdict.UNREACHABLE] or change.problem
    return ExitCode.UNDETERMINED if lost else ExitCode.OK


@dataclass
class _Rollout:
    """A plan being applied."""

    place: Workplace
    request: Request
    plan: Plan
    options: Options
    listen: Listener
    fresh: Run | None
    record: Rollout
    done: list[Batch] = field(default_factory=list)

    def batch(self, hosts: tuple[str, ...]) -> Batch:
        """Look at a batch, change it, and look again."""
        request = replace(self.request, hosts=hosts)
        with _held(self.place, hosts):
            before, self.fresh = self.fresh, None
            before = before or execute(self.place, request, Mode.CHECK, self.listen)
            moved = stale(self.plan, before, hosts)
            if moved and self.options.strict:
                raise Refused(
                    f"the plan is stale: {moved[0]}" + _more(moved),
                    hint="make a new one with fleet plan, or go on with --stale warn",
                )
            watch = self._watch(before, hosts)
            change = execute(self.place, request, Mode.APPLY, self._watched(watch))
            observed = execute(self.place, request, Mode.CHECK, self.listen)
        made = Batch(hosts, before, change, observed, moved, tuple(watch.surprises))
        with self.place.database.write() as connection:
            found = fidelity.compare(before, change, observed)
            rollouts.keep_fidelity(connection, change.id, found)
            self.done.append(made)
            rollouts.save(connection, self.reached(self.record.state))
        return made

    def reached(self, state: str) -> Rollout:
        """Return how far this came, with what earlier rollouts of the plan did."""
        failed = {host for batch in self.done for host in batch.failed}
        done = {host for batch in self.done for host in batch.hosts} - failed
        before = self.record
        return replace(before, state=state, done=before.done | done, failed=before.failed | failed)

    def _watch(self, before: Run, hosts: Iterable[str]) -> Watch:
        """Expect what the plan says; of what was found stale and accepted, the newer look."""
        expected = {key: one.ends for key, one in self.plan.of(hosts).items()}
        expected |= {drift.key: drift.ends for drift in before.drift}
        return Watch(expected, frozenset(self.plan.blind), str(self.place.root))

    def _watched(self, watch: Watch) -> Listener:
        def listen(record: Mapping[str, Any]) -> None:
            watch.see(record)
            self.listen(record)

        return listen

    def why_stop(self) -> str:
        """Return why no other batch may start; empty if one may."""
        surprises = self.done[-1].surprises
        if surprises:
            return surprises[0] + _more(surprises)
        failed = [host for batch in self.done for host in batch.failed]
        if len(failed) > self.options.max_failed:
            limit = self.options.max_failed
            return f"{plural(len(failed), 'host')} failed, and {limit} may: {', '.join(failed)}"
        return next(filter(None, map(_closed, self.options.gates)), "")


def _closed(gate: Gate) -> str:
    """Return why a gate is shut; one that cannot be asked is, and what was done is still told."""
    try:
        return gate.closed()
    except OpskitError as error:
        return f"a gate cannot be asked: {error.message}"


def _more(lines: Sequence[str]) -> str:
    return f", and {len(lines) - 1} more" if lines[1:] else ""


def apply(
    place: Workplace,
    request: Request,
    plan: Plan,
    options: Options,
    listen: Listener,
    *,
    before: Run | None = None,
    hosts: Sequence[str] | None = None,
) -> Applied:
    """Apply a plan, and look at what came of it.

    `before` is the check the plan was just made of: then the first batch needs no other look.
    `hosts` are the ones to do, by default all that the plan would change.

    Raises:
        Conflict: another apply holds one of the hosts.
        Refused: there is no host to do, or one is not any more as the plan says, and that is to
            be strict about. Once a batch was changed, either stops the rest instead.
    """
    reap(place)
    todo = batches(plan.hosts if hosts is None else hosts, options.batch)
    if not todo:
        raise Refused(f"{plan.id} changes no host", hint="opskit fleet check")
    record = _begin(place, plan, frozenset(host for batch in todo for host in batch))
    rollout = _Rollout(place, request, plan, options, listen, before, record)
    stopped, ending = "", "stopped"
    try:
        stopped = _through(rollout, todo)
        ending = "stopped" if stopped else "finished"
    finally:
        keep_rollout(place, rollout.reached(ending), stopped)
    reached = {host for batch in rollout.done for host in batch.hosts}
    left = tuple(host for batch in todo for host in batch if host not in reached)
    observed = _last_seen(before, rollout.done)
    return Applied(plan, tuple(rollout.done), observed, stopped, left)


def _through(rollout: _Rollout, todo: Sequence[tuple[str, ...]]) -> str:
    """Do one batch after the other; return why the rest was not started, if so."""
    for number, batch in enumerate(todo):
        try:
            rollout.batch(batch)
        except Interrupted as error:
            raise _cut_short(rollout, todo, error) from error
        except (Conflict, Refused) as error:
            if not rollout.done:
                raise
            return error.message
        stopped = rollout.why_stop() if number + 1 < len(todo) else ""
        if stopped:
            return stopped
    return ""


def _cut_short(
    rollout: _Rollout, todo: Sequence[tuple[str, ...]], error: Interrupted
) -> Interrupted:
    """Say how far a rollout came that was stopped by hand, and how it goes on."""
    whole = {host for batch in todo for host in batch}
    done = len(rollout.reached("stopped").done & whole)
    return Interrupted(
        f"{error.message}; {done} of {plural(len(whole), 'host')} done before",
        hint="look first: opskit fleet check; then the rest: opskit fleet apply PLAN --resume",
    )


def _begin(place: Workplace, plan: Plan, hosts: frozenset[str]) -> Rollout:
    """Write that a rollout starts; what earlier ones did to other hosts of the plan stays known."""
    now = place.clock.now()
    name = f"rollout-{plan.id.partition('-')[2]}-{now % 1_000_000_000:x}"
    with place.database.read() as connection:
        last = rollouts.newest(connection, plan.id)
    done, failed = (last.done - hosts, last.failed - hosts) if last else (frozenset(), frozenset())
    return keep_rollout(place, Rollout(name, plan.id, "started", now, done, failed))


def _last_seen(before: Run | None, done: Sequence[Batch]) -> Run:
    """Return every host as it was last seen, in the words of the last look."""
    looks = [*([before] if before else []), *(batch.observed for batch in done)]
    seen = {one.host: one for look in looks for one in look.hosts}
    return replace(
        looks[-1],
        hosts=tuple(seen.values()),
        standing=_still(looks, seen.values()),
        gone=tuple(key for batch in done for key in batch.observed.gone),
        started_at=looks[0].started_at,
        problem=next(filter(None, (look.problem for look in looks)), ""),
        findings=tuple(dict.fromkeys(one for look in looks for one in look.findings)),
    )


def _still(looks: Iterable[Run], seen: Iterable[HostResult]) -> dict[DriftKey, Standing]:
    """Return the newest standing of each deviation that is left."""
    left = {drift.key for result in seen for drift in result.drift}
    known = {key: standing for look in looks for key, standing in look.standing.items()}
    return {key: known[key] for key in known.keys() & left}


@contextmanager
def _held(place: Workplace, hosts: Iterable[str]) -> Iterator[None]:
    """Hold every host of a batch: no other job of opskit touches it meanwhile."""
    holder = holder_name(place.ledger.actor, os.getpid())
    leases: list[Lease] = []
    with place.database.write() as connection:
        leases += [
            place.leases.take(connection, f"host {host}", holder, _LEASE) for host in sorted(hosts)
        ]
    try:
        yield
    finally:
        with place.database.write() as connection:
            for lease in leases:
                place.leases.give_back(connection, lease)
