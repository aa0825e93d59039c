"""Drills: faults made on purpose, and how far word of them came."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "alerts_drills",
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
    )
    op.create_index("ix_alerts_drills_begun", "alerts_drills", ["begun_at"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
