"""From a ledger entry to what each channel is owed: who is concerned, and the words for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from opskit.access.notices import (
    grants as of_grants,
    requests as of_requests,
    reviews as of_reviews,
    revocations as of_revocations,
)
from opskit.access.notices.grants import AboutGrant
from opskit.access.notices.notice import Files, Notice
from opskit.access.notices.requests import AboutRequest
from opskit.access.notices.reviews import AboutReview
from opskit.access.notices.revocations import AboutHost
from opskit.access.store import certificates, decisions, grants, requests, reviews
from opskit.records.ledger import Entry

A = TypeVar("A")
# Machines are told everything; the others only what has words for people.
_MACHINES = frozenset({"webhook"})


@dataclass(frozen=True, slots=True)
class Told:
    """Something that somebody waits for, and the files that say who."""

    entry: Entry
    data: Mapping[str, Any]
    files: Files

    @property
    def number(self) -> int:
        """Return the number of the request, grant or review that it is about."""
        return int(self.entry.subject[1:])

    def notice(self, connection: sa.Connection) -> Notice | None:
        """Return the words for people; nothing where nobody has to know."""
        return _SOURCES[self.entry.kind].notice(connection, self)

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


# What the words are written from


def _request(connection: sa.Connection, told: Told) -> AboutRequest:
    said = decisions.of(connection, told.number)
    return AboutRequest(requests.one(connection, told.number), told.data, told.files, said)


def _grant(connection: sa.Connection, told: Told) -> AboutGrant:
    grant = grants.one(connection, told.number)
    return AboutGrant(grant, requests.one(connection, grant.request), told.data, told.files)


def _review(connection: sa.Connection, told: Told) -> AboutReview:
    campaign = reviews.campaign(connection, told.number)
    items = tuple(one for one in reviews.items(connection, campaign.id) if not one.outcome)
    return AboutReview(campaign, items, told.data, told.files)


def _missed(connection: sa.Connection, told: Told) -> AboutReview:
    """Return what to tell of one grant in a review; the entry is the grant's."""
    campaign = reviews.campaign(connection, int(told.data["campaign"][1:]))
    items = reviews.items(connection, campaign.id)
    own = tuple(one for one in items if one.grant_id == told.number)
    return AboutReview(campaign, own, told.data, told.files)


def _host(connection: sa.Connection, told: Told) -> AboutHost:
    found = (certificates.one(connection, serial) for serial in told.data["serials"])
    still = tuple((one, grants.one(connection, one.grant_id)) for one in found if one is not None)
    return AboutHost(told.entry.subject, still, told.data, told.files)


@dataclass(frozen=True, slots=True)
class _Source(Generic[A]):
    """What is read for a kind of entry, and what makes words of it."""

    about: Callable[[sa.Connection, Told], A]
    words: Callable[[A], Notice | None]

    def notice(self, connection: sa.Connection, told: Told) -> Notice | None:
        return self.words(self.about(connection, told))


_SOURCES: Mapping[str, _Source[Any]] = {
    **{kind: _Source(_request, words) for kind, words in of_requests.WORDS.items()},
    **{kind: _Source(_grant, words) for kind, words in of_grants.WORDS.items()},
    "review.opened": _Source(_review, of_reviews.opened),
    "review.missed": _Source(_missed, of_reviews.missed),
    "revocations.overdue": _Source(_host, of_revocations.overdue),
}
TOLD = frozenset(_SOURCES)
