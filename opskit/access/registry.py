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
        """Return what tells this state of the files from every other: 32 hex digits."""
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
        return self._by_account.get(login)

    @cached_property
    def _by_account(self) -> dict[str, str]:
        return {self.account(name): name for name in self.people.people}

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
        return self._members.get(team, frozenset())

    @cached_property
    def _members(self) -> dict[str, frozenset[str]]:
        return _grouped((one.team, name) for name, one in self.people.people.items())

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
        new = self._managed.get(name, frozenset())
        while new:
            found |= new
            below = (self._managed.get(one, frozenset()) for one in new)
            new = frozenset().union(*below) - found
        return found - {name}

    @cached_property
    def _managed(self) -> dict[str, frozenset[str]]:
        people = self.people.people.items()
        return _grouped((one.manager, name) for name, one in people if one.manager)

    def sharing_a_key(self, name: str) -> frozenset[str]:
        """Return the people who have a key that somebody has, that one included."""
        known = self.holder(name)
        blobs = (_blob(key.key) for key in (known.keys if known else ()))
        return frozenset().union(*(self._by_key.get(blob, frozenset()) for blob in blobs))

    @cached_property
    def _by_key(self) -> dict[str, frozenset[str]]:
        return _grouped(
            (_blob(key.key), name) for name, one in self.people.people.items() for key in one.keys
        )

    def hands(self, name: str) -> frozenset[str]:
        """Return all that the same people act as: somebody, and the accounts they answer for.

        Of a service account: whoever answers for it, and the other accounts that they do.
        """
        accounts = self.people.service_accounts
        people = self.among([accounts[name].owner] if name in accounts else [name])
        theirs = (one for one, it in accounts.items() if self.among([it.owner]) & people)
        return people.union([name], theirs)

    def keys(self, name: str, use: KeyUse, today: date) -> tuple[Key, ...]:
        """Return somebody's keys for a use, without those that are over."""
        known = self.holder(name)
        found = known.keys if known else ()
        return tuple(key for key in found if use in key.use and in_force(key, today))

    def role(self, name: str) -> Role | None:
        """Return a role of the catalogue."""
        return self.roles.roles.get(name)

    def role_digest(self, name: str) -> str:
        """Return what changes when a role of the catalogue gives something else."""
        if name not in self._role_digests:
            self._role_digests[name] = digest(self.roles.roles[name].model_dump(mode="json"))
        return self._role_digests[name]

    @cached_property
    def _role_digests(self) -> dict[str, str]:
        return {}

    def opened(self, name: str, targets: Iterable[str]) -> str:
        """Return what changes when a grant would open another account, by other keys, elsewhere."""
        known = self.holder(name)
        keys = [key.key for key in (known.keys if known else ()) if KeyUse.LOGIN in key.use]
        found = {one: self.targets.targets.get(one) for one in targets}
        places = {one: at and at.model_dump(mode="json") for one, at in found.items()}
        return digest({"account": self.account(name), "keys": keys, "targets": places})

    def target(self, name: str) -> Target | None:
        """Return a target."""
        return self.targets.targets.get(name)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, name in pairs:
        found.setdefault(key, set()).add(name)
    return {key: frozenset(names) for key, names in found.items()}


def _blob(line: str) -> str:
    words = line.split()
    return words[1] if len(words) > 1 else line


def in_force(key: Key, today: date) -> bool:
    """Return whether a key is neither expired nor revoked; its last day is its expiry."""
    over = key.expires is not None and key.expires < today
    return not over and (key.revoked is None or key.revoked > today)


def digest(value: object) -> str:
    """Return a hash of plain data, the same however its keys were ordered.

    128 bits: nobody finds two requests that a signature over one of them would fit.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
