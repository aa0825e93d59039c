"""`alerts test`: a file of tests with the rules that it names, read and run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opskit.alerts.model import Group, RuleFile
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.rules import understood
from opskit.alerts.ruletests import Failure, TestFile, failures
from opskit.core.errors import ConfigError, DataError
from opskit.outside.documents import parse, summary
from opskit.outside.models import read, validate


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of the tests of a file."""

    path: str
    tests: tuple[str, ...]
    failures: tuple[Failure, ...]


def tested(path: Path, settings: Settings) -> Tested:
    """Run the tests of a file.

    Raises:
        DataError: the file or one of its rule files is not valid.
        ConfigError: it names a rule file that is not there.
    """
    file = read(path, TestFile, name=str(path))
    groups = tuple(_groups(path, file))
    try:
        return Tested(str(path), file.names, tuple(failures(file, groups, settings)))
    except QueryError as error:
        raise DataError(f"{path}: {error.message}") from error


def _groups(path: Path, file: TestFile) -> Iterator[Group]:
    for pattern in file.rule_files:
        found = sorted(path.parent.glob(pattern)) if not Path(pattern).is_absolute() else []
        if not found:
            raise ConfigError(
                f"{path} names rule file {pattern}, which is not there",
                hint="rule_files are relative to the file of tests",
            )
        for one in found:
            yield from _understood(one).groups


def _understood(path: Path) -> RuleFile:
    """Return a file of rules that all can be evaluated.

    Raises:
        DataError: it is not valid, or one of its expressions is not.
    """
    document = parse(path)
    rules = validate(document, RuleFile)
    if rules is None:
        raise DataError(summary(document.path, document.findings), tuple(document.findings))
    wrong = tuple(understood(rules, document))
    if wrong:
        raise DataError(f"{path}: {wrong[0].subject}: {wrong[0].message}", wrong)
    return rules
