"""Who there is and who there was: leavers by account, and the keys that people once had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.access.comparison import Office
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import Key, Person, ServiceAccount
from opskit.access.registry import Registry
from opskit.access.rules.roster import Roster, roster_of
from opskit.access.rules.unmanaged import Leaver
from opskit.access.store import grants, policies
from opskit.access.workplace import Workplace

_NOT_THERE = "is not in people.yaml any more"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who is to be gone: their account, and fingerprints of all keys they ever had."""

    name: str
    account: str
    keys: tuple[str, ...] = ()
    why: str = "leaves"


def office(work: Workplace, connection: sa.Connection, leaving: Leaving | None) -> Office:
    """Return who there is and was, as far as files and records say.

    Somebody counts as gone after their last day; or if the people file has them no longer, while
    an earlier state of it had, or a grant was theirs.
    """
    roster = roster_of(work.registry.people)
    leavers = dict(_past_their_end(work))
    former: dict[str, str] = {}
    for old in policies.kept(connection).values():
        for name, _, account, prints in holders(old):
            if name not in roster_names(roster) and account not in roster.accounts:
                leavers.setdefault(account, Leaver(name, _NOT_THERE))
            former |= {one: name for one in prints if one not in roster.keys}
    everything = grants.everything(connection)
    for one in everything:
        if one.person not in roster_names(roster) and one.account not in roster.accounts:
            leavers.setdefault(one.account, Leaver(one.person, _NOT_THERE))
    if leaving is not None:
        leavers[leaving.account] = Leaver(leaving.name, leaving.why)
        former |= {one: leaving.name for one in leaving.keys if one not in roster.keys}
    return Office(work.now(), roster, leavers, former, frozenset(one.name for one in everything))


def roster_names(roster: Roster) -> frozenset[str]:
    """Return the names of all who have an account."""
    return frozenset(one.name for one in roster.accounts.values())


def _past_their_end(work: Workplace) -> Iterator[tuple[str, Leaver]]:
    for name, holder, account, _ in holders(work.registry):
        if work.registry.left(name, work.today()):
            yield account, Leaver(name, f"left on {holder.ends}")


def holders(
    registry: Registry,
) -> Iterator[tuple[str, Person | ServiceAccount, str, frozenset[str]]]:
    """Yield everybody who can hold access: name, entry, account, fingerprints of their keys."""
    known: dict[str, Person | ServiceAccount] = {
        **registry.people.people, **registry.people.service_accounts,
    }  # fmt: skip
    for name, one in known.items():
        yield name, one, one.account or name, frozenset(_fingerprints(one.keys))


def _fingerprints(keys: tuple[Key, ...]) -> Iterator[str]:
    for key in keys:
        try:
            yield public_key(key.key).fingerprint
        except NoKeyError:  # told of the people file, where it stands
            continue
