"""What a fingerprint of a host has to look at, and what it stands for. Pure.

Told from the records of a full check: the callback wrote for each result what decides it. What is
not told for certain is left to Ansible: one task of a host, or the host.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opskit.core.clock import Instant, iso
from opskit.core.hosts import Verdict
from opskit.core.text import plural, shorten
from opskit.fleet.coverage import Resource, allowed
from opskit.fleet.dependence import Dependence, uses
from opskit.fleet.model import HostResult, NotEvaluated, Run

_SPECIAL = frozenset({"all", "always", "never", "tagged", "untagged"})
_SUDO_FLAGS = frozenset({"", "None", "-H -S -n"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
TaskKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Looks:
    """What to look at on a host, by which command, and the task-checks that this stands for.

    `uncovered` are the tasks that only Ansible can check, each with a tag that selects it (empty:
    it always runs). `reason` says why no fingerprint can stand for the host at all.
    """

    resources: tuple[Resource, ...] = ()
    argv: tuple[str, ...] = ()
    over_ssh: bool = False
    observed: tuple[TaskKey, ...] = ()
    blind: tuple[tuple[str, str, str], ...] = ()
    not_evaluated: tuple[tuple[str, str, str, str], ...] = ()
    uncovered: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""

    def as_json(self) -> str:
        """Return it for the store."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_json(cls, text: str) -> Looks:
        """Return it from the store."""
        data = json.loads(text)
        lists = {name: _frozen(value) for name, value in data.items() if isinstance(value, list)}
        return cls(**{**data, **lists})


def _frozen(value: object) -> Any:  # noqa: ANN401  # lists of lists of text
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Prints:
    """Keyed hashes of what was seen, in the order of the resources; stamps move with any change."""

    values: tuple[str, ...]
    stamps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """What is remembered of a host after a full check found it compliant.

    It can be trusted once `sealed`: the host looked the same before that check and after it.
    """

    host: str
    run_id: str
    checked_at: Instant
    sealed: bool
    looks: Looks
    prints: Prints | None

    def proves(self, now: Prints | None) -> bool:
        """Return whether the host is as it was when it was fully checked."""
        if not self.sealed or self.prints is None or now is None:
            return False
        return now.values == self.prints.values


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One task, or one item of its loop, as it went: what decided it, if that is known."""

    task: Mapping[str, Any] = field(hash=False)
    uuid: str
    way: int
    look: tuple[Resource, ...] | None
    facts: bool


@dataclass(slots=True)
class _Told:
    """What the records say of one host."""

    leaves: list[_Leaf] = field(default_factory=list)
    ways: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    depends: Dependence = field(default_factory=Dependence)
    looped: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Standard:
    """What is known of the standard's text: its dependence, its words, and where it lies."""

    depends: Dependence
    text: str
    directory: str
    root: str


def looks_of(
    lines: Iterable[str], results: Iterable[HostResult], standard: Standard
) -> dict[str, Looks]:
    """Return what stands for each of these hosts' results, from the records of their check."""
    wanted = {result.host: result for result in results}
    told = {host: _Told() for host in wanted}
    reader = _Leaves()
    for record in map(json.loads, lines):
        own = told.get(record.get("host", ""))
        if record.get("k") == "task":
            reader.tasks[record["uuid"]] = record
        elif own is not None:
            reader.see(own, record)
    return {host: _looks(told[host], result, standard) for host, result in wanted.items()}


class _Leaves:
    """Reads records; what many hosts have alike is kept once."""

    def __init__(self) -> None:
        self.tasks: dict[str, Mapping[str, Any]] = {}
        self._resources: dict[Resource, Resource] = {}
        self._leaves: dict[_Leaf, _Leaf] = {}

    def see(self, own: _Told, record: Mapping[str, Any]) -> None:
        """Take in one record of a host."""
        kind = record["k"]
        if kind == "result":
            own.looped |= {record["uuid"]} if "item" in record else set()
            # Of a loop its items are told first; their sum says nothing that they do not.
            if "item" in record or record["uuid"] not in own.looped:
                leaf = self._leaf(record)
                own.leaves.append(self._leaves.setdefault(leaf, leaf))
        elif kind == "connection":
            own.ways[record["way"]] = record
        elif kind == "depends":
            own.depends |= Dependence(frozenset(record["facts"]), frozenset(record["reasons"]))

    def _leaf(self, record: Mapping[str, Any]) -> _Leaf:
        look, uuid = record.get("look"), record["uuid"]
        pairs = None if look is None else [(str(kind), str(name)) for kind, name in look]
        seen = None if pairs is None else tuple(self._resources.setdefault(p, p) for p in pairs)
        way, facts = record.get("way", -1), bool(record.get("facts"))
        return _Leaf(self.tasks[uuid], uuid, way, seen, facts)


def _looks(told: _Told, result: HostResult, standard: Standard) -> Looks:
    leaves, depends = told.leaves, told.depends | standard.depends
    way = _main_way(leaves)
    open_ones = [one for one in leaves if not _covered(one, way)]
    uncovered = {_key(one.task, standard): _tag(one.task) for one in open_ones}
    connection = told.ways.get(way, {})
    reason = (
        _from_depends(depends)
        or _outside(leaves, standard)
        or _unselectable(open_ones, uncovered, standard)
        or _unusable(connection)
        or ("" if _PLAIN_NAME.match(result.host) else "its name is a pattern")
    )
    if reason:
        return Looks(reason=reason)
    return Looks(
        resources=_resources(leaves, way, depends),
        argv=_command(connection),
        over_ssh=connection.get("plugin") == "ssh",
        observed=tuple(sorted(result.observed)),
        blind=tuple(sorted(result.blind)),
        not_evaluated=tuple(
            (one.task, one.path, one.reason, one.action) for one in result.not_evaluated
        ),
        uncovered=tuple((*key, tag or "") for key, tag in sorted(uncovered.items())),
    )


