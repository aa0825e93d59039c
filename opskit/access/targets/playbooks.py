"""Anything else: three playbooks of the user's own that give, take, and look.

The playbooks are told of a grant by variables that are never templated. What they did is not
believed: a grant stands as `observe` says by the fact `opskit_present`, for each host of the
target; a host that did not say, or on which the look failed, is unknown. Nothing here ends a grant
by itself, and what nobody granted cannot be seen. What two grants share is the playbooks' to tell
apart, by `opskit_grant`; after something was taken, what shall be there is looked for again and
given anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opskit.access.model import PlaybookRights, PlaybookTarget
from opskit.access.targets.kinds import (
    Answer,
    Order,
    Part,
    Placement,
    Presence,
    Sight,
    Standing,
    Unmanaged,
)
from opskit.core.clock import Clock, iso
from opskit.core.errors import OpskitError
from opskit.core.text import clean, shorten
from opskit.core.transcript import Mode, Outcome, Transcript
from opskit.outside.ansible import door
from opskit.outside.files import private_directory, write_atomically

_LOST = frozenset({Outcome.FAILED, Outcome.UNREACHABLE, Outcome.TOO_LARGE})
_LONGEST_REASON = 300
_HERE = "localhost"
_THIS_MACHINE = (
    b"localhost ansible_connection=local "
    b"ansible_python_interpreter='{{ ansible_playbook_python }}'\n"
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one run of a playbook told: each host's presence, and what went wrong."""

    hosts: Mapping[str, Presence] = field(default_factory=dict)
    problem: str = ""

    @property
    def standing(self) -> Presence:
        """Return the one presence of all hosts; partial where they differ."""
        found = set(self.hosts.values())
        if Presence.UNKNOWN in found or not found:
            return Presence.UNKNOWN
        return found.pop() if len(found) == 1 else Presence.PARTIAL


