"""Fleet: what a host looked like when a full check found it compliant."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables; what is not in them is fully checked."""
    op.create_table(
        "fleet_fingerprints",
        sa.Column("standard", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), nullable=False),
        sa.Column("checked_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Integer, nullable=False),
        sa.Column("looks", sa.Text, nullable=False),
        sa.Column("prints", sa.Text, nullable=False),
    )
    op.create_table(
        "fleet_scopes",
        sa.Column("standard", sa.Text, primary_key=True),
        sa.Column("host_limit", sa.Text, primary_key=True),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("hosts", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
