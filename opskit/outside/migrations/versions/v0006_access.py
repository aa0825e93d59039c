"""Access: what was asked, decided and granted, and where each grant stands."""

import sqlalchemy as sa
from alembic import op

from opskit.outside.database import BigInt

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables."""
    _create_requests()
    _create_decisions()
    _create_grants()
    _create_places()
    _create_policies()
    _create_reviews()
    _create_usage()
    _create_certificates()


def _create_requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("beneficiary", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("targets", sa.Text, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("starts_at", sa.BigInteger),
        sa.Column("break_glass", sa.Integer, nullable=False),
        sa.Column("extends", sa.BigInteger),
        sa.Column("need", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("judgment", sa.Text, nullable=False),
        sa.Column("check_hash", sa.Text, nullable=False),
        sa.Column("lapses_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_index("ix_access_requests_beneficiary", "access_requests", ["beneficiary"])
    op.create_index("ix_access_requests_state", "access_requests", ["state"])


def _create_decisions() -> None:
    op.create_table(
        "access_decisions",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("request", sa.BigInteger, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("check_hash", sa.Text, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.UniqueConstraint("request", "approver", "check_hash"),
    )


def _create_grants() -> None:
    op.create_table(
        "access_grants",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("request", sa.BigInteger, nullable=False, unique=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("gives", sa.Text, nullable=False),
        sa.Column("targets", sa.Text, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("approved_at", sa.BigInteger, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("start_by", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("provisioned_at", sa.BigInteger),
        sa.Column("usable_at", sa.BigInteger),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("end_reason", sa.Text, nullable=False),
        sa.Column("break_glass", sa.Integer, nullable=False),
        sa.Column("review_due", sa.BigInteger),
        sa.Column("reviewed_at", sa.BigInteger),
        sa.Column("reviewed_by", sa.Text, nullable=False),
        sa.Column("reminded", sa.Integer, nullable=False),
    )
    op.create_index("ix_access_grants_person", "access_grants", ["person"])
    op.create_index("ix_access_grants_state", "access_grants", ["state"])


def _create_places() -> None:
    op.create_table(
        "access_places",
        sa.Column("grant_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("desired", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("observed", sa.Text, nullable=False),
        sa.Column("enforced_by", sa.Text, nullable=False),
        sa.Column("fence_until", sa.BigInteger),
        sa.Column("observed_at", sa.BigInteger),
        sa.Column("absent_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("paged_at", sa.BigInteger),
    )
    op.create_index("ix_access_places_due", "access_places", ["due_at"])
    op.create_index("ix_access_places_place", "access_places", ["kind", "place"])


def _create_policies() -> None:
    op.create_table(
        "access_policies",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("ix_access_policies_seen_at", "access_policies", ["seen_at"])
    op.create_index("ix_access_policies_version", "access_policies", ["version"])


def _create_reviews() -> None:
    op.create_table(
        "access_campaigns",
        sa.Column("id", BigInt, primary_key=True),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("revoke_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_table(
        "access_review_items",
        sa.Column("campaign", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("grant_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reviewers", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _create_usage() -> None:
    op.create_table(
        "access_usage",
        sa.Column("grant_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "access_coverage",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("from_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until_at", sa.BigInteger, nullable=False),
    )


def _create_certificates() -> None:
    op.create_table(
        "access_certificates",
        sa.Column("serial", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("grant_id", sa.BigInteger, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("authority", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("valid_after", sa.BigInteger, nullable=False),
        sa.Column("valid_before", sa.BigInteger, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_access_certificates_grant", "access_certificates", ["grant_id"])
    op.create_index("ix_access_certificates_valid", "access_certificates", ["valid_before"])
    op.create_table(
        "access_revoked_keys",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "access_revocation_lists",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("wanted", sa.BigInteger, nullable=False),
        sa.Column("placed", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
