"""`opskit access lint`: what is wrong with access on hosts whose files were copied somewhere."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from opskit.access.databases.model import DatabaseState
from opskit.access.findings import AccessFinding, NotEvaluated, ordered
from opskit.access.hosts.model import HostState
from opskit.access.hosts.reading import Facts, state_of
from opskit.access.inspection import (
    Inspection,
    Question,
    Spoken,
    inspect_host,
    inspect_server,
    inspect_together,
)
from opskit.access.model import Suppression
from opskit.access.repository import Repository, findings as mistakes, given
from opskit.access.rules import catalogue, fleet, suppressions
from opskit.access.rules.suppressions import Written
from opskit.access.suppress import Suppressed, applied
from opskit.access.targets.kinds import Sight
from opskit.access.trees import Place, Trouble, places
from opskit.core.clock import to_datetime
from opskit.core.errors import ExitCode, worst
from opskit.core.findings import Severity
from opskit.core.text import clean

# Below this, starting processes takes longer than it saves.
_MANY = 300
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Target:
    """A host, or the policy files, that was looked at.

    `sudo` is the one whose rules were followed, and who said so; None where there is no host.
    `asked` are the rules there are for such a target.
    """

    name: str
    path: str
    sudo: Spoken | None = None
    asked: frozenset[str] = catalogue.ids(catalogue.LINTED)

    def as_json(self) -> dict[str, str | None]:
        """Return it for JSON."""
        version = self.sudo.dialect.text if self.sudo else None
        by = self.sudo.said_by if self.sudo else None
        return {
            "name": self.name, "path": self.path, "sudo_version": version,
            "sudo_version_from": by,
        }  # fmt: skip


@dataclass(frozen=True)
class Linted:
    """Everything that was found, accepted, not asked and not read."""

    findings: tuple[AccessFinding, ...]
    suppressed: tuple[Suppressed, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    troubles: tuple[Trouble, ...]
    targets: tuple[Target, ...]

    def exit_code(self, fail_on: Severity) -> ExitCode:
        """Return 3 where something could not be read, 1 for findings as severe as `fail_on`."""
        bad = any(one.severity.rank >= fail_on.rank for one in self.findings)
        return worst(
            [
                ExitCode.UNDETERMINED if self.troubles else ExitCode.OK,
                ExitCode.FINDINGS if bad else ExitCode.OK,
            ]
        )

    @property
    def counts(self) -> dict[str, int]:
        """Return how many of everything; findings by severity."""
        found = {
            severity.value: sum(one.severity is severity for one in self.findings)
            for severity in reversed(Severity)
        }
        return {
            "targets": len(self.targets), "findings": len(self.findings), **found,
            "suppressed": len(self.suppressed), "not_evaluated": len(self.not_evaluated),
            "unread": len(self.troubles),
        }  # fmt: skip

    def as_json(self) -> dict[str, object]:
        """Return the stable form of `opskit access lint --json`.

        What could not be read stands among what was not evaluated, with the rule `*`.
        """
        unread = [{"rule": "*", "target": one.path, "reason": one.reason} for one in self.troubles]
        skipped = [
            {"rule": one.rule, "target": one.target, "reason": one.reason}
            for one in self.not_evaluated
        ]
        return {
            "findings": [one.as_json() for one in self.findings],
            "suppressed": [one.as_json() for one in self.suppressed],
            "not_evaluated": [*unread, *skipped],
            "counts": self.counts,
            "targets": [one.as_json() for one in self.targets],
        }


def lint_hosts(
    paths: Sequence[Path], question: Question, accepted: Sequence[Written] = ()
) -> Linted:
    """Return what is wrong with the hosts that paths hold.

    Raises:
        ConfigError: a path is not there, or holds nothing of a host.
    """
    with no_search_for_cycles():
        return _lint_hosts(paths, question, accepted)


def _lint_hosts(paths: Sequence[Path], question: Question, accepted: Sequence[Written]) -> Linted:
    found, odd = places(paths)
    looked = list(_looks(found, question))
    keys = (one for look in looked for one in look.inspection.keys)
    judgements = [*(one.inspection for one in looked), inspect_together(keys, question)]
    troubles = (*odd, *(one for look in looked for one in look.troubles))
    targets = tuple(look.target for look in looked)
    return _put_together(judgements, troubles, targets, question, accepted)


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Keep Python from searching values for cycles: there are many, and none has any."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def lint_sights(
    sights: Iterable[Sight], question: Question, accepted: Sequence[Written] = ()
) -> Linted:
    """Return what is wrong with hosts and servers that were looked at."""
    looks = [_look_at(one, question) for one in sights]
    keys = (one for look in looks for one in look.inspection.keys)
    judgements = [*(one.inspection for one in looks), inspect_together(keys, question)]
    troubles = tuple(one for look in looks for one in look.troubles)
    targets = tuple(look.target for look in looks)
    return _put_together(judgements, troubles, targets, question, accepted)


def _look_at(sight: Sight, question: Question) -> _Look:
    """Judge what was seen; what could not be reached or read whole is told."""
    troubles = (Trouble(sight.target, sight.reason),) if sight.reason else ()
    if isinstance(sight.state, HostState):
        target = Target(sight.target, "", question.spoken(sight.state))
        inspection = inspect_host(sight.state, question)
        return _Look(target, inspection, (*troubles, *_unread(inspection)))
    if isinstance(sight.state, DatabaseState):
        target = Target(sight.target, "", asked=catalogue.ids(catalogue.DATABASE))
        return _Look(target, inspect_server(sight.state, question), troubles)
    unseen = troubles or (Trouble(sight.target, "nothing was seen of it"),)
    return _Look(Target(sight.target, ""), Inspection((), ()), unseen)


def lint_policy(files: Repository, name: str, question: Question) -> Linted:
    """Return what is wrong with the files in `access/` of a repository."""
    said = (*mistakes(files), *given(files))
    found = [one for one in said if question.asks(one.rule)]
    return _put_together(
        [Inspection(tuple(found), ())], (), (Target(name, name),), question, files.suppressions
    )


@dataclass(frozen=True, slots=True)
class _Look:
    target: Target
    inspection: Inspection
    troubles: tuple[Trouble, ...]


def _looks(found: Sequence[Place], question: Question) -> Iterable[_Look]:
    workers = _workers()
    if len(found) < _MANY or workers < 2:
        return (_look(question, place) for place in found)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        return list(pool.map(partial(_look, question), found, chunksize=_AT_ONCE))


def _workers() -> int:
    return len(os.sched_getaffinity(0))


def _look(question: Question, place: Place) -> _Look:
    source = place.source()
    state = state_of(place.name, source, Facts(production=question.production))
    inspection = inspect_host(state, question)
    target = Target(place.name, str(place.path), question.spoken(state))
    return _Look(target, inspection, (*source.troubles, *_unread(inspection)))


def _unread(inspection: Inspection) -> Iterator[Trouble]:
    for one in inspection.unread:
        where = f"{one.at.file}:{one.at.number}" if one.at.number else one.at.file
        yield Trouble(clean(where), one.reason)


def _put_together(
    judgements: Sequence[Inspection],
    troubles: tuple[Trouble, ...],
    targets: tuple[Target, ...],
    question: Question,
    accepted: Sequence[Written],
) -> Linted:
    skipped = tuple(one for each in judgements for one in each.not_evaluated)
    found = [one for each in judgements for one in each.findings]
    looked_at = _LookedAt(question, targets, frozenset((one.rule, one.target) for one in skipped))
    parted = applied(found, accepted, to_datetime(question.now).date(), looked_at)
    own = {rule.id for rule in suppressions.family.rules}
    kept = [one for one in parted.findings if one.rule not in own or question.asks(one.rule)]
    return Linted(
        ordered(kept), tuple(sorted(parted.suppressed, key=_by_finding)), skipped, troubles, targets
    )


def _by_finding(one: Suppressed) -> tuple[object, ...]:
    return one.finding.sort_key


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """Whether what a suppression speaks of was asked."""

    question: Question
    targets: tuple[Target, ...]
    skipped: frozenset[tuple[str, str]]

    def __call__(self, entry: Suppression) -> bool:
        together = entry.rule in catalogue.ids((fleet.family,))
        asked = [one.name for one in self.targets if entry.rule in one.asked]
        names = asked[:1] and [""] if together else asked
        return self.question.asks(entry.rule) and any(
            fnmatchcase(name, entry.target) and (entry.rule, name) not in self.skipped
            for name in names
        )
