"""Cases as files: a document with one mistake, and in its head what must be said of it.

# finding: file-unknown-key at 5:5 in services.shop.ownr
# says: unknown key 'ownr'
# fix: did you mean 'owner'?
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from opskit.core.findings import Finding
from tests.conftest import CASES

_HEAD = re.compile(r"# (finding|says|fix): (.*)")
_FINDING = re.compile(r"(?P<rule>\S+) at (?P<place>\d+(?::\d+)?|-)(?: in (?P<subject>.+))?")


@dataclass(frozen=True)
class Case:
    """A bad file; `place` is `line:column`, or nothing where there is none to name."""

    path: Path
    rule: str
    place: str
    subject: str
    says: str
    fix: str

    def explains(self, finding: Finding) -> bool:
        """Tell whether a finding is the one that the file's head asks for."""
        location = str(finding.location or "")
        return (
            finding.rule == self.rule
            and location.partition(":")[2] == self.place
            and finding.subject == self.subject
            and self.says in finding.message
            and self.fix in finding.fix
        )


def read(path: Path) -> Case:
    """Return the case in a file."""
    text = path.read_bytes().decode("utf-8", "replace")
    lines = filter(None, map(_HEAD.fullmatch, text.splitlines()))
    head = {line[1]: line[2] for line in lines}
    found = _FINDING.fullmatch(head["finding"])
    assert found is not None, f"{path} does not say what must be found"
    place = "" if found["place"] == "-" else found["place"]
    return Case(
        path, found["rule"], place, found["subject"] or "", head["says"], head.get("fix", "")
    )


def every(folder: str, names: str = "*") -> list[Case]:
    """Return the cases in `tests/cases/FOLDER` whose names match."""
    paths = sorted((CASES / folder).glob(f"{names}.yaml"))
    assert paths, f"there is no case {names} in {folder}"
    return [read(path) for path in paths]


def cases(folder: str, names: str = "*") -> list[ParameterSet]:
    """Return them as parameters of a test."""
    return [pytest.param(case, id=case.path.stem) for case in every(folder, names)]
