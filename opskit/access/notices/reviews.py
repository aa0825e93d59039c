"""What is told of reviews: what is asked, and what nobody answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opskit.access.notices.notice import Files, Notice
from opskit.access.store.reviews import Campaign, Item
from opskit.core.text import plural


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


def opened(about: AboutReview) -> Notice | None:
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


def missed(about: AboutReview) -> Notice:
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
