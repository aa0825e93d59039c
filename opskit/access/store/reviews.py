"""Review campaigns: which grants were looked at, by whom, and what was said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.store.tables import CAMPAIGNS, REVIEW_ITEMS
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Campaign:
    """A look at all access. What nobody answers by `due_at` is suspended, by `revoke_at` gone."""

    id: int
    opened_at: Instant
    opened_by: str
    due_at: Instant
    revoke_at: Instant
    closed_at: Instant | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"v{self.id}"


@dataclass(frozen=True, slots=True)
class Item:
    """One grant in a campaign. `why` says why a human is asked; empty where it keeps itself.

    `outcome` is `kept`, `revoked`, `suspended`, or empty while nobody has answered.
    """

    campaign: int
    grant_id: int
    reviewers: tuple[str, ...]
    why: tuple[str, ...]
    evidence: dict[str, Any]
    outcome: str
    decided_by: str
    decided_at: Instant | None
    reason: str


def open_campaign(connection: sa.Connection, **values: object) -> Campaign:
    """Write a campaign."""
    query = sa.insert(CAMPAIGNS).values(**values).returning(*CAMPAIGNS.c)
    return Campaign(*connection.execute(query).one())


def add(connection: sa.Connection, item: Item) -> None:
    """Write what is to be looked at."""
    values = {name: getattr(item, name) for name in item.__slots__}
    for name in ("reviewers", "why", "evidence"):
        values[name] = json.dumps(values[name])
    connection.execute(sa.insert(REVIEW_ITEMS).values(**values))


def settle_item(connection: sa.Connection, item: Item, before: str, **values: object) -> bool:
    """Write an outcome, where it is still `before`; return whether it was."""
    moved = connection.execute(
        sa.update(REVIEW_ITEMS)
        .where(
            REVIEW_ITEMS.c.campaign == item.campaign,
            REVIEW_ITEMS.c.grant_id == item.grant_id,
            REVIEW_ITEMS.c.outcome == before,
        )
        .values(**values)
    )
    return moved.rowcount == 1


def close(connection: sa.Connection, number: int, at: Instant) -> None:
    """Write that a campaign is over."""
    ended = sa.update(CAMPAIGNS).where(CAMPAIGNS.c.id == number).values(closed_at=at)
    connection.execute(ended)


def campaign(connection: sa.Connection, number: int) -> Campaign:
    """Return a campaign.

    Raises:
        ConfigError: there is none with this number.
    """
    row = connection.execute(sa.select(CAMPAIGNS).where(CAMPAIGNS.c.id == number)).one_or_none()
    if row is None:
        raise ConfigError(f"there is no review v{number}", hint="opskit access review list")
    return Campaign(*row)


def campaigns(connection: sa.Connection, *, still_open: bool = False) -> tuple[Campaign, ...]:
    """Return all campaigns, or those that are not closed, oldest first."""
    query = sa.select(CAMPAIGNS).order_by(CAMPAIGNS.c.id)
    if still_open:
        query = query.where(CAMPAIGNS.c.closed_at.is_(None))
    return tuple(Campaign(*row) for row in connection.execute(query))


def items(connection: sa.Connection, number: int) -> tuple[Item, ...]:
    """Return what a campaign looks at, by the numbers of the grants."""
    query = sa.select(REVIEW_ITEMS).where(REVIEW_ITEMS.c.campaign == number)
    return tuple(map(_item, connection.execute(query.order_by(REVIEW_ITEMS.c.grant_id))))


def _item(row: Any) -> Item:  # noqa: ANN401  # a row of REVIEW_ITEMS
    return Item(
        row.campaign, row.grant_id, tuple(json.loads(row.reviewers)), tuple(json.loads(row.why)),
        json.loads(row.evidence), row.outcome, row.decided_by, row.decided_at, row.reason,
    )  # fmt: skip
