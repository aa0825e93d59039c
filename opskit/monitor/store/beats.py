"""Heartbeats: when what must call in did so, and with what word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import sqlalchemy as sa

from opskit.core.clock import DAY, Instant
from opskit.outside.database import METADATA, BigInt

# What was seen of them is kept as looks; these are only read for the next one.
KEPT = 90 * DAY
Word = Literal["ok", "fail", "start"]

BEATS = sa.Table(
    "monitor_beats",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("word", sa.Text, nullable=False),
    sa.Index("ix_monitor_beats_name", "name", "at"),
)


def insert(connection: sa.Connection, name: str, at: Instant, word: Word) -> None:
    """Write that something called in; forget what is old, but never the last of a word."""
    connection.execute(sa.insert(BEATS).values(name=name, at=at, word=word))
    newest = sa.select(sa.func.max(BEATS.c.id)).where(BEATS.c.name == name).group_by(BEATS.c.word)
    old = (BEATS.c.name == name) & (BEATS.c.at < at - KEPT)
    connection.execute(sa.delete(BEATS).where(old, BEATS.c.id.not_in(newest)))


def last(
    connection: sa.Connection, name: str, words: Sequence[str] = get_args(Word)
) -> tuple[Instant, str] | None:
    """Return when something called in last with one of these words, and with which, if it did."""
    query = sa.select(BEATS.c.at, BEATS.c.word).where(BEATS.c.name == name, BEATS.c.word.in_(words))
    row = connection.execute(query.order_by(BEATS.c.at.desc(), BEATS.c.id.desc())).first()
    return None if row is None else (Instant(row.at), row.word)
