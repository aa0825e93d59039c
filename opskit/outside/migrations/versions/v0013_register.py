"""What people write down at the desk, of every kind."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "desk_entries",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_desk_entries_number", "desk_entries", ["kind", "number"])
    op.create_index("ix_desk_entries_at", "desk_entries", ["kind", "at"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
