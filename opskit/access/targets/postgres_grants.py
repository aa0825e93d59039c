"""What grants mean on a PostgreSQL server: memberships, ends, whose roles are opskit's. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.access.databases.model import Role
from opskit.access.model import PostgresRights
from opskit.access.targets.kinds import Placement
from opskit.core.clock import SECOND, Instant

# In a role's comment, which whoever the role belongs to cannot write.
MADE = "[opskit: made]"
LOCKED = "[opskit: login taken]"
# Takes over what a dropped role owned: a superuser in its place would run the leaver's functions.
HEIR = "opskit_leavers"


def rights_of(placements: Sequence[Placement]) -> list[tuple[Placement, PostgresRights]]:
    """Return the placements that mean something to a server, with what they give."""
    return [(one, one.rights) for one in placements if isinstance(one.rights, PostgresRights)]


def pairs(placement: Placement, rights: PostgresRights) -> list[tuple[str, str]]:
    """Return (account, role) of each membership that a placement gives."""
    return [(placement.account, role) for role in rights.member_of]


def latest(placements: Sequence[Placement]) -> dict[str, Instant]:
    """Return the latest end of each account's placements that let it log in, in whole seconds."""
    ends: dict[str, Instant] = {}
    for one, rights in rights_of(placements):
        if rights.login:
            until = Instant(one.until // SECOND * SECOND)
            ends[one.account] = max(until, ends.get(one.account, until))
    return dict(sorted(ends.items()))


def made_here(role: Role | None) -> bool:
    """Return whether opskit made a role."""
    return role is not None and MADE in role.comment
