"""Fleet: what a run depended on, its records, who moved, debts, waivers and fidelity."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and tables; of runs that are there already nothing more is known."""
    _runs()
    _episodes()
    _debts()
    _waivers()
    _fidelity()
    _posture()


def _runs() -> None:
    with op.batch_alter_table("fleet_runs") as table:
        table.add_column(sa.Column("provenance", sa.Text, nullable=False, server_default="{}"))
        table.add_column(sa.Column("basis", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("whole", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("problem", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "fleet_records",
        sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
        sa.Column("records", sa.LargeBinary, nullable=False),
    )


def _episodes() -> None:
    with op.batch_alter_table("fleet_episodes") as table:
        for name in ("before_hash", "after_hash", "moved"):
            table.add_column(sa.Column(name, sa.Text, nullable=False, server_default=""))


def _debts() -> None:
    op.create_table(
        "fleet_debts",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_seq", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("settled_seq", sa.BigInteger),
        sa.Column("settled_how", sa.Text, nullable=False),
    )
    op.create_index("ix_fleet_debts_open", "fleet_debts", ["host", "settled_at"])


def _waivers() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("hosts", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("granted_seq", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("renewals", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_seq", sa.BigInteger),
    )
    op.create_index("ix_waivers_open", "waivers", ["ended_at"])


def _fidelity() -> None:
    op.create_table(
        "fleet_fidelity",
        sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("hit", sa.Integer, nullable=False),
        sa.Column("false_alarm", sa.Integer, nullable=False),
        sa.Column("blind", sa.Integer, nullable=False),
        sa.Column("liar", sa.Integer, nullable=False),
        sa.Column("unsettled", sa.Integer, nullable=False),
    )
    op.create_table(
        "fleet_rollouts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Text, nullable=False),
        sa.Column("failed", sa.Text, nullable=False),
    )


def _posture() -> None:
    op.create_table(
        "fleet_posture",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("ports", sa.Text, nullable=False),
    )
    op.create_table(
        "fleet_exposures",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("found_seq", sa.BigInteger, nullable=False),
        sa.Column("gone_at", sa.BigInteger),
        sa.Column("gone_seq", sa.BigInteger),
    )
    op.create_index("ix_fleet_exposures_open", "fleet_exposures", ["host", "gone_at"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
