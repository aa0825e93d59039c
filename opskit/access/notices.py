"""What people are told of access: what happened, who must act, what to type next. Pure.

One function for each kind of ledger entry that somebody waits for. What it names as `people` are
names of people.yaml; which of them have an address is looked up by who sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from opskit.access.approvers import Asking, seats
from opskit.access.model import Approval
from opskit.access.registry import Registry
from opskit.access.store.decisions import Decision
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.access.store.reviews import Campaign, Item
from opskit.core.clock import format_duration, to_datetime
from opskit.core.text import plural


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `urgent` wakes somebody; `people` are those whom it concerns."""

    title: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    urgent: bool = False

    def as_json(self) -> dict[str, object]:
        """Return what a channel for people shows of it."""
        return {
            "title": self.title,
            "lines": list(self.lines),
            "commands": list(self.commands),
            "urgent": self.urgent,
        }


@dataclass(frozen=True, slots=True)
class Files:
    """The files in `access/` and the day it is: who stands for which role."""

    registry: Registry
    today: date
    zone: ZoneInfo

    def when(self, instant: int | None) -> str:
        """Return an instant for people."""
        if instant is None:
            return "no time that is known"
        return f"{to_datetime(instant, self.zone):%Y-%m-%d %H:%M} {self.zone.key}"


@dataclass(frozen=True, slots=True)
class AboutRequest:
    """An entry about a request, with what was decided so far."""

    request: Request
    data: Mapping[str, Any]
    files: Files
    decisions: tuple[Decision, ...] = ()

    @property
    def both(self) -> tuple[str, ...]:
        """Return who asked, and for whom."""
        return tuple(dict.fromkeys((self.request.ask.requester, self.request.ask.beneficiary)))

    @property
    def what(self) -> str:
        """Return what was asked for."""
        ask = self.request.ask
        return f"{ask.role} on {', '.join(ask.targets)}"

    def facts(self) -> Iterator[str]:
        """Yield what it gives and why."""
        ask = self.request.ask
        blast = self.request.judgment.get("blast_radius")
        if blast:
            yield f"It {blast}."
        yield f"Why: {ask.reason}"
        if ask.ticket:
            yield f"Ticket: {ask.ticket}"
        if ask.requester != ask.beneficiary:
            yield f"Asked by {ask.requester}."
        if ask.break_glass:
            yield "It is an emergency: nobody was waited for."


@dataclass(frozen=True, slots=True)
class AboutGrant:
    """An entry about a grant."""

    grant: Grant
    request: Request
    data: Mapping[str, Any]
    files: Files

    @property
    def both(self) -> tuple[str, ...]:
        """Return who asked, and for whom."""
        return tuple(dict.fromkeys((self.request.ask.requester, self.grant.person)))

    @property
    def what(self) -> str:
        """Return what is given, and to whom."""
        return f"{self.grant.role} of {self.grant.person} on {', '.join(self.grant.targets)}"

    @property
    def owners(self) -> tuple[str, ...]:
        """Return who answers for the role."""
        return tuple(sorted(self.files.registry.among(self.grant.gives.owners)))

    def reviewers(self) -> tuple[str, ...]:
        """Return who may review it as an emergency, and who answers for the role."""
        registry, person = self.files.registry, self.grant.person
        rules = registry.policy.break_glass
        if rules is None:
            return self.owners
        approval = Approval(all_of=(rules.reviewers,))
        asking = Asking(person, person)
        (group,) = seats(approval, self.grant.gives, asking, registry, self.files.today)
        return tuple(sorted({*group.eligible, *self.owners}))


