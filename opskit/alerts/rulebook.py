"""The rule files that opskit evaluates, read: each rule with a name that stays its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from opskit.alerts.evaluating import Alerting, Recording, rules_of
from opskit.alerts.model import Group, RuleFile, milliseconds
from opskit.alerts.planning import ROUTES
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.reach import looks
from opskit.core.errors import DataError
from opskit.outside.config import Config
from opskit.outside.models import read


@dataclass(frozen=True)
class Ruled:
    """A group of rules; `names` are those of its rules in the same order, `interval` is in ms."""

    path: str
    name: str
    interval: int
    rules: tuple[Alerting | Recording, ...]
    names: tuple[str, ...]

    @cached_property
    def metrics(self) -> tuple[frozenset[str], ...]:
        """Return for each rule the metrics it looks at."""
        settings = Settings()
        return tuple(
            frozenset(look.name for look in looks(one.expression, settings)) for one in self.rules
        )


def rulebook(config: Config) -> tuple[Ruled, ...]:
    """Return the rules that opskit evaluates, group by group, in the order of their files.

    Raises:
        DataError: a file holds mistakes, or a rule in it is not understood.
    """
    files = [(name, read(config.path(name), RuleFile, name=name)) for name in rule_files(config)]
    return tuple(_ruled([(name, group) for name, file in files for group in file.groups]))


def rule_files(config: Config) -> tuple[str, ...]:
    """Return the names of the files whose rules opskit evaluates, sorted."""
    found = {
        str(path.relative_to(config.root))
        for pattern in config.settings.alerts.rules
        for path in config.root.glob(pattern)
        if path.is_file()
    }
    return tuple(sorted(found - {ROUTES}))


def _ruled(groups: Sequence[tuple[str, Group]]) -> Iterator[Ruled]:
    seen: Counter[str] = Counter()
    for path, group in groups:
        try:
            rules = rules_of(group)
        except QueryError as error:
            raise DataError(f"{path}: {error.message}") from error
        names = tuple(_named(f"{group.name}/{one.name}", seen) for one in rules)
        yield Ruled(path, group.name, milliseconds(group.interval), rules, names)


def _named(name: str, seen: Counter[str]) -> str:
    """Return a name that no rule before has: two of one group may share theirs."""
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}#{seen[name]}"
