"""What is told of grants, emergencies among them: in force, missing, not gone when due. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.access.approvers import Asking, seats
from opskit.access.model import Approval
from opskit.access.notices.notice import Files, Notice
from opskit.access.store.grants import Grant
from opskit.access.store.requests import Request
from opskit.core.clock import format_duration


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


WORDS: Mapping[str, Callable[[AboutGrant], Notice]] = {
    "grant.activated": activated,
    "grant.partial": partial,
    "grant.failed": failed,
    "grant.revoke_deferred": deferred,
    "grant.revoke_overdue": overdue,
    "breakglass.opened": opened,
    "breakglass.overdue": unreviewed,
}
