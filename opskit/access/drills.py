"""`access drill`: proof, host by host, that access given is access that can be taken away.

A canary is given a role by the ordinary way (a rule of the policy approves it), logs in with a key
that is thrown away afterwards, and stays at work. Then the grant is revoked: the same login must be
refused and the session must have been ended. Whatever could not be tried is unproven, with the
reason, and never counts as proven.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import TypeVar

from opskit.access import revocation
from opskit.access.certificates import Wanted, fingerprint, signed
from opskit.access.judgment import Ask, Verdict
from opskit.access.lifecycle import GrantState
from opskit.access.model import Drills, LinuxRights, LinuxTarget, Role
from opskit.access.requesting import check, refused, request
from opskit.access.settling import end_now, start_now
from opskit.access.store import grants, places
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.targets.kinds import Presence
from opskit.access.workplace import Workplace
from opskit.core.clock import MINUTE, SECOND, Duration, parse_duration
from opskit.core.errors import ConfigError, ExitCode, OpskitError, Refused, worst
from opskit.outside import sshlogin
from opskit.outside.ansible.inventory import Way
from opskit.outside.ssh import at_once
from opskit.outside.sshlogin import Attempt, Door, Login, Session

_LONGEST = Duration(15 * MINUTE)
# For how long a session that was ended may take to be seen so from here.
_PATIENCE = 10.0

T = TypeVar("T")


class Outcome(StrEnum):
    """What a drill showed for a host."""

    PROVEN = "proven"
    OPEN = "open"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a drill showed for one host.

    `granted` is from the request to the login that worked, `revoked` from the order to end the
    grant to the login refused and the session ended: both are bounds from above, in microseconds.
    """

    host: str
    outcome: Outcome
    reason: str = ""
    granted: Duration | None = None
    revoked: Duration | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "host": self.host, "outcome": self.outcome.value, "reason": self.reason,
            "time_to_grant_seconds": _seconds(self.granted),
            "time_to_revoke_seconds": _seconds(self.revoked),
        }  # fmt: skip


