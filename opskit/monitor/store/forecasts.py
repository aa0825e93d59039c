"""Forecasts as they were made, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa

from opskit.outside.database import METADATA, BigInt

FORECASTS = sa.Table(
    "monitor_forecasts",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("metric", sa.BigInteger, sa.ForeignKey("monitor_metrics.id"), nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    # When the threshold is to be reached; nothing where none is foreseen any more.
    sa.Column("expected_at", sa.BigInteger),
    sa.Column("made_seq", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("ix_monitor_forecasts_metric", "metric"),
)
