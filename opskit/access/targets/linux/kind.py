"""Looking at Linux hosts and giving and taking access there, through Ansible."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opskit.access.targets.kinds import Answer, Logs, Order, Placement, Session, Sight, Unmanaged
from opskit.access.targets.linux.told import (
    BadAnswer,
    Carried,
    Confirmed,
    Done,
    LogRows,
    Seen,
    unpacked,
)
from opskit.access.targets.linux.wire import (
    RenderGrant,
    StateOf,
    as_sent,
    in_words,
    order_sent,
    sight,
)
from opskit.core.clock import SECOND, Clock, Instant
from opskit.core.errors import OpskitError
from opskit.core.text import clean
from opskit.core.transcript import Mode, Outcome, Transcript
from opskit.outside.ansible import door
from opskit.outside.ansible.listing import listing
from opskit.outside.files import content_root

_LOST = {Outcome.UNREACHABLE, Outcome.FAILED, Outcome.TOO_LARGE}
_ROLLBACK_SECONDS = 60
_SECONDS = 300
_UNKNOWN_HOST = "Could not match supplied host pattern"


@dataclass(frozen=True)
class LinuxKind:
    """Hosts of an inventory, by their names there.

    `administrators` are, for each host, the accounts that are never touched. `runs` is a private
    directory that runs take place in; nothing is left there. `state_of` reads what a host gave.
    A change of sudo rules that no second login confirms is undone after `rollback_seconds`; for an
    answer a host has `seconds`.
    """

    inventory: tuple[Path, ...]
    project: Path
    runs: Path
    environment: Mapping[str, str] = field(repr=False)
    clock: Clock
    render_grant: RenderGrant
    state_of: StateOf | None = None
    administrators: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rollback_seconds: int = _ROLLBACK_SECONDS
    seconds: int = _SECONDS

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        """Look at hosts, all of them in one run."""
        asked = {
            host: [as_sent(one, self.render_grant) for one in expected.get(host, ())]
            for host in targets
        }
        run = self._run("observe.yml", Mode.CHECK, {"opskit_access_expected": asked})
        return {host: self._sight(host, run, expected.get(host, ())) for host in targets}

    def carry_out(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Carry out orders, one for each host, all of them in one run."""
        sent = {
            order.target: order_sent(order, self._administrators(order.target), self.render_grant)
            for order in orders
        }
        return self._apply(sent, {one.target: (*one.present, *one.absent) for one in orders})

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        """Take away rights that nobody granted, on all hosts in one run.

        Their keys are: of a key its fingerprint; of a sudo rule `FILE:LINE`, with the line as it
        was seen in `detail`; of a membership the group; of an account its name.
        """
        orders = {}
        for host, each in unmanaged.items():
            who = self._administrators(host)
            orders[host] = order_sent(Order(host), who, self.render_grant, remove=each)
        return self._apply(orders)

    def revoke_keys(self, targets: Sequence[str], krl: bytes) -> Mapping[str, Answer]:
        """Place a list of revoked keys (`ssh-keygen -k`) where sshd is set up to read one."""
        return self._apply({
            host: order_sent(Order(host), self._administrators(host), self.render_grant, krl=krl)
            for host in targets
        })  # fmt: skip

    def logs(self, since: Mapping[str, Instant]) -> Mapping[str, Logs]:
        """Read what sshd and sudo wrote on hosts, on each since a time, all of them in one run."""
        asked = {host: at / SECOND for host, at in since.items()}
        run = self._run("logs.yml", Mode.CHECK, {"opskit_access_since": asked})
        return {host: self._logs(host, run, at) for host, at in since.items()}

    def _logs(self, host: str, run: Transcript | OpskitError, since: Instant) -> Logs:
        told = _told(run, host)
        if not told:
            return Logs((), since, since, _reason(run, host))
        try:
            found = unpacked(told[0], LogRows)
        except BadAnswer as error:
            return Logs((), since, since, str(error))
        start, end = (Instant(int(at * SECOND)) for at in (found.since, found.until))
        # What a host claims to know of times to come is nothing that was read.
        end = min(end, self.clock.now())
        return Logs(found.lines, max(start, since), end, clean(found.why))

    def _administrators(self, host: str) -> Sequence[str]:
        return self.administrators.get(host, ("root",))

    def _apply(
        self,
        orders: Mapping[str, Mapping[str, object]],
        asked: Mapping[str, Sequence[Placement]] | None = None,
    ) -> Mapping[str, Answer]:
        variables = {
            "opskit_access_orders": orders,
            "opskit_access_rollback_seconds": self.rollback_seconds,
        }
        run = self._run("apply.yml", Mode.APPLY, variables)
        asked = asked or {}
        return {host: self._answer(host, run, asked.get(host, ())) for host in orders}

    def _run(
        self, playbook: str, mode: Mode, variables: Mapping[str, object]
    ) -> Transcript | OpskitError:
        """Let Ansible ask each host that a variable names; an error stands for all of them."""
        named = next(iter(variables.values()))
        hosts = tuple(named) if isinstance(named, Mapping) else ()
        if not hosts:
            return OpskitError("no host is asked")
        try:
            run = self._play(playbook, mode, hosts, variables)
            if _UNKNOWN_HOST in run.runner.output and not run.told:
                known = self._inventory()  # one that is not there keeps no other from being asked
                left = tuple(host for host in hosts if host in known)
                run = self._play(playbook, mode, left, variables) if left else run
        except OpskitError as error:
            return error
        return run

    def _inventory(self) -> frozenset[str]:
        groups = listing(self.inventory, self.project, self.environment).values()
        return frozenset(host for group in groups for host in group.get("hosts", ()))

    def _play(
        self, playbook: str, mode: Mode, hosts: tuple[str, ...], variables: Mapping[str, object]
    ) -> Transcript:
        directory = self.runs / f"access-{secrets.token_hex(6)}"
        job = door.Job(
            playbook=content_root() / "playbooks" / "opskit_access" / playbook,
            inventory=self.inventory,
            project=self.project,
            mode=mode,
            hash_key=secrets.token_bytes(32),
            hosts=hosts,
            variables={**variables, "opskit_access_seconds": self.seconds},
        )
        try:
            self.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
            return door.run(job, directory, self.environment, lambda _: None)
        finally:
            door.forget(directory)

    def _sight(self, host: str, run: Transcript | OpskitError, asked: Sequence[Placement]) -> Sight:
        told = _told(run, host)
        if not told:
            return self._not_reached(host, _reason(run, host))
        try:
            return self._seen(host, unpacked(told[0], Seen), asked)
        except BadAnswer as error:
            return self._not_reached(host, str(error))

    def _answer(
        self, host: str, run: Transcript | OpskitError, asked: Sequence[Placement]
    ) -> Answer:
        told = _told(run, host)
        if not told:
            reason = _reason(run, host)
            return Answer(self._not_reached(host, reason), failed=reason)
        try:
            found = unpacked(told[0], Carried)
            _ = [unpacked(one, Confirmed) for one in told[1:]]
        except BadAnswer as error:
            return Answer(self._not_reached(host, str(error)), failed=str(error))
        done = found.done
        if done.armed and len(told) < 2:
            why = f"no second login proved to work, so the host undoes it: {_reason(run, host)}"
            return Answer(self._not_reached(host, why), _ended(done), refused=why)
        return Answer(
            sight=self._seen(host, found.seen, asked),
            ended=_ended(done),
            refused=in_words([done.refused]),
            failed=in_words(done.wrong),
        )

    def _seen(self, host: str, seen: Seen, asked: Sequence[Placement]) -> Sight:
        return sight(host, seen, self.clock.now(), self.state_of, asked)

    def _not_reached(self, host: str, reason: str) -> Sight:
        return Sight(host, self.clock.now(), reached=False, reason=reason)


def _told(run: Transcript | OpskitError, host: str) -> tuple[str, ...]:
    return run.told.get(host, ()) if isinstance(run, Transcript) else ()


def _ended(done: Done) -> tuple[Session, ...]:
    rows = done.ended.items()
    return tuple(Session(clean(account), clean(what)) for account, found in rows for what in found)


def _reason(run: Transcript | OpskitError, host: str) -> str:
    """Return why a host told nothing, or not all."""
    if isinstance(run, OpskitError):
        return run.message
    said = [one.reason for one in run.results if one.host == host and one.outcome in _LOST]
    if said:
        return said[-1] or "the task failed and gave no reason"
    if run.interrupted:
        return "the run was interrupted"
    if host not in run.hosts:
        return run.broke_off or "the inventory has no such host"
    return run.broke_off or "it gave no answer"
