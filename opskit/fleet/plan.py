"""A plan: what an apply is expected to change, and what tells that it no longer fits. Pure.

Exactness cannot be promised of a playbook, so it is replaced by noticing: what is about to be
touched is looked at again first, and a change that nobody foretold stops what comes next.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from opskit.core.change import keyed_hash
from opskit.core.clock import Instant, iso
from opskit.core.errors import ConfigError, Refused
from opskit.fleet.model import Drift, DriftKey, Provenance, Run
from opskit.fleet.tally import NOT_IN_CHECK_MODE, in_memory

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Expected:
    """One change that an apply is expected to make.

    `ends` are the contents it will leave; `waiver` names the one that accepts what it would undo.
    """

    host: str
    path: str
    task: str
    item: str
    control: str
    severity: str
    before: str
    after: str
    before_hash: str
    after_hash: str
    note: str
    deviation: str
    ends: tuple[str, ...]
    waiver: str

    @classmethod
    def of(cls, drift: Drift, waiver: str = "") -> Expected:
        """Return the change that would put a deviation right."""
        host, file, task, item = drift.key
        return cls(
            host, file, task, item, drift.control.id, str(drift.control.severity), drift.before,
            drift.after, drift.before_hash, drift.after_hash, drift.note, drift.id,
            drift.ends, waiver,
        )  # fmt: skip

    @property
    def key(self) -> DriftKey:
        """Return the key of the deviation."""
        return (self.host, self.path, self.task, self.item)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check foretold.

    `blind` are the (file, task) it could say nothing of, `blind_hosts` the hosts where it met one.
    """

    id: str
    made_at: Instant
    actor: str
    provenance: Provenance
    expected: tuple[Expected, ...]
    blind: tuple[tuple[str, str], ...]
    blind_hosts: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that would be changed, in inventory order."""
        return tuple(dict.fromkeys(one.host for one in self.expected))

    @property
    def hosts_with_blind(self) -> tuple[str, ...]:
        """Return the hosts that would be changed, and then those that might be."""
        return tuple(dict.fromkeys([*self.hosts, *self.blind_hosts]))

    def of(self, hosts: Iterable[str]) -> dict[DriftKey, Expected]:
        """Return what is expected of these hosts."""
        wanted = set(hosts)
        return {one.key: one for one in self.expected if one.host in wanted}


def plan_of(run: Run) -> Plan:
    """Return the plan that a check amounts to."""
    blind = [
        one
        for result in run.hosts
        for one in result.not_evaluated
        if one.reason == NOT_IN_CHECK_MODE
    ]
    return Plan(
        id=f"plan-{run.id.partition('-')[2]}",
        made_at=run.finished_at,
        actor=run.actor,
        provenance=run.provenance,
        expected=tuple(
            Expected.of(one, run.standing[one.key].waiver if one.key in run.standing else "")
            for one in run.drift
        ),
        blind=tuple(dict.fromkeys((one.path.rpartition(":")[0], one.task) for one in blind)),
        blind_hosts=tuple(dict.fromkeys(one.host for one in blind)),
    )


def sealed(plan: Plan, key: bytes) -> dict[str, Any]:
    """Return a plan for a file, with a seal that shows if anybody changed it."""
    data = {
        "format_version": FORMAT_VERSION,
        "plan": plan.id,
        "made_at": plan.made_at,
        "actor": plan.actor,
        "provenance": plan.provenance.as_json(),
        "expected": [asdict(one) for one in plan.expected],
        "blind": [list(one) for one in plan.blind],
        "blind_hosts": list(plan.blind_hosts),
    }
    return {**data, "seal": keyed_hash(key, _text(data))}


def opened(data: Mapping[str, Any], key: bytes) -> Plan:
    """Return the plan of a file.

    Raises:
        Refused: it is not as it was written, or was made with another state directory.
    """
    content = {name: value for name, value in data.items() if name != "seal"}
    if data.get("seal") != keyed_hash(key, _text(content)):
        raise Refused(
            "this plan was changed since it was made, or made elsewhere",
            hint="make it again: opskit fleet plan --out FILE",
        )
    return Plan(
        id=data["plan"],
        made_at=Instant(data["made_at"]),
        actor=data["actor"],
        provenance=Provenance.from_json(data["provenance"]),
        expected=tuple(Expected(**{**one, "ends": tuple(one["ends"])}) for one in data["expected"]),
        blind=tuple((path, task) for path, task in data["blind"]),
        blind_hosts=tuple(data.get("blind_hosts", ())),
    )


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True)


def outdated(plan: Plan, now: Provenance) -> str:
    """Return what has changed since a plan was made, in words; empty if nothing has."""
    then = plan.provenance
    parts = {
        "the standard": (then.standard, then.standard_hash) != (now.standard, now.standard_hash),
        "the inventory": then.inventory_hash != now.inventory_hash,
        "settings, variables or Ansible's version": then.config_hash != now.config_hash,
    }
    changed = [name for name, differs in parts.items() if differs]
    return f"{' and '.join(changed)} changed since {iso(plan.made_at)}" if changed else ""


def stale(plan: Plan, seen: Run, hosts: Iterable[str]) -> tuple[str, ...]:
    """Return how hosts differ from what the plan says of them, one line each."""
    hosts = set(hosts)
    expected = plan.of(hosts)
    found = {drift.key: drift for drift in seen.drift if drift.host in hosts}
    lines = [f"{_named(key)}: not in the plan" for key in found.keys() - expected.keys()]
    looked = {result.host: result for result in seen.hosts}
    lines += [
        f"{_named(key)}: gone already"
        for key in expected.keys() - found.keys()
        if key[0] in looked and looked[key[0]].looked_at(*key[1:])
    ]
    lines += [
        f"{_named(key)}: another state than in the plan"
        for key in expected.keys() & found.keys()
        if _states(expected[key]) != _states(found[key])
    ]
    return tuple(sorted(lines))


def _states(one: Expected | Drift) -> tuple[str, str]:
    return one.before_hash, one.after_hash


def _named(key: DriftKey) -> str:
    host, _, task, item = key
    return f"{host}: {task}" + (f" ({item})" if item else "")


@dataclass
class Watch:
    """Follows a run's records and notes each change that is not in the plan.

    `expected` gives for each deviation the hashes of the contents it is to end with.
    """

    expected: Mapping[DriftKey, tuple[str, ...]]
    blind: frozenset[tuple[str, str]]
    root: str
    surprises: list[str] = field(default_factory=list)
    _tasks: dict[str, tuple[str, str]] = field(default_factory=dict)
    _loops: set[tuple[str, str]] = field(default_factory=set)

    def see(self, record: Mapping[str, Any]) -> None:
        """Take one record of the callback."""
        if record["k"] == "task":
            if record["handler"] or in_memory(record["action"]):
                return
            file = str(record["path"]).removeprefix(f"{self.root}/").rpartition(":")[0]
            self._tasks[record["uuid"]] = (file, record["name"])
        elif record["k"] == "result" and record["uuid"] in self._tasks:
            self._result(record)

    def _result(self, record: Mapping[str, Any]) -> None:
        host, uuid = record["host"], record["uuid"]
        if "item" in record:
            self._loops.add((host, uuid))
        elif (host, uuid) in self._loops:
            return  # the sum of its items, each of which was seen
        if record["outcome"] != "changed" or self._tasks[uuid] in self.blind:
            return
        key = (host, *self._tasks[uuid], record.get("item", ""))
        if key not in self.expected:
            self.surprises.append(f"{_named(key)}: changed, and was not in the plan")
        elif not set(self.expected[key]).issubset(_ends(record)):
            self.surprises.append(f"{_named(key)}: changed to another state than planned")


def _ends(record: Mapping[str, Any]) -> list[str]:
    return [diff["after_hash"] for diff in record.get("diff", ())]


_STEP = re.compile(r"([1-9][0-9]{0,5})(%?)")


def batches(hosts: Sequence[str], steps: str) -> tuple[tuple[str, ...], ...]:
    """Return hosts in the batches that `1,10%,100%` asks for; the last size repeats.

    A percentage is of all hosts, rounded up.

    Raises:
        ConfigError: it is none.
    """
    parsed = [_STEP.fullmatch(step.strip()) for step in steps.split(",")]
    if None in parsed:
        raise ConfigError(f"{steps!r} is no list of batches", hint="--batch 1,10%,100%")
    sizes = [
        math.ceil(len(hosts) * int(one[1]) / 100) if one[2] else int(one[1])
        for one in parsed
        if one
    ]
    made: list[tuple[str, ...]] = []
    at = 0
    while at < len(hosts):
        size = sizes[min(len(made), len(sizes) - 1)]
        made.append(tuple(hosts[at : at + size]))
        at += size
    return tuple(made)
