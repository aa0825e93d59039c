"""Every rule there is. A new family is entered here, and in the inspection of what it looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opskit.access.rules import (
    accounts,
    fleet,
    groups,
    keys,
    lines,
    postgres,
    postgres_objects,
    ssh,
    suppressions,
    unmanaged,
)
from opskit.access.rules.dormant import DORMANT
from opskit.access.rules.flow import FLOW
from opskit.access.rules.postgres_view import DatabaseView
from opskit.access.rules.rule import Family, Rule
from opskit.access.rules.sudo import SUDO
from opskit.access.rules.view import HostView

# Those that look at one host.
HOST: tuple[Family[HostView], ...] = (
    groups.family, accounts.family, ssh.family, keys.family, lines.family,
)  # fmt: skip

# Those that a copy of hosts' files, or the policy, is asked.
LINTED: tuple[Family[Any], ...] = (SUDO, *HOST, fleet.family, suppressions.family)
# Those that look at one database server.
DATABASE: tuple[Family[DatabaseView], ...] = (postgres.family, postgres_objects.family)

FAMILIES: tuple[Family[Any], ...] = (*LINTED, *DATABASE, FLOW)


def ids(families: Iterable[Family[Any]]) -> frozenset[str]:
    """Return the ids of the rules of some families."""
    return frozenset(rule.id for family in families for rule in family.rules)


def every() -> dict[str, Rule[Any]]:
    """Return all rules by their ids, in the order of the catalogue."""
    return {rule.id: rule for family in FAMILIES for rule in family.rules}


def documented() -> dict[str, Rule[Any]]:
    """Return those, and the rules that know what was granted: `reconcile`, `rightsize` ask them."""
    rules: tuple[Rule[Any], ...] = (*unmanaged.family.rules, *DORMANT.rules)
    return {**every(), **{rule.id: rule for rule in rules}}
