"""The incremental check: hosts that have not moved since their full check are not checked anew.

A host is proven by its fingerprint if it looks exactly as it did when a full check found it
compliant under the very same basis. That look is trusted only if the host looked the same before
that full check began and after it ended: a change in between cannot be sealed in as good. So the
first check of a host is full, the second is full and seals, the third can prove. In all doubt, and
at the latest after `TRUSTED_FOR`, Ansible looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from opskit.core.clock import DAY, Instant
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.fleet import fingerprint, taking
from opskit.fleet.execute import Intent, Seen, execute, hash_key
from opskit.fleet.fingerprint import Looks, Prints, Seal
from opskit.fleet.model import HostResult, Provenance, Run, RunState
from opskit.fleet.reading import standard_of
from opskit.fleet.store import debts, episodes, fingerprints
from opskit.fleet.verified import observe, require
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible.door import Listener
from opskit.outside.ansible.transcript import lines_of
from opskit.records import waivers

# A fingerprint is only as good as what is known of Ansible's modules: now and then, all is checked.
TRUSTED_FOR = 7 * DAY


def check(place: Workplace, request: Request, listen: Listener, *, full: bool) -> Run:
    """Return what differs from the standard on each host; see `execute` for what it raises.

    `full` lets Ansible look at every task of every host; so does a choice of tags or hosts.
    """
    require(request)
    if request.tags or request.hosts:
        return execute(place, request, Mode.CHECK, listen, observe)
    own = _Check(place, full=full)
    run = execute(place, request, Mode.CHECK, listen, own.look)
    return replace(run, unprovable=own.seal(request, run))


def basis_of(provenance: Provenance) -> str:
    """Return one hash of all that a fingerprint is valid under."""
    parts = (provenance.basis, provenance.opskit_version, taking.form())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered: the hosts to check, their seals, and those that Ansible must look at."""

    scope: tuple[str, ...] = ()
    seals: Mapping[str, Seal] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()


class _Check:
    """One check: what was taken before Ansible looked, and what Ansible was asked."""

    def __init__(self, place: Workplace, *, full: bool) -> None:
        self._place = place
        self._full = full
        self._known = _Known()
        self._before: Mapping[str, Prints] = {}
        self._observed: Seen | None = None
        self._whole = False

    # Looking

    def look(self, intent: Intent) -> Seen:
        """Return each host's result: proven by its fingerprint, or observed by Ansible."""
        try:
            proven = self._compare(intent)
        except KeyboardInterrupt:
            return Seen((), RunState.INTERRUPTED)
        late = [seal for seal in proven.values() if seal.looks.uncovered]
        part = Seen(())
        if late:
            part = observe(_part(intent, [seal.host for seal in late], _tags(late)))
            if part.state is RunState.INTERRUPTED:
                return part
            moved = {seal.host for seal in late if not _still_good(seal, part)}
            proven = {host: seal for host, seal in proven.items() if host not in moved}
        seen = self._rest(intent, proven)
        told = {one.host for one in seen.posture}
        more = tuple(one for one in part.posture if one.host not in told)
        return replace(seen, posture=(*seen.posture, *more), way=part.way | seen.way)

    def _compare(self, intent: Intent) -> dict[str, Seal]:
        """Return the hosts that have not moved."""
        self._known = known = _recall(intent)
        wanted = {
            host: known.seals[host].looks
            for host in known.scope
            if host in known.seals and not known.seals[host].looks.reason
        }
        self._before = self._take(wanted)
        return {
            host: known.seals[host]
            for host in wanted
            if known.seals[host].proves(self._before.get(host))
            and host not in known.doubtful
            and not self._full
        }

    def _take(self, wanted: Mapping[str, Looks]) -> Mapping[str, Prints]:
        place = self._place
        key = hash_key(place.state_directory)
        return taking.take(wanted, key, place.root, place.environment)

    def _rest(self, intent: Intent, proven: Mapping[str, Seal]) -> Seen:
        """Let Ansible look at what is not proven."""
        if not proven:
            self._whole = True
            self._observed = seen = observe(intent)
            return seen
        results = {host: fingerprint.proven(seal) for host, seal in proven.items()}
        left = [host for host in self._known.scope if host not in proven]
        seen = Seen(())
        if left:
            self._observed = seen = observe(_part(intent, left, ()))
            results |= {result.host: result for result in seen.hosts}
        odd = {result.host for result in seen.hosts} ^ set(left)
        problem = f"Ansible did not check the hosts it was asked to: {', '.join(sorted(odd))}"
        ordered = (results[host] for host in self._known.scope if host in results)
        return replace(seen, hosts=tuple(ordered), problem=seen.problem or (problem if odd else ""))

    # Remembering

    def seal(self, request: Request, run: Run) -> Mapping[str, tuple[str, ...]]:
        """Remember what the hosts look like that Ansible has just found compliant.

        Return the hosts for which that cannot be told, by the reason.
        """
        if self._observed is None or run.problem or run.state is not RunState.FINISHED:
            return {}
        observed = [result for result in run.hosts if result.proven_at is None]
        good = [result for result in observed if _is_good(result)]
        looks = self._looks(request, good)
        after = self._take({host: own for host, own in looks.items() if not own.reason})
        standard, basis = run.provenance.standard, basis_of(run.provenance)
        with self._place.database.write() as connection:
            known = fingerprints.seals(connection, standard, basis)
            seals = [
                self._seal(run, host, own, after.get(host), known.get(host))
                for host, own in looks.items()
            ]
            fingerprints.forget(connection, standard, [result.host for result in observed])
            fingerprints.remember(connection, standard, basis, seals)
            if self._whole:
                names = [result.host for result in run.hosts]
                fingerprints.remember_scope(connection, standard, basis, request.limit, names)
        return _unprovable(looks, after)

    def _looks(self, request: Request, good: Sequence[HostResult]) -> dict[str, Looks]:
        if not good or self._observed is None or not self._observed.records:
            return {}
        lines = lines_of(self._observed.records)
        return fingerprint.looks_of(lines, good, standard_of(self._place, request))

    def _seal(
        self, run: Run, host: str, looks: Looks, after: Prints | None, known: Seal | None
    ) -> Seal:
        """Return what a host that was found compliant looks like, trusted or not.

        It looked the same before this check began: it was looked at then, or it still looks, times
        of change included, as when it was sealed.
        """
        same = known is not None and (known.looks.resources, known.looks.argv) == (
            looks.resources,
            looks.argv,
        )
        still = known.prints if known is not None and known.sealed else None
        sealed = same and after is not None and after in (self._before.get(host), still)
        return Seal(host, run.id, run.finished_at, sealed, looks, after)


