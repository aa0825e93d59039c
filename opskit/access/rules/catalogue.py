"""Every rule there is. A new family is entered here, and in the judging of what it looks at."""

from __future__ import annotations

from typing import Any

from opskit.access.rules import accounts, fleet, groups, keys, lines, ssh, suppressions, unmanaged
from opskit.access.rules.rule import Family, Rule
from opskit.access.rules.sudo import SUDO
from opskit.access.rules.view import HostView

# Those that look at one host.
HOST: tuple[Family[HostView], ...] = (
    groups.family, accounts.family, ssh.family, keys.family, lines.family,
)  # fmt: skip

FAMILIES: tuple[Family[Any], ...] = (SUDO, *HOST, fleet.family, suppressions.family)


def every() -> dict[str, Rule[Any]]:
    """Return all rules by their ids, in the order of the catalogue."""
    return {rule.id: rule for family in FAMILIES for rule in family.rules}


def documented() -> dict[str, Rule[Any]]:
    """Return those, and the rules that need to know what was granted: `reconcile` asks them."""
    return {**every(), **{rule.id: rule for rule in unmanaged.family.rules}}
