"""Whether two looks at the same hosts, made in two ways, say the very same. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.transcript import TaskResult
from opskit.fleet.model import HostResult
from opskit.fleet.tally import in_memory, relative

# Host, file and line, task and item.
Leaf = tuple[str, str, str, str]
_VERDICT = ("", "the verdict", "")


@dataclass(frozen=True, slots=True)
class Said:
    """What one look said of some hosts, task by task and item by item.

    `once` are the leaves of tasks that run on one host for all: which one it is depends on who
    else is looked at.
    """

    words: Mapping[Leaf, frozenset[str]]
    once: frozenset[Leaf]


def said(
    hosts: frozenset[str], results: Iterable[HostResult], told: Iterable[TaskResult], root: Path
) -> Said:
    """Return what was said of these hosts: outcomes, deviations, what was not looked at."""
    words: dict[Leaf, set[str]] = {}
    once = set()
    for one in told:
        if one.host in hosts and not in_memory(one.task.action):
            leaf = (one.host, relative(one.task.path, root), one.task.name, one.item)
            words.setdefault(leaf, set()).add(str(one.outcome))
            once |= {leaf} if one.task.run_once else set()
    for result in results:
        if result.host in hosts:
            for leaf, word in _of_host(result):
                words.setdefault(leaf, set()).add(word)
    return Said({leaf: frozenset(found) for leaf, found in words.items()}, frozenset(once))


def _of_host(result: HostResult) -> Iterable[tuple[Leaf, str]]:
    yield (result.host, *_VERDICT), str(result.verdict)
    for drift in result.drift:
        yield (result.host, drift.path, drift.task, drift.item), drift.id
    for one in result.not_evaluated:
        yield (result.host, one.path, one.task, ""), f"not looked at, {one.reason}"


def difference(plain: Said, other: Said) -> str:
    """Return where two looks differ first, in words; empty if they agree in everything.

    Tasks come first: of a verdict they are the reason.
    """
    for leaf in sorted(
        plain.words.keys() | other.words.keys(), key=lambda leaf: (not leaf[1], leaf)
    ):
        ours, theirs = plain.words.get(leaf), other.words.get(leaf)
        elsewhere = (ours is None or theirs is None) and leaf in plain.once | other.once
        if ours != theirs and not elsewhere:
            return f"{_named(leaf)}: {_words(ours)} plainly, {_words(theirs)} through mitogen"
    return ""


def _named(leaf: Leaf) -> str:
    host, path, task, item = leaf
    return f"{host}: {task}{f' ({item})' if item else ''}{f' at {path}' if path else ''}"


def _words(words: frozenset[str] | None) -> str:
    return " and ".join(sorted(words)) if words else "nothing"


def sample(run_id: str, results: Iterable[HostResult]) -> tuple[str, ...]:
    """Return hosts on which all is seen that a look says of any: each task, each kind of loss.

    The first is another one in each run, and the same whenever this run is asked for again.
    """
    ordered = sorted(
        results, key=lambda one: hashlib.sha256(f"{run_id} {one.host}".encode()).digest()
    )
    chosen, seen = [], set[tuple[str, str]]()
    for result in ordered:
        own = result.observed | ({("", str(result.verdict))} if result.verdict.is_lost else set())
        if not own <= seen:
            chosen.append(result.host)
            seen |= own
    return tuple(chosen)
