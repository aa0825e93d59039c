"""The four files in `access/` taken together: who is who, in which team, who answers for whom.

Pure.

People, service accounts and teams share one set of names; a term in a rule is one of these names
or a word with a meaning (`everybody`; among approvers `owners`, `manager`, `peers`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from opskit.access.model import (
    AccessPolicy,
    Key,
    KeyUse,
    People,
    Person,
    Role,
    Roles,
    ServiceAccount,
    Target,
    Targets,
)

EVERYBODY = "everybody"


@dataclass(frozen=True)
class Registry:
    """People, roles, targets and policy as the files say now."""

    people: People
    roles: Roles
    targets: Targets
    policy: AccessPolicy

    @cached_property
    def version(self) -> str:
        """Return what tells this state of the files from every other: 16 hex digits."""
        parts = (self.people, self.roles, self.targets, self.policy)
        return digest([part.model_dump(mode="json") for part in parts])

    def holder(self, name: str) -> Person | ServiceAccount | None:
        """Return who can hold access under this name."""
        return self.people.people.get(name) or self.people.service_accounts.get(name)

    def account(self, name: str) -> str:
        """Return the name somebody has on hosts and in databases."""
        known = self.holder(name)
        return (known.account if known else None) or name

    def named(self, login: str) -> str | None:
        """Return the person whose account on this machine is `login`."""
        by_account = {self.account(name): name for name in self.people.people}
        return by_account.get(login)

    def team(self, name: str) -> str:
        """Return the team of a person, empty where there is none."""
        person = self.people.people.get(name)
        return person.team if person else ""

    def left(self, name: str, today: date) -> bool:
        """Return whether somebody's last day is over."""
        known = self.holder(name)
        return known is None or (known.ends is not None and known.ends < today)

    def members(self, team: str) -> frozenset[str]:
        """Return the people of a team."""
        return frozenset(name for name, one in self.people.people.items() if one.team == team)

    def among(self, terms: Iterable[str]) -> frozenset[str]:
        """Return all whom people, teams, service accounts or `everybody` name."""
        return frozenset(name for term in terms for name in self._meant(term))

    def _meant(self, term: str) -> frozenset[str]:
        if term == EVERYBODY:
            return frozenset(self.people.people)
        return self.members(term) if term in self.people.teams else frozenset({term})

    def reports(self, name: str) -> frozenset[str]:
        """Return all who answer to a person, those who answer to these included."""
        found: frozenset[str] = frozenset()
        while more := self._managed_by(found | {name}) - found:
            found |= more
        return found - {name}

    def _managed_by(self, managers: frozenset[str]) -> frozenset[str]:
        people = self.people.people.items()
        return frozenset(name for name, one in people if one.manager in managers)

    def keys(self, name: str, use: KeyUse, today: date) -> tuple[Key, ...]:
        """Return somebody's keys for a use, without those that are over."""
        known = self.holder(name)
        found = known.keys if known else ()
        return tuple(key for key in found if use in key.use and in_force(key, today))

    def role(self, name: str) -> Role | None:
        """Return a role of the catalogue."""
        return self.roles.roles.get(name)

    def target(self, name: str) -> Target | None:
        """Return a target."""
        return self.targets.targets.get(name)


def in_force(key: Key, today: date) -> bool:
    """Return whether a key is neither expired nor revoked; its last day is its expiry."""
    over = key.expires is not None and key.expires < today
    return not over and (key.revoked is None or key.revoked > today)


def digest(value: object) -> str:
    """Return a short hash of plain data, the same however its keys were ordered."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
