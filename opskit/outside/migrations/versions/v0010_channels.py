"""Deliveries in order, again, and by way of others; how each channel goes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("group_key", "digest"):
        op.add_column("outbox", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("claimed_until", "fell_back_at"):
        op.add_column("outbox", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_outbox_group", "outbox", ["channel", "group_key", "state", "id"])
    op.create_table(
        "outbox_channels",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("rests_until", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
