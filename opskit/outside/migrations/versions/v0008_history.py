"""History: what was imported from where teams kept it before."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "history_imports",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("from_at", sa.BigInteger, nullable=False),
        sa.Column("until_at", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("undone_at", sa.BigInteger),
        sa.Column("counts", sa.Text, nullable=False),
    )
    op.create_table(
        "history_rows",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("import_id", sa.BigInteger, sa.ForeignKey("history_imports.id"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("as_of", sa.BigInteger),
        sa.Column("begins_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("source", "key", "version"),
    )
    op.create_index("ix_history_rows_begins", "history_rows", ["what", "begins_at"])
    op.create_index("ix_history_rows_import", "history_rows", ["import_id"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
