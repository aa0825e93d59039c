"""Who there is, by what hosts know: account names and fingerprints of keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import Key, KeyUse, People


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose account it is: a person, or a service account that somebody owns."""

    name: str
    human: bool
    ends: date | None = None
    contractor: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A key of the registry and whose it is."""

    holder: str
    key: Key

    def ended_by(self, today: date) -> str:
        """Return why the key must open nothing any more on a day; empty while it may."""
        if self.key.revoked is not None and self.key.revoked <= today:
            return f"revoked on {self.key.revoked}"
        if self.key.expires is not None and self.key.expires < today:
            return f"expired on {self.key.expires}"
        return "" if KeyUse.LOGIN in self.key.use else "registered for signing alone"


@dataclass(frozen=True, slots=True)
class Roster:
    """Holders by account name, keys by fingerprint; one may be registered by several."""

    accounts: Mapping[str, Holder]
    keys: Mapping[str, tuple[Registered, ...]]

    @property
    def humans(self) -> frozenset[str]:
        """Return the accounts of people."""
        return frozenset(name for name, one in self.accounts.items() if one.human)


def roster_of(people: People) -> Roster:
    """Return what the people file says of accounts and keys. What is no key is left out."""
    accounts: dict[str, Holder] = {}
    keys: dict[str, tuple[Registered, ...]] = {}
    for account, holder, registered in _holders(people):
        accounts[account] = holder
        for fingerprint, key in _fingerprints(registered):
            keys[fingerprint] = (*keys.get(fingerprint, ()), Registered(holder.name, key))
    return Roster(accounts, keys)


def _holders(people: People) -> Iterator[tuple[str, Holder, Sequence[Key]]]:
    for name, person in people.people.items():
        yield (
            person.account or name,
            Holder(name, human=True, ends=person.ends, contractor=person.contractor),
            person.keys,
        )
    for name, service in people.service_accounts.items():
        yield service.account or name, Holder(name, human=False, ends=service.ends), service.keys


def _fingerprints(keys: Sequence[Key]) -> Iterator[tuple[str, Key]]:
    for key in keys:
        try:
            yield public_key(key.key).fingerprint, key
        except NoKeyError:  # told of the people file, where it stands
            continue
