"""The tables of alerting. Commands that only need to know them import nothing else of it."""

from __future__ import annotations

import sqlalchemy as sa

from opskit.outside.database import METADATA, BigInt

DRILLS = sa.Table(
    "alerts_drills",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("deadline_at", sa.BigInteger, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("seen", sa.Integer),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("routes", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.BigInteger),
    sa.Column("missed_at", sa.BigInteger),
    sa.Column("refs", sa.Text, nullable=False),
    sa.Index("ix_alerts_drills_begun", "begun_at"),
)

# One row for each time that an alert was pending or fired. `open` is 1 as long as it is pending,
# fires, or somebody has yet to hear that it is over.
FIRINGS = sa.Table(
    "alerts_firings",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.Column("annotations", sa.Text, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("starts_at", sa.BigInteger),
    sa.Column("missing_at", sa.BigInteger),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("refs", sa.Text, nullable=False),
    sa.Index("ix_alerts_firings_open", "open"),
    sa.Index("ix_alerts_firings_starts", "starts_at"),
    sa.Index("ix_alerts_firings_fingerprint", "fingerprint"),
)

SILENCES = sa.Table(
    "alerts_silences",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("matchers", sa.Text, nullable=False),
    sa.Column("starts_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("reminded_at", sa.BigInteger),
    sa.Index("ix_alerts_silences_ends", "ends_at"),
)

ACKNOWLEDGEMENTS = sa.Table(
    "alerts_acknowledgements",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Index("ix_alerts_acknowledgements_fingerprint", "fingerprint"),
    sa.Index("ix_alerts_acknowledgements_until", "until"),
)

# Times that somebody took over by a command, beside the overrides in the routes file.
SHIFTS = sa.Table(
    "alerts_shifts",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("rota", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("start_at", sa.BigInteger, nullable=False),
    sa.Column("end_at", sa.BigInteger, nullable=False),
    sa.Index("ix_alerts_shifts_end", "end_at"),
)

# What the router knows from one turn to the next: a row for each group, and one for the rest.
ROUTING = sa.Table(
    "alerts_routing",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

NOTICES = sa.Table(
    "alerts_notices",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("occasion", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("firing", sa.Text, nullable=False),
    sa.Column("resolved", sa.Text, nullable=False),
    sa.Column("refs", sa.Text, nullable=False),
    sa.Index("ix_alerts_notices_at", "at"),
)

# History of what the metrics page showed: a sample is written where it differs from the one before.
SERIES = sa.Table(
    "alerts_series",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False, unique=True),
    sa.Index("ix_alerts_series_name", "name"),
)

# Times are milliseconds since 1970, as Prometheus has them; no value is a series that ended.
SAMPLES = sa.Table(
    "alerts_samples",
    METADATA,
    sa.Column("series", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Float),
    sa.Index("ix_alerts_samples_at", "at"),
)

# Stretches in which the page was looked at, each `step` ms; what lies between them was not seen.
PASSES = sa.Table(
    "alerts_passes",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("start_at", sa.BigInteger, nullable=False),
    sa.Column("end_at", sa.BigInteger, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Index("ix_alerts_passes_end", "end_at"),
)
