"""The access slice's tables. Commands that only need to know them import nothing else of it."""

from __future__ import annotations

import sqlalchemy as sa

from opskit.outside.database import METADATA, BigInt

REQUESTS = sa.Table(
    "access_requests",
    METADATA,
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
    sa.Index("ix_access_requests_state", "state"),
    sa.Index("ix_access_requests_beneficiary", "beneficiary"),
)

DECISIONS = sa.Table(
    "access_decisions",
    METADATA,
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

GRANTS = sa.Table(
    "access_grants",
    METADATA,
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
    sa.Index("ix_access_grants_state", "state"),
    sa.Index("ix_access_grants_person", "person"),
)

PLACES = sa.Table(
    "access_places",
    METADATA,
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
    sa.Index("ix_access_places_due", "due_at"),
    sa.Index("ix_access_places_place", "kind", "place"),
)

# The states of the files that something was judged by, one after the other; one that came back is
# there once more.
POLICIES = sa.Table(
    "access_policies",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("ix_access_policies_seen_at", "seen_at"),
    sa.Index("ix_access_policies_version", "version"),
)

CAMPAIGNS = sa.Table(
    "access_campaigns",
    METADATA,
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("revoke_at", sa.BigInteger, nullable=False),
    sa.Column("closed_at", sa.BigInteger),
)
REVIEW_ITEMS = sa.Table(
    "access_review_items",
    METADATA,
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
# What grants were used for: a login, or a command; counted by target.
USAGE = sa.Table(
    "access_usage",
    METADATA,
    sa.Column("grant_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),
)
# For which times the logs of a target were read whole: without them nothing counts as unused.
COVERAGE = sa.Table(
    "access_coverage",
    METADATA,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("from_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until_at", sa.BigInteger, nullable=False),
)
# Every SSH certificate that was issued, until when it could be used, and whether it still may.
CERTIFICATES = sa.Table(
    "access_certificates",
    METADATA,
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
    sa.Index("ix_access_certificates_grant", "grant_id"),
    sa.Index("ix_access_certificates_valid", "valid_before"),
)
# Keys that count nowhere any more, under whatever certificate.
REVOKED_KEYS = sa.Table(
    "access_revoked_keys",
    METADATA,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
# Which hosts must refuse what was revoked, up to which revision they do, and what is owed.
REVOCATION_LISTS = sa.Table(
    "access_revocation_lists",
    METADATA,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("wanted", sa.BigInteger, nullable=False),
    sa.Column("placed", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
)
