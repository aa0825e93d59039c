"""Who may approve what, and whether those who did are enough. Pure.

Every group of an approval must agree, each with as many people as it asks for, and nobody counts
for two groups. Who asks and who is to get the access never decide, nor does anybody who answers to
one of them: a report is in no place to say no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from opskit.access.model import Approval, Approvers, Role
from opskit.access.registry import Registry


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and for whom."""

    requester: str
    beneficiary: str


@dataclass(frozen=True, slots=True)
class Seats:
    """One group of an approval as it stands for one request: `at_least` of `eligible`."""

    among: str
    at_least: int
    eligible: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "among": self.among,
            "at_least": self.at_least,
            "eligible": list(self.eligible),
        }


def seats(
    approval: Approval, role: Role, asking: Asking, registry: Registry, today: date
) -> tuple[Seats, ...]:
    """Return the groups whose consent a request needs, with who may give it."""
    barred = excluded(asking, registry)
    return tuple(
        Seats(
            " or ".join(group.among),
            group.at_least,
            tuple(
                name
                for name in sorted(named(group, role, asking, registry) - barred)
                if name in registry.people.people and not registry.left(name, today)
            ),
        )
        for group in approval.all_of
    )


def together(approvals: Iterable[Sequence[Seats]]) -> tuple[Seats, ...]:
    """Return the groups of several approvals: what two of them ask for is asked once.

    What one of them asks for twice stays twice, so that two people agree and not one.
    """
    found: Counter[Seats] = Counter()
    for groups in approvals:
        found |= Counter(groups)
    return tuple(found.elements())


def excluded(asking: Asking, registry: Registry) -> frozenset[str]:
    """Return who may not decide: both of them, their reports, and who shares a key with them."""
    both = frozenset({asking.requester, asking.beneficiary})
    below = (registry.reports(name) for name in both)
    sharing = (registry.sharing_a_key(name) for name in both)
    return both.union(*below, *sharing)


def named(group: Approvers, role: Role, asking: Asking, registry: Registry) -> frozenset[str]:
    """Return whom a group of approvers names, those included who may not decide on this."""
    person = registry.people.people.get(asking.beneficiary)
    account = registry.people.service_accounts.get(asking.beneficiary)
    found: set[str] = set()
    for term in group.among:
        if term == "owners":
            found |= registry.among(role.owners)
        elif term == "manager":
            found |= {person.manager} if person and person.manager else set()
            found |= registry.among([account.owner]) if account else set()
        elif term == "peers":
            found |= registry.members(person.team) if person and person.team else set()
        else:
            found |= registry.among([term])
    return frozenset(found)


def satisfied(groups: Sequence[Seats], agreed: Collection[str]) -> bool:
    """Return whether those who agreed fill every seat, each of them one.

    A seat is matched to a person by augmenting paths (Kuhn's algorithm).
    """
    wanted = [group.eligible for group in groups for _ in range(group.at_least)]
    taken: dict[str, int] = {}
    return all(_seated(index, wanted, set(agreed), taken, set()) for index in range(len(wanted)))


def _seated(
    index: int,
    wanted: Sequence[Sequence[str]],
    agreed: Collection[str],
    taken: dict[str, int],
    asked: set[str],
) -> bool:
    for name in wanted[index]:
        if name not in agreed or name in asked:
            continue
        asked.add(name)
        if name not in taken or _seated(taken[name], wanted, agreed, taken, asked):
            taken[name] = index
            return True
    return False


def satisfiable(groups: Sequence[Seats]) -> bool:
    """Return whether the seats could be filled at all."""
    return satisfied(groups, {name for group in groups for name in group.eligible})


def still_wanted(groups: Sequence[Seats], agreed: Collection[str]) -> tuple[str, ...]:
    """Return who could help by agreeing now."""
    done = set(agreed)
    return tuple(sorted({name for group in groups for name in group.eligible if name not in done}))
