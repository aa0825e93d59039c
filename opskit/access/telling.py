"""From a ledger entry to what each channel is owed: who is concerned, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.notices import (
    OF_GRANTS,
    OF_REQUESTS,
    OF_REVIEWS,
    AboutGrant,
    AboutRequest,
    AboutReview,
    Files,
    Notice,
)
from opskit.access.store import decisions, grants, requests, reviews
from opskit.records.ledger import Entry

# Machines are told everything; the others only what has words for people.
_MACHINES = frozenset({"webhook"})


@dataclass(frozen=True, slots=True)
class Told:
    """Something that somebody waits for, and the files that say who."""

    entry: Entry
    data: Mapping[str, Any]
    files: Files

    def notice(self, connection: sa.Connection) -> Notice | None:
        """Return the words for people; nothing where nobody has to know."""
        kind, data, files = self.entry.kind, self.data, self.files
        number = int(self.entry.subject[1:])
        if kind in OF_REQUESTS:
            said = decisions.of(connection, number)
            request = requests.one(connection, number)
            return OF_REQUESTS[kind](AboutRequest(request, data, files, said))
        if kind in OF_GRANTS:
            grant = grants.one(connection, number)
            request = requests.one(connection, grant.request)
            return OF_GRANTS[kind](AboutGrant(grant, request, data, files))
        return self._of_review(connection, number)

    def _of_review(self, connection: sa.Connection, number: int) -> Notice | None:
        """Return the words for a review; `number` is its own, or that of one grant in it."""
        missed = self.entry.kind == "review.missed"
        campaign = reviews.campaign(
            connection, int(self.data["campaign"][1:]) if missed else number
        )
        found = tuple(
            one
            for one in reviews.items(connection, campaign.id)
            if (one.grant_id == number if missed else not one.outcome)
        )
        return OF_REVIEWS[self.entry.kind](AboutReview(campaign, found, self.data, self.files))

    def body(self, channel: str, notice: Notice | None) -> dict[str, object] | None:
        """Return what a channel is owed; nothing where it is one for people and nobody waits."""
        entry = self.entry
        plain = {"type": entry.kind, "subject": entry.subject, "at": entry.at, **self.data}
        if notice is None:
            return plain if channel in _MACHINES else None
        told = {**plain, "notice": notice.as_json()}
        to = list(addresses(self.files, notice.people))
        return told if channel in _MACHINES else {**told, "to": to}


def addresses(files: Files, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses of people who are there; for a service account, of who owns it."""
    known = files.registry
    found: list[str] = []
    for name in names:
        account = known.people.service_accounts.get(name)
        for each in sorted(known.among([account.owner if account else name])):
            person = known.people.people.get(each)
            if person and person.email and not known.left(each, files.today):
                found.append(person.email)
    return tuple(dict.fromkeys(found))
