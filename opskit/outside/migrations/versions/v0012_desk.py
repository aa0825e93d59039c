"""The desk: time that teams keep free, incidents."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the tables."""
    _focus()
    _incidents()


def _focus() -> None:
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


def _incidents() -> None:
    op.create_table(
        "desk_incidents",
        sa.Column("id", BigInt, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("status", "group_key", "fingerprint", "service", "title")
        ),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("merged_into", sa.BigInteger),
    )
    op.create_index("ix_desk_incidents_status", "desk_incidents", ["status"])
    op.create_index("ix_desk_incidents_group", "desk_incidents", ["group_key"])
    op.create_index("ix_desk_incidents_fingerprint", "desk_incidents", ["fingerprint"])
    op.create_index("ix_desk_incidents_started", "desk_incidents", ["started_at"])
    op.create_index("ix_desk_incidents_merged", "desk_incidents", ["merged_into"])
    op.create_table(
        "desk_incident_events",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("incident", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "by", "data")),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_desk_incident_events_incident", "desk_incident_events", ["incident"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