def _resources(leaves: Iterable[_Leaf], way: int, depends: Dependence) -> tuple[Resource, ...]:
    """Return what decides the covered results, each thing once."""
    facts = (("fact", probe) for probe in sorted(depends.facts))
    seen = (one for leaf in leaves if _covered(leaf, way) for one in leaf.look or ())
    return tuple(dict.fromkeys([*seen, *facts]))


def _main_way(leaves: Iterable[_Leaf]) -> int:
    """Return how most tasks reached the host; a fingerprint is taken in one way only."""
    used = Counter(one.way for one in leaves if one.look)
    return used.most_common(1)[0][0] if used else -1


def _covered(leaf: _Leaf, way: int) -> bool:
    return (
        leaf.look is not None
        and (not leaf.look or leaf.way == way)
        and all(map(allowed, leaf.look))
    )


def _key(task: Mapping[str, Any], standard: Standard) -> TaskKey:
    path = str(task["path"]).removeprefix(f"{standard.root}/").rpartition(":")[0]
    return path, str(task["name"])


def _tag(task: Mapping[str, Any]) -> str | None:
    """Return a tag that selects a task, empty if it always runs, nothing if none does."""
    tags = [str(tag) for tag in task["tags"]]
    if "always" in tags:
        return ""
    good = [tag for tag in tags if tag not in _SPECIAL and "," not in tag]
    controls = [tag for tag in good if tag.startswith("control:")]
    return next(iter([*controls, *good]), None)


def _from_depends(depends: Dependence) -> str:
    named = ", ".join(sorted(depends.reasons))
    return f"the standard depends on {named}" if named else ""


def _outside(leaves: Iterable[_Leaf], standard: Standard) -> str:
    for one in leaves:
        path = str(one.task["path"])
        # The implicit gathering of facts has no place in a file, or that of its play.
        if path and not path.startswith(f"{standard.directory}/"):
            return f"a task lies outside the standard: {path}"
        if one.task["handler"]:
            return "a handler ran"
    return ""


def _unselectable(
    open_ones: Iterable[_Leaf], uncovered: Mapping[TaskKey, str | None], standard: Standard
) -> str:
    """Return why the tasks that only Ansible can check cannot be checked by themselves."""
    for (_, name), tag in uncovered.items():
        if tag is None:
            return f"no tag selects the task {name!r}"
    for one in open_ones:
        if one.facts:
            return f"the task {one.task['name']!r} sets facts"
    used = uses(standard.text) if uncovered else ""
    return f"a task depends on the result {used}" if used else ""


def _unusable(connection: Mapping[str, Any]) -> str:
    """Return why a host can only be reached by Ansible."""
    become = connection.get("become") or {}
    program = str(connection.get("python", ""))
    if connection.get("plugin") not in {"ssh", "local"}:
        return "it is not reached by ssh"
    if connection["plugin"] == "ssh" and not connection.get("argv"):
        return "its ssh command is not known"
    if connection.get("password") or become.get("password"):
        return "it needs a password"
    odd = str(become.get("flags") or "") not in _SUDO_FLAGS or become.get("exe") not in {
        None, "", "sudo"}  # fmt: skip
    if become and (become.get("method") != "sudo" or odd):
        return "its become settings are not plain sudo"
    plain = program.startswith("/") and not any(char.isspace() for char in program)
    return "" if plain else "its Python is not known"


def _command(connection: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the command that runs a program from its standard input as the tasks would."""
    words = [str(connection["python"]), "-I", "-S", "-B", "-"]
    become = connection.get("become") or {}
    user = str(become.get("user") or "root")
    if become and user != connection.get("user"):
        words = ["sudo", "-H", "-n", "-u", user, *words]
    if connection["plugin"] == "local":
        return tuple(words)
    return (*(str(word) for word in connection["argv"]), shlex.join(words))


def proven(seal: Seal) -> HostResult:
    """Return the result of a host that has not moved since its full check."""
    looks = seal.looks
    return HostResult(
        host=seal.host,
        verdict=Verdict.COMPLIANT,
        reason="",
        drift=(),
        not_evaluated=tuple(NotEvaluated(seal.host, *one) for one in looks.not_evaluated),
        observed=frozenset(looks.observed),
        blind=frozenset(looks.blind),
        proven_at=seal.checked_at,
        proven=len(set(looks.observed) - {(path, task) for path, task, _ in looks.uncovered}),
    )


def proof_lines(run: Run) -> Iterator[str]:
    """Yield which share of a check was proven by fingerprints, and which hosts cannot be, why."""
    since = [result.proven_at for result in run.hosts if result.proven_at is not None]
    if since:
        proven = sum(result.proven for result in run.hosts)
        whole = sum(len(result.observed) for result in run.hosts)
        share = 100 * proven // whole if whole else 0
        told = f"{share} % of them proven by fingerprint on {plural(len(since), 'host')}"
        yield f"{told}, fully checked at {iso(min(since))} or later; --full checks everything"
    for reason, hosts in run.unprovable.items():
        yield f"always checked in full: {shorten(', '.join(hosts), 60)}, because {reason}"
