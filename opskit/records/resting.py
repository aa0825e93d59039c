"""How each channel goes: one that failed often rests, then one message is tried.

Whoever claims or settles a delivery holds the row of its channel, so of two couriers one sees what
the other did.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from opskit.core.clock import HOUR, MINUTE, SECOND, Duration, Instant
from opskit.outside.database import METADATA

# So many failures in a row, whichever messages they were of, and the channel rests.
RESTS_AFTER = 5
_FIRST_REST = Duration(30 * SECOND)
_LONGEST_REST = Duration(15 * MINUTE)

CHANNELS = sa.Table(
    "outbox_channels",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("rests_until", sa.BigInteger, nullable=False),
)


def hold(connection: sa.Connection, channels: Sequence[str]) -> dict[str, sa.RowMapping]:
    """Return `failures` and `rests_until` of channels, held until the transaction ends."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    query = (
        sa.select(CHANNELS.c.channel, CHANNELS.c.failures, CHANNELS.c.rests_until)
        .where(CHANNELS.c.channel.in_(channels))
        .order_by(CHANNELS.c.channel)
        .with_for_update()
    )
    found = {row["channel"]: row for row in connection.execute(query).mappings()}
    missing = sorted(set(channels) - set(found))
    if not missing:
        return found
    new = [{"channel": one, "failures": 0, "rests_until": 0} for one in missing]
    connection.execute(insert(CHANNELS).on_conflict_do_nothing(), new)
    return {row["channel"]: row for row in connection.execute(query).mappings()}


def failed(
    connection: sa.Connection, channel: str, now: Instant, *, jitter: float, wait: Duration
) -> None:
    """Note a failure; `wait` is for how long the other side asked to be left alone."""
    failures = hold(connection, (channel,))[channel]["failures"] + 1
    rest = max(rest_of(failures, jitter), min(wait, HOUR))
    connection.execute(
        sa.update(CHANNELS)
        .where(CHANNELS.c.channel == channel)
        .values(failures=failures, rests_until=now + rest if rest else 0)
    )


def answered(connection: sa.Connection, channel: str) -> bool:
    """Note that the other side is there; return whether the channel rested before."""
    failures = hold(connection, (channel,))[channel]["failures"]
    if failures:
        own = CHANNELS.c.channel == channel
        connection.execute(sa.update(CHANNELS).where(own).values(failures=0, rests_until=0))
    return bool(failures >= RESTS_AFTER)


def tried(connection: sa.Connection, channel: str, until: Instant) -> None:
    """Keep everything else from a channel that is being tried."""
    own = CHANNELS.c.channel == channel
    connection.execute(sa.update(CHANNELS).where(own).values(rests_until=until))


def rest_of(failures: int, jitter: float) -> Duration:
    """Return for how long a channel rests; `jitter`, of 0 to 1, shortens it by up to a fifth."""
    if failures < RESTS_AFTER:
        return Duration(0)
    rest = min(_FIRST_REST << min(failures - RESTS_AFTER, 10), _LONGEST_REST)
    return Duration(int(rest * (1 - jitter / 5)))
