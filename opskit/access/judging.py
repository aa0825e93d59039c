"""What the rules say of hosts: which findings, and which rules could not be asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from opskit.access.findings import AccessFinding, NotEvaluated
from opskit.access.hosts.model import HostState
from opskit.access.rules import fleet
from opskit.access.rules.catalogue import HOST
from opskit.access.rules.fleet import FleetView, KeyUse
from opskit.access.rules.roster import Roster
from opskit.access.rules.rule import Family, Rule
from opskit.access.rules.view import HostView
from opskit.core.clock import Instant


class View(Protocol):
    """What a rule looks at."""

    def lacks(self, part: str) -> str:
        """Return why a part was not looked at; empty where it was."""
        ...


V = TypeVar("V", bound=View)


@dataclass(frozen=True)
class Question:
    """What is asked of hosts. `rules` are ids, all of them if empty.

    `sudo_version` is the sudo whose rules are followed where a host does not say its own.
    """

    now: Instant
    roster: Roster | None = None
    rules: frozenset[str] = frozenset()
    sudo_version: str = ""

    def asks(self, rule: str) -> bool:
        """Return whether a rule is asked."""
        return not self.rules or rule in self.rules


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, and what could not be asked."""

    findings: tuple[AccessFinding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    keys: tuple[KeyUse, ...] = ()


def judge(state: HostState, question: Question) -> Judgement:
    """Return what the rules say of one host."""
    view = HostView(state, question.now, question.roster)
    answers = _Answers(question, state.name)
    for family in HOST:
        answers.ask(family, view)
    return Judgement(tuple(answers.findings), tuple(answers.skipped), fleet.uses_of(view))


def judge_together(keys: Iterable[KeyUse], question: Question) -> Judgement:
    """Return what the rules say of all hosts together."""
    uses: dict[str, list[KeyUse]] = {}
    for one in keys:
        uses.setdefault(one.fingerprint, []).append(one)
    missing = {} if uses else {"keys": "no key was there to look at"}
    answers = _Answers(question, "")
    answers.ask(fleet.family, FleetView(uses, question.roster, missing))
    return Judgement(tuple(answers.findings), tuple(answers.skipped))


class _Answers:
    def __init__(self, question: Question, target: str) -> None:
        self.findings: list[AccessFinding] = []
        self.skipped: list[NotEvaluated] = []
        self._question = question
        self._target = target

    def ask(self, family: Family[V], view: V) -> None:
        for rule in family.rules:
            if self._question.asks(rule.id):
                self._ask(rule, view)

    def _ask(self, rule: Rule[V], view: V) -> None:
        lacking = [reason for part in rule.needs if (reason := view.lacks(part))]
        if lacking:
            self.skipped.append(NotEvaluated(rule.id, self._target, "; ".join(lacking)))
        else:
            self.findings += rule.check(view)
