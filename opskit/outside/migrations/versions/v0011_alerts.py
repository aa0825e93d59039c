"""Alerts: what fires, what people said of it, what the router knows, what the page showed."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables."""
    _firings()
    _said()
    _told()
    _seen()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _firings() -> None:
    op.create_table(
        "alerts_firings",
        sa.Column("id", BigInt, primary_key=True),
        *_text("fingerprint", "source", "rule", "labels", "annotations"),
        sa.Column("value", sa.Float),
        *_times("since"),
        *(sa.Column(name, sa.BigInteger) for name in ("starts_at", "missing_at", "ends_at")),
        sa.Column("open", sa.Integer, nullable=False),
        *_text("refs"),
    )
    op.create_index("ix_alerts_firings_open", "alerts_firings", ["open"])
    op.create_index("ix_alerts_firings_starts", "alerts_firings", ["starts_at"])
    op.create_index("ix_alerts_firings_fingerprint", "alerts_firings", ["fingerprint"])


def _said() -> None:
    op.create_table(
        "alerts_silences",
        sa.Column("id", sa.Text, primary_key=True),
        *_text("matchers"),
        *_times("starts_at", "ends_at"),
        *_text("created_by"),
        *_times("created_at"),
        *_text("comment"),
        sa.Column("reminded_at", sa.BigInteger),
    )
    op.create_index("ix_alerts_silences_ends", "alerts_silences", ["ends_at"])
    op.create_table(
        "alerts_acknowledgements",
        sa.Column("id", BigInt, primary_key=True),
        *_text("fingerprint", "by"),
        *_times("at", "until"),
        *_text("comment"),
    )
    for name in ("fingerprint", "until"):
        op.create_index(f"ix_alerts_acknowledgements_{name}", "alerts_acknowledgements", [name])


def _told() -> None:
    op.create_table(
        "alerts_shifts",
        sa.Column("id", BigInt, primary_key=True),
        *_text("rota", "person"),
        *_times("start_at", "end_at"),
    )
    op.create_index("ix_alerts_shifts_end", "alerts_shifts", ["end_at"])
    op.create_table(
        "alerts_routing",
        sa.Column("key", sa.Text, primary_key=True),
        *_text("body"),
    )
    op.create_table(
        "alerts_notices",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        *_times("at"),
        *_text("group_key", "occasion", "severity", "told", "firing", "resolved", "refs"),
    )
    op.create_index("ix_alerts_notices_at", "alerts_notices", ["at"])


def _seen() -> None:
    op.create_table(
        "alerts_series",
        sa.Column("id", BigInt, primary_key=True),
        *_text("name"),
        sa.Column("labels", sa.Text, nullable=False, unique=True),
    )
    op.create_index("ix_alerts_series_name", "alerts_series", ["name"])
    op.create_table(
        "alerts_samples",
        sa.Column("series", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Float),
    )
    op.create_index("ix_alerts_samples_at", "alerts_samples", ["at"])
    op.create_table(
        "alerts_passes",
        sa.Column("id", BigInt, primary_key=True),
        *_times("start_at", "end_at", "step"),
    )
    op.create_index("ix_alerts_passes_end", "alerts_passes", ["end_at"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