def _seconds(length: float | None) -> float | None:
    return None if length is None else round(length / SECOND, 3)


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill showed; `grant` is the canary's, for an auditor."""

    grant: str
    proofs: tuple[Proof, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 for all proven, 1 for one that stayed open, 3 where one could not be tried."""
        codes = {Outcome.OPEN: ExitCode.FINDINGS, Outcome.UNTRIED: ExitCode.UNDETERMINED}
        return worst(codes.get(one.outcome, ExitCode.OK) for one in self.proofs)

    def as_json(self) -> dict[str, object]:
        """Return the figures."""
        granted = [one.granted for one in self.proofs if one.granted is not None]
        revoked = [one.revoked for one in self.proofs if one.revoked is not None]
        counts = {one.value: sum(p.outcome is one for p in self.proofs) for one in Outcome}
        return {
            "grant": self.grant, **counts, "hosts": [one.as_json() for one in self.proofs],
            "time_to_grant_median_seconds": _seconds(median(granted)) if granted else None,
            "time_to_revoke_median_seconds": _seconds(median(revoked)) if revoked else None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who is let in, as what, and where: `hosts` by target, and those that cannot be tried."""

    rules: Drills
    role: Role
    rights: LinuxRights
    hosts: Mapping[str, tuple[str, ...]]
    untried: tuple[Proof, ...]


def drill(
    work: Workplace,
    ways: Callable[[], Mapping[str, Way]],
    targets: Sequence[str] = (),
    sample: int = 0,
) -> Drilled:
    """Prove for each host of targets, or for a sample of so many, that access can be taken away.

    `ways` gives for each host of the inventory how ssh reaches it.

    Raises:
        ConfigError: the policy names no canary, or no host is left to try.
        Refused: no rule of the policy approves the canary's request.
    """
    plan = _planned(work, targets, sample)
    ask = _ask(work, plan)
    routes = ways()
    hosts = dict.fromkeys(host for found in plan.hosts.values() for host in found)
    reached = {host: routes[host].argv for host in hosts if host in routes and routes[host].argv}
    lost = tuple(
        Proof(host, Outcome.UNTRIED, routes[host].reason if host in routes else "no such host")
        for host in hosts
        if host not in reached
    )
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opskit-")))
        done = _tried(_Drill(work, plan, reached, directory, stack), ask)
    proofs = sorted((*done.proofs, *lost, *plan.untried), key=lambda one: one.host)
    found = Drilled(done.grant, tuple(proofs))
    with work.database.write() as connection:
        subject = found.grant or plan.rules.account
        work.tell(connection, "drill.finished", subject, found.as_json())
    return found


def _tried(drill: _Drill, ask: Ask) -> Drilled:
    """Return what a drill showed; one that breaks off is written as such."""
    try:
        return drill.run(ask)
    except OpskitError as error:
        with drill.work.database.write() as connection:
            told = {"reason": error.message, "hosts": sorted(drill.ways)}
            drill.work.tell(connection, "drill.failed", drill.plan.rules.account, told)
        raise


def _planned(work: Workplace, targets: Sequence[str], sample: int) -> _Plan:
    rules = work.registry.policy.drills
    role = work.registry.role(rules.role) if rules else None
    if rules is None or role is None or role.linux is None or role.linux.login == "none":
        raise ConfigError(
            "access/policy.yaml names no canary that could log in",
            hint="drills: {account: canary, role: one that gives a login}; see access/README.md",
        )
    if rules.account not in work.registry.people.service_accounts:
        raise ConfigError(
            f"{rules.account} is no service account", hint="enter it in access/people.yaml"
        )
    named = tuple(targets) or role.targets
    hosts = {
        name: work.places(name)
        for name in named
        if isinstance(work.registry.target(name), LinuxTarget)
    }
    others = [name for name in named if name not in hosts]
    untried = tuple(Proof(name, Outcome.UNTRIED, "only Linux hosts are drilled") for name in others)
    if sample:
        hosts = _sampled(hosts, sample)
    if not any(hosts.values()):
        raise ConfigError("there is no host to drill", hint="opskit access drill TARGET")
    return _Plan(rules, role, role.linux, hosts, untried)


def _sampled(hosts: Mapping[str, tuple[str, ...]], sample: int) -> dict[str, tuple[str, ...]]:
    every = sorted({host for found in hosts.values() for host in found})
    chosen = set(secrets.SystemRandom().sample(every, min(sample, len(every))))
    kept = {name: tuple(h for h in found if h in chosen) for name, found in hosts.items()}
    return {name: found for name, found in kept.items() if found}


def _ask(work: Workplace, plan: _Plan) -> Ask:
    """Return the canary's request.

    Raises:
        Refused: the policy does not approve it by a rule.
    """
    ask = Ask(
        work.person(), plan.rules.account, plan.rules.role, tuple(plan.hosts),
        Duration(min(_LONGEST, parse_duration(plan.role.max_duration))), "revocation drill",
        ticket="drill" if work.registry.policy.need_ticket else "",
    )  # fmt: skip
    judgment = check(work, ask)
    if judgment.verdict is Verdict.REFUSED:
        raise refused(judgment)
    if judgment.verdict is not Verdict.APPROVED:
        raise Refused(
            f"no rule approves {plan.rules.role} for {plan.rules.account} by itself",
            hint=f"access/policy.yaml: a rule with who: [{plan.rules.account}], decide: approve",
        )
    return ask


@dataclass(frozen=True, slots=True)
class _Entered:
    """The canary at work on a host; `granted` is None where it did not get in."""

    session: Session
    granted: Duration | None


@dataclass(frozen=True)
class _Drill:
    """One drill under way. Whatever happens, sessions are closed and the grant is ended."""

    work: Workplace
    plan: _Plan
    ways: Mapping[str, tuple[str, ...]]
    directory: Path
    stack: ExitStack

    def run(self, ask: Ask) -> Drilled:
        """Give, log in, take away, and try again; nothing is given where that cannot be tried."""
        key, public = sshlogin.made_key(self.directory, self.work.environment)
        login = Login(self.work.registry.account(self.plan.rules.account), key)
        before = self._everywhere(self.ways, lambda host: self._attempt(login, host))
        shut = [host for host, one in before.items() if one.door is Door.SHUT]
        untried = tuple(_not_shut(host, one) for host, one in before.items() if host not in shut)
        if not shut:
            return Drilled("", untried)
        begun = self.work.clock.monotonic()
        grant = self._given(ask, public, shut)
        login = replace(login, certificates=self._certificates(grant, public))
        return Drilled(grant.name, (*self._proofs(grant, login, begun), *untried))

    def _proofs(self, grant: Grant, login: Login, begun: Duration) -> tuple[Proof, ...]:
        with self.work.database.read() as connection:
            rows = {one.place: one for one in places.of_grant(connection, grant.id)}
        there = [host for host, row in rows.items() if row.observed is Presence.PRESENT]
        entered = self._everywhere(there, lambda host: self._enter(login, host, begun))
        ordered = self.work.clock.monotonic()
        end_now(self.work, grant.id, "revocation drill")

        def proof(host: str) -> Proof:
            missing = _not_entered(host, entered.get(host), rows[host])
            return missing or self._after(login, host, entered[host], ordered)

        proofs = self._everywhere(rows, proof)
        revocation.publish(self.work)
        return tuple(proofs.values())

    def _given(self, ask: Ask, public: str, hosts: Sequence[str]) -> Grant:
        """Return the canary's grant, on these hosts alone, opened by the key that is tried."""

        def kept(name: str) -> tuple[str, ...]:
            return tuple(host for host in self.plan.hosts.get(name, ()) if host in hosts)

        work = replace(self.work, places=kept)
        grant = request(work, ask).grant
        assert grant is not None  # noqa: S101  # judged to be approved by a rule
        self.stack.callback(end_now, work, grant.id, "revocation drill")
        with work.database.write() as connection:
            told = {"hosts": sorted(hosts), "key": fingerprint(public)}
            work.tell(connection, "drill.started", grant.name, told)
            grant = grants.change(connection, grant, keys=json.dumps([public]))
        start_now(work, grant)
        with work.database.read() as connection:
            return grants.one(connection, grant.id)

    def _certificates(self, grant: Grant, public: str) -> tuple[Path, ...]:
        """Return certificates for the key, one of each signer, where the role wants them."""
        given = grant.state in {GrantState.ACTIVE, GrantState.PARTIAL}
        if self.plan.rights.login != "certificate" or not given:
            return ()
        found: list[Path] = []
        targets = [self.work.registry.target(name) for name in grant.targets]
        for named in sorted({one.environment for one in targets if isinstance(one, LinuxTarget)}):
            one = signed(self.work, grant, Wanted(grant.id, public, named))
            path = self.directory / f"{named.value}-cert.pub"
            path.write_text(f"{one.certificate}\n", encoding="ascii")
            found.append(path)
        return tuple(found)

    def _everywhere(self, hosts: Iterable[str], ask: Callable[[str], T]) -> dict[str, T]:
        named = list(hosts)
        with ThreadPoolExecutor(at_once()) as pool:
            return dict(zip(named, pool.map(ask, named), strict=True))

    def _attempt(self, login: Login, host: str) -> Attempt:
        return sshlogin.attempt(login, self.ways[host], self.work.environment)

    def _enter(self, login: Login, host: str, begun: Duration) -> _Entered:
        session = Session(login, self.ways[host], self.work.environment, self.directory)
        self.stack.callback(session.close)
        opened = session.opens()
        return _Entered(session, self._since(begun) if opened else None)

    def _after(self, login: Login, host: str, entered: _Entered, ordered: Duration) -> Proof:
        """Return what the canary can still do on a host it was at work on."""
        again = self._attempt(login, host)
        if again.door is Door.OPEN:
            return Proof(host, Outcome.OPEN, "the same login still works", entered.granted)
        ended = entered.session.ends(_PATIENCE)
        taken = self._since(ordered)
        if not ended:
            return Proof(host, Outcome.OPEN, "its session was not ended", entered.granted)
        if again.door is Door.UNKNOWN:
            return Proof(host, Outcome.UNTRIED, f"afterwards: {again.said}", entered.granted)
        return Proof(host, Outcome.PROVEN, "", entered.granted, taken)

    def _since(self, begun: Duration) -> Duration:
        return Duration(self.work.clock.monotonic() - begun)


def _not_shut(host: str, before: Attempt) -> Proof:
    """Return what it means that a host did not refuse the canary before it was given anything."""
    if before.door is Door.OPEN:
        return Proof(host, Outcome.OPEN, "a key that nobody granted anything gets in")
    return Proof(host, Outcome.UNTRIED, before.said)


def _not_entered(host: str, entered: _Entered | None, row: Place) -> Proof | None:
    """Return why a host was not tried; None where the canary came to be at work there."""
    if entered is None:
        return Proof(host, Outcome.UNTRIED, row.reason or "the grant was not seen there")
    if entered.granted is None:
        return Proof(host, Outcome.UNTRIED, f"the canary did not get in: {entered.session.said}")
    return None