def _unprovable(
    looks: Mapping[str, Looks], after: Mapping[str, Prints]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for host, own in looks.items():
        reason = own.reason or ("" if host in after else "its fingerprint could not be taken")
        if reason:
            found.setdefault(reason, []).append(host)
    return {reason: tuple(hosts) for reason, hosts in found.items()}


def _recall(intent: Intent) -> _Known:
    """Return what is remembered under this basis; an indirect limit may mean other hosts now."""
    place, limit = intent.place, intent.request.limit
    standard, basis = intent.provenance.standard, basis_of(intent.provenance)
    with place.database.read() as connection:
        scope = fingerprints.scope(connection, standard, basis, limit)
        if not scope or "@" in limit:
            return _Known()
        seals = fingerprints.seals(connection, standard, basis)
        doubtful = {one.host for one in episodes.still_open(connection, scope)}
        doubtful |= {one.debt.host for one in debts.still_owed(connection, scope)}
        accepted = waivers.in_force(connection)
    doubtful |= {host for host in scope if any(waiver.covers(host) for waiver in accepted)}
    doubtful |= {seal.host for seal in seals.values() if _is_old(seal, place.clock.now())}
    return _Known(scope, seals, frozenset(doubtful))


def _is_old(seal: Seal, now: Instant) -> bool:
    return not seal.checked_at <= now < seal.checked_at + TRUSTED_FOR


def _is_good(result: HostResult) -> bool:
    return result.verdict is Verdict.COMPLIANT and not result.drift and not result.owes


def _part(intent: Intent, hosts: Sequence[str], tags: Sequence[str]) -> Intent:
    request = replace(intent.request, hosts=tuple(hosts), tags=tuple(tags))
    return replace(intent, request=request)


def _tags(seals: Sequence[Seal]) -> tuple[str, ...]:
    """Return the tags that select every task that no fingerprint covers."""
    tags = {tag for seal in seals for _, _, tag in seal.looks.uncovered if tag}
    return tuple(sorted(tags)) or ("always",)


def _still_good(seal: Seal, part: Seen) -> bool:
    """Return whether Ansible saw every task of this host that it had to see, and all as wanted."""
    result = next((one for one in part.hosts if one.host == seal.host), None)
    if result is None or part.problem or part.state is not RunState.FINISHED:
        return False
    wanted = {(path, task) for path, task, _ in seal.looks.uncovered}
    return _is_good(result) and wanted <= result.observed
