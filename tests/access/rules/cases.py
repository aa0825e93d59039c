"""Cases of rules as files: `RULE-ID/{fail,pass}-NAME/` holds a copy of a host, or of several.

`expect.yaml` beside it says which findings of the rule there are, by subject, severity and the
first line of evidence; and what a copy does not tell: `owners` and `modes` of files, `production`,
`sudo_version`. `people.yaml` and `policy.yaml` are those of the ops repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

from opskit.access.findings import AccessFinding, NotEvaluated
from opskit.access.hosts.model import File
from opskit.access.hosts.reading import Facts, Source, state_of
from opskit.access.inspection import Question, inspect_host
from opskit.access.lint import lint_hosts
from opskit.access.model import AccessPolicy, People
from opskit.access.rules.roster import Roster, roster_of
from opskit.access.rules.suppressions import Written
from opskit.access.trees import Tree
from opskit.core.clock import parse_instant
from opskit.outside.documents import parse
from opskit.outside.models import Model, read, validate
from tests.conftest import CASES

Told = TypeVar("Told", AccessFinding, NotEvaluated)
FOLDER = CASES / "access" / "rules"
NOW = parse_instant("2026-11-22T12:00:00", ZoneInfo("UTC"))
_FACTS = {"owners", "modes", "production"}


@dataclass(frozen=True)
class Case:
    """A copy of a host, and what a rule must find there."""

    rule: str
    path: Path
    expected: dict[str, Any]

    @property
    def wanted(self) -> list[tuple[str, str, str]]:
        """Return subject, severity and first evidence of each finding."""
        return sorted(
            (one["subject"], one["severity"], one["at"]) for one in self.expected["findings"]
        )


def every(prefix: str = "") -> list[Case]:
    """Return the cases of the rules whose ids start so."""
    paths = sorted(FOLDER.glob(f"{prefix}*/*-*/expect.yaml"))
    return [Case(one.parent.parent.name, one.parent, _plain(one)) for one in paths]


def parameters(prefix: str) -> list[ParameterSet]:
    """Return them as parameters of a test."""
    found = [pytest.param(one, id=f"{one.rule}-{one.path.name}") for one in every(prefix)]
    assert found, f"there is no case of {prefix}"
    return found


def _plain(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def asked(case: Case) -> tuple[tuple[AccessFinding, ...], tuple[NotEvaluated, ...]]:
    """Return what the rule of a case finds there, and where it could not be asked."""
    version = case.expected.get("sudo_version", "")
    # What is odd about an acceptance is seen once the rule it speaks of was asked.
    rules = frozenset[str]() if case.rule.startswith("FLOW-") else frozenset({case.rule})
    question = Question(NOW, _roster(case.path), rules, version)
    if _FACTS & case.expected.keys():
        facts = Facts(production=case.expected.get("production", False))
        state = state_of("host", Observed(Tree(case.path), case.expected), facts)
        told = inspect_host(state, question)
        return told.findings, told.not_evaluated
    linted = lint_hosts([case.path], question, tuple(_accepted(case.path)))
    assert linted.troubles == ()
    return _of(case.rule, linted.findings), _of(case.rule, linted.not_evaluated)


def _of(rule: str, told: tuple[Told, ...]) -> tuple[Told, ...]:
    return tuple(one for one in told if one.rule == rule)


def assert_as_expected(case: Case) -> None:
    """Check that a rule finds in a case what it must, and nothing else."""
    found, skipped = asked(case)
    assert skipped == (), "the rule was not asked at all"
    assert sorted(map(told, found)) == [
        (subject, severity, _below(case.path, at)) for subject, severity, at in case.wanted
    ]


def told(finding: AccessFinding) -> tuple[str, str, str]:
    """Return a finding as a case expects it."""
    first = finding.evidence[0]
    return finding.subject, str(finding.severity), f"{first.file}:{first.line}"


def _below(path: Path, at: str) -> str:
    return at if at.startswith(("/", "access/")) else f"{path}/{at}"


def _roster(path: Path) -> Roster | None:
    file = path / "people.yaml"
    return roster_of(read(file, People)) if file.exists() else None


def _accepted(path: Path) -> Iterator[Written]:
    if (path / "policy.yaml").exists():
        document = parse(path / "policy.yaml", name="access/policy.yaml")
        policy: Model | None = validate(document, AccessPolicy)
        assert isinstance(policy, AccessPolicy), document.findings
        for at, entry in enumerate(policy.suppressions):
            yield Written(entry, document.place(("suppressions", at)))


@dataclass(frozen=True)
class Observed:
    """A copy, with owners and modes as they would be seen on the host."""

    source: Source
    told: dict[str, Any]

    def file(self, path: str) -> File | None:
        """Return a file as it is on the host."""
        found = self.source.file(path)
        if found is None:
            return None
        mode = self.told.get("modes", {}).get(path)
        return replace(
            found,
            uid=self.told.get("owners", {}).get(path),
            mode=int(mode, 8) if mode else None,
        )

    def listing(self, directory: str) -> Sequence[str] | None:
        """Return the names in a directory."""
        return self.source.listing(directory)
