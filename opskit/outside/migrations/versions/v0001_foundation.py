"""Ledger, outbox, leases, fleet runs and deviations, targets and observations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

GENESIS = "0" * 64
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _records()
    _fleet()
    _monitor()


def _records() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("ix_ledger_subject", "ledger", ["subject", "kind"])
    op.create_index("ix_ledger_at", "ledger", ["at"])
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": GENESIS}])
    op.create_table(
        "outbox",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "due_at"])
    op.create_table(
        "leases",
        sa.Column("resource", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def _fleet() -> None:
    op.create_table(
        "fleet_runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("standard", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("owner_node", sa.Text, nullable=False),
        sa.Column("owner_pid", sa.Integer, nullable=False),
        sa.Column("owner_started", sa.Float, nullable=False),
        sa.Column("started_seq", sa.BigInteger, nullable=False),
        sa.Column("finished_seq", sa.BigInteger),
    )
    op.create_index("ix_fleet_runs_state", "fleet_runs", ["state"])
    op.create_index("ix_fleet_runs_started", "fleet_runs", ["started_at"])
    op.create_table(
        "fleet_hosts",
        sa.Column("run_id", sa.Text, sa.ForeignKey("fleet_runs.id"), primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("drift", sa.Integer, nullable=False),
        sa.Column("not_evaluated", sa.Integer, nullable=False),
    )
    op.create_index("ix_fleet_hosts_host", "fleet_hosts", ["host", "verdict"])
    op.create_table(
        "fleet_episodes",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("last_good_at", sa.BigInteger),
        sa.Column("detected_at", sa.BigInteger, nullable=False),
        sa.Column("detected_seq", sa.BigInteger, nullable=False),
        sa.Column("fixed_at", sa.BigInteger),
        sa.Column("fixed_seq", sa.BigInteger),
    )
    op.create_index("ix_fleet_episodes_open", "fleet_episodes", ["host", "fixed_at"])


def _monitor() -> None:
    op.create_table(
        "monitor_targets",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("registered_at", sa.BigInteger, nullable=False),
        sa.Column("registered_seq", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("seen", sa.Text),
        sa.Column("seen_since", sa.BigInteger),
    )
    op.create_table(
        "monitor_observations",
        sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("took", sa.BigInteger, nullable=False),
        sa.Column("interval", sa.BigInteger, nullable=False),
        sa.Column("seal_seq", sa.BigInteger),
    )
    op.create_index("ix_monitor_observations_seal", "monitor_observations", ["seal_seq"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
