"""From what happened to what it means: verdicts, drift, what was not looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Play, Task, Transcript
from opskit.fleet.debts import debts
from opskit.fleet.model import Cluster, Debt, Drift, HostResult
from opskit.fleet.tally import Tallies, Tally, in_memory


def evaluate(transcript: Transcript, mode: Mode, root: Path) -> tuple[HostResult, ...]:
    """Return a result for every host the standard speaks of, also those that gave no sign."""
    tallies = Tallies((task for play in transcript.plays for task in play.tasks), root)
    for result in transcript.results:
        tallies.see(result)
    look = _Look(transcript, mode, tallies)
    hosts = dict.fromkeys([*transcript.hosts, *tallies.hosts])
    return tuple(look.result(host, tallies.hosts.pop(host, Tally())) for host in hosts)


class _Look:
    """A run whose results were all taken in."""

    def __init__(self, transcript: Transcript, mode: Mode, tallies: Tallies) -> None:
        self._transcript = transcript
        self._mode = mode
        self._tallies = tallies
        self._plays: dict[str, list[Play]] = {}
        for play in transcript.plays:
            for host in play.hosts:
                self._plays.setdefault(host, []).append(play)
        self._in_flight: dict[str, list[Task]] = {}
        for host, task in transcript.in_flight:
            self._in_flight.setdefault(host, []).append(task)

    def result(self, host: str, tally: Tally) -> HostResult:
        """Return what the run says of a host."""
        tallies = self._tallies
        missing = self._never_reached(host, tally)
        verdict, reason = self._verdict(host, tally, missing=bool(missing))
        why = _why_missing(tally)
        return HostResult(
            host=host,
            verdict=verdict,
            reason=reason,
            drift=tuple(tally.drift),
            not_evaluated=(
                *tally.not_evaluated,
                *(tallies.not_evaluated(host, task, why) for task in missing),
            ),
            observed=tallies.tasks.of(tally.observed),
            blind=tallies.leaves.of(tally.blind),
            owes=self._owes(host, tally) if self._mode is Mode.APPLY else (),
            handled=frozenset(tally.handled),
        )

    def _never_reached(self, host: str, tally: Tally) -> list[Task]:
        """Return the tasks that were planned for a host and gave no result."""
        plan, included = self._tallies.plan, self._transcript.included
        planned = {task.key: task for play in self._plays.get(host, ()) for task in play.tasks}
        followed = {
            task.key
            for play in self._plays.get(host, ())
            for task in play.tasks
            if (host, task.uuid) in included
        }
        return [
            task
            for key, task in planned.items()
            if not plan.bit(key) & tally.reached
            and key not in followed
            and not (task.run_once and plan.bit(key) & self._tallies.anywhere)
        ]

    def _owes(self, host: str, tally: Tally) -> tuple[Debt, ...]:
        started = (task for task in self._in_flight.get(host, ()) if not in_memory(task.action))
        cut = {task.uuid: task for task in (*tally.lost_at, *started)}
        return debts(host, tally.handlers, cut.values(), self._tallies.file)

    def _verdict(self, host: str, tally: Tally, *, missing: bool) -> tuple[Verdict, str]:
        stats = (self._transcript.stats or {}).get(host, {})
        if tally.failed and (stats.get("failures") or not stats):
            return Verdict.FAILED, f"{tally.failed.task.name}: {tally.failed.reason}"
        if tally.unreachable:
            return Verdict.UNREACHABLE, tally.unreachable.reason
        if self._mode is Mode.CHECK and tally.drift:
            return Verdict.DRIFTED, ""
        doubts = (
            (self._transcript.interrupted, "the run was stopped before its end"),
            (
                not tally.results and (missing or host not in self._plays),
                "the run ended before it came to this host",
            ),
            (self._transcript.broke_off, self._transcript.broke_off),
            (tally.results and not stats, "no answer"),
            (missing, "some tasks were never reached"),
            (tally.too_large, "the output of a task was too large"),
            (not tally.observed, "no task of the standard looked at this host"),
            (tally.drift, "changed, and not observed again yet"),
        )
        doubt = next((reason for holds, reason in doubts if holds), "")
        return (Verdict.NOT_EVALUATED if doubt else Verdict.COMPLIANT), doubt


def _why_missing(tally: Tally) -> str:
    if tally.unreachable:
        return "the host was lost"
    return "an earlier task failed" if tally.failed else "the run ended before it"


def clusters(drift: Iterable[Drift]) -> tuple[Cluster, ...]:
    """Return each transition once with its hosts: most severe first, then most hosts."""
    grouped: dict[tuple[str, str], list[Drift]] = {}
    for one in drift:
        grouped.setdefault((one.id, one.path), []).append(one)
    found = [Cluster(group[0], tuple(one.host for one in group)) for group in grouped.values()]
    return tuple(
        sorted(found, key=lambda c: (-c.drift.control.severity.rank, -len(c.hosts), c.drift.path))
    )


_CAUSES: Mapping[str, str] = {
    "decryption failed": "is it the right password? see vault_password_file in ansible.cfg",
    "vault": "name the file that holds the password: vault_password_file in ansible.cfg",
    "syntax": "ansible-playbook --syntax-check shows it as well",
    "yaml parsing": "ansible-playbook --syntax-check shows it as well",
    "could not be found": "check the path in opskit.yaml, or name it: --playbook PATH",
    "inventory": "check it with: ansible-inventory --list -i FILE",
}


def broken(transcript: Transcript) -> tuple[str, str]:
    """Return why a run never got going, and the next step; two empty strings if it did."""
    if transcript.plays or transcript.no_hosts or transcript.interrupted:
        return "", ""
    lines = [line.strip() for line in transcript.runner.output.splitlines()]
    # Ansible prints the error first; what follows shows its place in the file.
    errors = [
        line.removeprefix("[ERROR]:").removeprefix("ERROR!").strip()
        for line in lines
        if "ERROR" in line
    ]
    origin = next((line for line in lines if line.startswith("Origin:")), "")
    message = " ".join(
        filter(
            None, [errors[0] if errors else (lines[-1:] or ["Ansible did not start"])[0], origin]
        )
    )
    hint = next(
        (hint for word, hint in _CAUSES.items() if word in message.lower()), "opskit doctor"
    )
    return message, hint
