"""What the rules say of hosts: which findings, and which rules could not be asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from opskit.access.databases.model import DatabaseState
from opskit.access.findings import AccessFinding, NotEvaluated
from opskit.access.hosts.model import HostState, Line, Misread
from opskit.access.rules import fleet, postgres_objects as databases, sudo
from opskit.access.rules.catalogue import HOST
from opskit.access.rules.fleet import FleetView, KeyUse
from opskit.access.rules.postgres_view import DatabaseView
from opskit.access.rules.roster import Roster
from opskit.access.rules.rule import Family, Rule
from opskit.access.rules.sudo import SUDO
from opskit.access.rules.view import HostView
from opskit.access.sudoers.dialect import NEWEST, Dialect, dialect_of
from opskit.access.sudoers.effort import TooMuchError
from opskit.access.sudoers.policy import ROOT
from opskit.core.clock import Instant


class View(Protocol):
    """What a rule looks at."""

    def lacks(self, part: str) -> str:
        """Return why a part was not looked at; empty where it was."""
        ...


V = TypeVar("V", bound=View)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Which sudo reads the files, and who said so: `host`, `option`, `newest` for nobody."""

    dialect: Dialect
    said_by: str


@dataclass(frozen=True)
class Question:
    """What is asked of hosts. `rules` are ids, all of them if empty.

    `sudo_version` is the sudo whose rules are followed where a host does not say its own: what
    `dialect_of` takes, or empty for the newest. In `production` some findings are graver.
    """

    now: Instant
    roster: Roster | None = None
    rules: frozenset[str] = frozenset()
    sudo_version: str = ""
    production: bool = False

    def asks(self, rule: str) -> bool:
        """Return whether a rule is asked."""
        return not self.rules or rule in self.rules

    def spoken(self, state: HostState) -> Spoken:
        """Return which sudo a host's files are read as.

        Raises:
            ValueError: `sudo_version` is none.
        """
        if state.sudo_version:
            try:
                return Spoken(dialect_of(state.sudo_version), "host")
            except ValueError:  # what the host printed says nothing
                pass
        if self.sudo_version:
            return Spoken(dialect_of(self.sudo_version), "option")
        return Spoken(NEWEST, "newest")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found, what could not be asked, and what is there and could not be followed."""

    findings: tuple[AccessFinding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    keys: tuple[KeyUse, ...] = ()
    unread: tuple[Misread, ...] = ()


def inspect_host(state: HostState, question: Question) -> Inspection:
    """Return what the rules say of one host."""
    view = HostView(state, question.now, question.roster)
    answers = _Answers(question, state.name)
    answers.ask_about_sudo(state)
    for family in HOST:
        answers.ask(family, view)
    return Inspection(
        tuple(answers.findings), tuple(answers.skipped), fleet.uses_of(view),
        (*state.cut, *answers.unread),
    )  # fmt: skip


def inspect_server(state: DatabaseState, question: Question) -> Inspection:
    """Return what the rules say of one database server."""
    humans = question.roster.humans if question.roster else None
    found, skipped = databases.judge(DatabaseView(replace(state, humans=humans)))
    return Inspection(
        tuple(one for one in found if question.asks(one.rule)),
        tuple(one for one in skipped if question.asks(one.rule)),
    )


def inspect_together(keys: Iterable[KeyUse], question: Question) -> Inspection:
    """Return what the rules say of all hosts together."""
    uses: dict[str, list[KeyUse]] = {}
    for one in keys:
        uses.setdefault(one.fingerprint, []).append(one)
    missing = {} if uses else {"keys": "no key was there to look at"}
    answers = _Answers(question, "")
    answers.ask(fleet.family, FleetView(uses, question.roster, missing))
    return Inspection(tuple(answers.findings), tuple(answers.skipped))


class _Answers:
    def __init__(self, question: Question, target: str) -> None:
        self.findings: list[AccessFinding] = []
        self.skipped: list[NotEvaluated] = []
        self.unread: list[Misread] = []
        self._question = question
        self._target = target

    def ask(self, family: Family[V], view: V) -> None:
        for rule in family.rules:
            if self._question.asks(rule.id):
                self._ask(rule, view)

    def ask_about_sudo(self, state: HostState) -> None:
        """Ask the rules on sudo, which share what they resolve."""
        asked = {rule.id for rule in SUDO.rules if self._question.asks(rule.id)}
        if asked and not {"/etc/sudoers", "/etc/sudoers-rs"} & state.files.keys():
            reason = "etc/sudoers was not there to look at"
            self.skipped += (
                NotEvaluated(rule.id, self._target, reason)
                for rule in SUDO.rules
                if rule.id in asked
            )
        elif asked:
            found, skipped = self._on_sudo(state)
            self.findings += (one for one in found if one.rule in asked)
            self.skipped += (one for one in skipped if one.rule in asked)

    def _on_sudo(self, state: HostState) -> tuple[Sequence[AccessFinding], Sequence[NotEvaluated]]:
        try:
            return sudo.lint(state, self._question.now, self._question.spoken(state).dialect)
        except TooMuchError as error:
            first = next(one for path, one in state.files.items() if path.startswith(ROOT))
            self.unread.append(Misread(Line(first.shown or first.path, 0, ""), error.message))
            return (), [NotEvaluated(one.id, self._target, error.message) for one in SUDO.rules]

    def _ask(self, rule: Rule[V], view: V) -> None:
        lacking = [reason for part in rule.needs if (reason := view.lacks(part))]
        if lacking:
            self.skipped.append(NotEvaluated(rule.id, self._target, "; ".join(lacking)))
        else:
            self.findings += rule.check(view)