@dataclass(frozen=True, slots=True)
class AboutReview:
    """An entry about a review; `items` are those that it asks about."""

    campaign: Campaign
    items: tuple[Item, ...]
    data: Mapping[str, Any]
    files: Files

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Return who is asked."""
        return tuple(sorted({name for one in self.items for name in one.reviewers}))


# Requests


def submitted(about: AboutRequest) -> Notice | None:
    """Tell approvers that somebody waits for them; nobody where no yes is needed."""
    approvers = tuple(about.data.get("approvers", ()))
    if not approvers:
        return None
    name, ask = about.request.name, about.request.ask
    return Notice(
        f"{name}: {ask.beneficiary} asks for {about.what}",
        (
            *about.facts(),
            f"Who may decide: {', '.join(approvers)}.",
            f"It waits until {about.files.when(about.data.get('lapses_at'))}, then it lapses.",
        ),
        (
            f"opskit access show {name}",
            f"opskit access approve {name}",
            f"opskit access deny {name} --reason WHY",
        ),
        approvers,
    )


def approved(about: AboutRequest) -> Notice:
    """Tell who asked that the answer is yes."""
    name = about.request.name
    return Notice(
        f"{name}: {about.what} is approved for {about.request.ask.beneficiary}",
        (f"Approved by {about.data['by']}.", *about.facts()),
        (f"opskit access show {name}",),
        about.both,
    )


def denied(about: AboutRequest) -> Notice:
    """Tell who asked that the answer is no, and why."""
    name, by = about.request.name, about.data["by"]
    whose = "the files in access/ allow it no more" if by == "policy" else f"denied by {by}"
    reasons = [one["message"] for one in about.data.get("refusals", ())]
    reasons += [one.reason for one in about.decisions if one.verdict == "deny" and one.reason]
    return Notice(
        f"{name}: {about.what} is denied to {about.request.ask.beneficiary}",
        (f"Who: {whose}.", *(f"Why: {reason}" for reason in reasons)),
        (f"opskit access show {name}",),
        about.both,
    )


# Grants


def activated(about: AboutGrant) -> Notice:
    """Tell who holds it that it can be used, until when, and how to give it back."""
    grant = about.grant
    return Notice(
        f"{grant.name}: {about.what} is in force",
        (f"It was seen on every target. It ends at {about.files.when(about.data.get('until'))}.",),
        (f"opskit access return {grant.name}",),
        about.both,
    )


def partial(about: AboutGrant) -> Notice:
    """Tell who holds it where it is missing."""
    grant = about.grant
    return Notice(
        f"{grant.name}: {about.what} is in force in part",
        (*_reasons(about.data), "What is missing is tried again by itself."),
        (f"opskit access show {grant.name}",),
        about.both,
    )


def failed(about: AboutGrant) -> Notice:
    """Tell who waits for it that it is on no target."""
    grant = about.grant
    return Notice(
        f"{grant.name}: {about.what} could not be given",
        (*_reasons(about.data), "It is tried again by itself until its time is over."),
        (f"opskit access show {grant.name}", "opskit access settle"),
        about.both,
    )


def _reasons(data: Mapping[str, Any]) -> Iterator[str]:
    found = data.get("reasons") or {}
    yield from (f"{place}: {reason}" for place, reason in sorted(found.items()))
    if not found:
        yield "No target could be told, or none said why."


def deferred(about: AboutGrant) -> Notice:
    """Tell who answers for the role where access has outlived its end."""
    grant, left = about.grant, about.data.get("left") or {}
    fences = about.data.get("fences") or [None] * len(left)
    return Notice(
        f"{grant.name}: {about.what} could not be taken away everywhere",
        (
            f"Its end was {about.files.when(grant.ends_at)}. Where it is still in force:",
            *(
                _left(place, reason, fence, about.files)
                for (place, reason), fence in zip(left.items(), fences, strict=False)
            ),
            "It stays owed and is tried again by itself.",
        ),
        (f"opskit access show {grant.name}", "opskit access settle"),
        about.owners,
    )


def _left(place: str, reason: str | None, fence: int | None, files: Files) -> str:
    """Return why access is still at a place, and what ends it there."""
    ends = "nothing there ends it by itself"
    if fence is not None:
        ends = f"the target ends it by itself at {files.when(fence)}"
    return f"{place}: {reason or 'no reason known'}; {ends}"


def overdue(about: AboutGrant) -> Notice:
    """Wake who answers for the role: access is in force that should be gone."""
    grant, data = about.grant, about.data
    return Notice(
        f"{grant.name}: {about.what} should be gone and is not",
        (
            _left(data["place"], data.get("reason"), data.get("fence_until"), about.files),
            f"Its end was {about.files.when(grant.ends_at)}.",
            "Make the target reachable, or take it away there by hand; then settle.",
        ),
        (f"opskit access show {grant.name}", "opskit access settle"),
        about.owners,
        urgent=True,
    )


# Emergencies


def opened(about: AboutGrant) -> Notice:
    """Wake reviewers and owners: somebody takes access without waiting for a yes."""
    grant = about.grant
    return Notice(
        f"{grant.name}: {grant.person} takes {grant.role} in an emergency",
        (
            f"On {', '.join(grant.targets)}, for {format_duration(grant.duration)}.",
            f"Why: {grant.reason}",
            f"It has to be reviewed by {about.files.when(grant.review_due)}.",
        ),
        (
            f"opskit access show {grant.name}",
            f"opskit access revoke {grant.name} --reason WHY",
            f"opskit access break-glass review {grant.name} --says WHAT",
        ),
        about.reviewers(),
        urgent=True,
    )


def unreviewed(about: AboutGrant) -> Notice:
    """Tell reviewers and owners that an emergency should have been reviewed by now."""
    grant = about.grant
    return Notice(
        f"{grant.name}: nobody has reviewed the emergency of {grant.person}",
        (
            f"{grant.role} on {', '.join(grant.targets)}. Why: {grant.reason}",
            f"The review was due at {about.files.when(grant.review_due)}.",
        ),
        (f"opskit access break-glass review {grant.name} --says WHAT",),
        about.reviewers(),
    )


# Reviews


def review_opened(about: AboutReview) -> Notice | None:
    """Tell reviewers what they are asked; nobody where everything keeps itself."""
    if not about.items:
        return None
    name, when = about.campaign.name, about.files.when
    suspended, gone = when(about.campaign.due_at), when(about.campaign.revoke_at)
    return Notice(
        f"{name}: {plural(len(about.items), 'grant')} to be reviewed",
        (
            *(f"g{one.grant_id}: {'; '.join(one.why)}" for one in about.items),
            f"What nobody answers is suspended at {suspended}, and gone at {gone}.",
        ),
        (
            f"opskit access review show {name}",
            f"opskit access review decide {name} g{about.items[0].grant_id} --keep",
            f"opskit access review decide {name} g{about.items[0].grant_id} --revoke",
        ),
        about.reviewers,
    )


def review_missed(about: AboutReview) -> Notice:
    """Tell reviewers what was suspended because nobody answered."""
    name = about.campaign.name
    (item,) = about.items
    return Notice(
        f"{name}: g{item.grant_id} is suspended, nobody answered for it",
        (
            f"{item.evidence.get('role', 'its role')}: {'; '.join(item.why)}",
            f"It is gone at {about.files.when(about.campaign.revoke_at)} unless somebody keeps it.",
        ),
        (
            f"opskit access review decide {name} g{item.grant_id} --keep",
            f"opskit access review decide {name} g{item.grant_id} --revoke",
        ),
        about.reviewers,
    )


OF_REQUESTS: Mapping[str, Callable[[AboutRequest], Notice | None]] = {
    "request.submitted": submitted,
    "request.approved": approved,
    "request.denied": denied,
}
OF_GRANTS: Mapping[str, Callable[[AboutGrant], Notice]] = {
    "grant.activated": activated,
    "grant.partial": partial,
    "grant.failed": failed,
    "grant.revoke_deferred": deferred,
    "grant.revoke_overdue": overdue,
    "breakglass.opened": opened,
    "breakglass.overdue": unreviewed,
}
OF_REVIEWS: Mapping[str, Callable[[AboutReview], Notice | None]] = {
    "review.opened": review_opened,
    "review.missed": review_missed,
}
TOLD = frozenset({*OF_REQUESTS, *OF_GRANTS, *OF_REVIEWS})
