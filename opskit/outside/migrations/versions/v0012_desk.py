"""The desk: time that teams keep free."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "desk_focus",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger, nullable=False),
        sa.Column("passes", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("team", "start_at"),
    )
    op.create_index("ix_desk_focus_end", "desk_focus", ["end_at"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