@dataclass(frozen=True)
class PlaybookKind:
    """The kind `playbooks`. Playbooks are paths below `project`; runs leave nothing in `runs`.

    `environment` is the caller's, of which Ansible gets little.
    """

    targets: Mapping[str, PlaybookTarget]
    project: Path
    inventory: tuple[Path, ...]
    runs: Path
    environment: Mapping[str, str]
    clock: Clock

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        """Look for each grant that is expected; without one there is nothing to look for."""
        return {
            name: self._sight(name, self._look(name, expected.get(name, ()))) for name in targets
        }

    def carry_out(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Take what shall go, then give what is not there, and look at what was run for."""
        return {order.target: self._carried_out(order) for order in orders}

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        """Say that this cannot be: a playbook is asked about grants alone."""
        failed = {
            target: "; ".join(f"playbooks cannot take {one.key}" for one in each)
            for target, each in unmanaged.items()
        }
        return {
            target: Answer(Sight(target, self.clock.now()), failed=why)
            for target, why in failed.items()
        }

    def _carried_out(self, order: Order) -> Answer:
        present = [one for one, _ in _ours(order.present)]
        absent = _ours(order.absent)
        # Always, whatever a look would say: a look that errs must not spare anybody.
        failed = self._run_each(order, [(one, rights.revoke) for one, rights in absent])
        # Only now, since what two grants share may have gone with one of them.
        seen = self._look(order.target, present)
        missing = [
            (one, rights.grant)
            for one, rights in _ours(order.present)
            if seen[one.grant].standing is not Presence.PRESENT
        ]
        failed += self._run_each(order, missing)
        again = [one for one, _ in absent] + (present if missing else [])
        seen = {**seen, **self._look(order.target, again)}
        return Answer(self._sight(order.target, seen), failed="; ".join(failed))

    def _run_each(self, order: Order, work: Sequence[tuple[Placement, str]]) -> list[str]:
        told = [(one, playbook, self._run(order, one, playbook)) for one, playbook in work]
        return [
            f"{playbook} for {one.grant}: {t.problem}" for one, playbook, t in told if t.problem
        ]

    def _look(self, target: str, placements: Sequence[Placement]) -> dict[str, _Told]:
        order = Order(target)
        return {
            one.grant: self._run(order, one, rights.observe) for one, rights in _ours(placements)
        }

    def _sight(self, target: str, seen: Mapping[str, _Told]) -> Sight:
        """Return what was told; nothing was reached where no host said anything at all."""
        standings = {grant: Standing(grant, _parts(told)) for grant, told in seen.items()}
        reason = next((told.problem for told in seen.values() if told.problem), "")
        silent = all(set(told.hosts.values()) <= {Presence.UNKNOWN} for told in seen.values())
        reached = not seen or not silent
        if not reached:
            return Sight(
                target, self.clock.now(), reached=False, reason=reason or "no host said anything"
            )
        return Sight(target, self.clock.now(), reason=reason, standings=standings)

    def _run(self, order: Order, placement: Placement, playbook: str) -> _Told:
        """Run a playbook for one grant.

        Raises:
            KeyboardInterrupt: somebody stopped it, and wants to stop here as well.
        """
        heard: dict[str, bool] = {}

        def listen(record: Mapping[str, Any]) -> None:
            if record["k"] == "presence":
                heard[record["host"]] = record["present"]

        directory = self.runs / f"{placement.grant}-{secrets.token_hex(4)}"
        try:
            private_directory(self.runs)
            job = self._job(order, placement, playbook)
            transcript = door.run(job, directory, self.environment, listen)
        except OpskitError as error:
            return _Told(problem=error.message)
        finally:
            door.forget(directory)
        if transcript.interrupted and not transcript.prompt:
            raise KeyboardInterrupt
        return _told(transcript, heard)

    def _job(self, order: Order, placement: Placement, playbook: str) -> door.Job:
        path = (self.project / playbook).resolve()
        if not path.is_file() or not path.is_relative_to(self.project.resolve()):
            raise OpskitError(f"there is no playbook {playbook}")
        return door.Job(
            playbook=path,
            inventory=self._inventory(order.target),
            project=self.project,
            mode=Mode.APPLY,
            hash_key=secrets.token_bytes(32),  # no difference is compared with another run's
            limit=self.targets[order.target].hosts,
            variables={
                "opskit_grant": placement.grant,
                "opskit_person": placement.person,
                "opskit_account": placement.account,
                "opskit_until": iso(placement.until),
                "opskit_end_sessions": placement.account in order.end_sessions,
            },
        )

    def _inventory(self, target: str) -> tuple[Path, ...]:
        """Return where the hosts of a target are listed; this machine need not be there.

        Ansible knows it without a list, but not where hosts are limited. What the inventories say
        of it comes after, and counts.
        """
        if self.targets[target].hosts != _HERE:
            return self.inventory
        own = self.runs / "this-machine.ini"
        write_atomically(own, _THIS_MACHINE, mode=0o600)
        return (own, *self.inventory)


def _ours(placements: Sequence[Placement]) -> list[tuple[Placement, PlaybookRights]]:
    return [(one, one.rights) for one in placements if isinstance(one.rights, PlaybookRights)]


def _parts(told: _Told) -> tuple[Part, ...]:
    return tuple(Part(f"on {host}", presence) for host, presence in told.hosts.items())


def _told(transcript: Transcript, heard: Mapping[str, bool]) -> _Told:
    lost = _lost(transcript)
    hosts = {host: _presence(host, heard, lost, transcript) for host in transcript.hosts}
    return _Told(hosts, _problem(transcript, lost))


def _lost(transcript: Transcript) -> dict[str, str]:
    """Return the hosts on which the run failed, and why; what a playbook rescued did not."""
    totals = transcript.stats or {}
    found = {
        host: "it failed" for host, one in totals.items() if one["failures"] or one["unreachable"]
    }
    for result in transcript.results:
        if result.host in found and result.outcome in _LOST and result.reason:
            found[result.host] = result.reason
    return found


def _presence(
    host: str, heard: Mapping[str, bool], lost: Mapping[str, str], transcript: Transcript
) -> Presence:
    if host not in heard or host in lost or transcript.stats is None:
        return Presence.UNKNOWN
    return Presence.PRESENT if heard[host] else Presence.ABSENT


def _problem(transcript: Transcript, lost: Mapping[str, str]) -> str:
    if transcript.prompt:
        return f"it asks for {transcript.prompt!r} and nobody is there to answer"
    if transcript.broke_off or transcript.disagreement:
        return shorten(clean(transcript.broke_off or transcript.disagreement), _LONGEST_REASON)
    if not transcript.hosts:
        return "no host to run on"
    told = "; ".join(f"{host}: {why}" for host, why in lost.items())
    return shorten(clean(told), _LONGEST_REASON)
