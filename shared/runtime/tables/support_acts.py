"""What support does to customers, in schema `control`. Rows end and stay: they say who and why."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)

from shared.runtime.tables.control import metadata


def _account() -> Column[str]:
    return Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), nullable=False
    )


# A limit in the place of contract and plan, for a while. `account.overrides` has what is live.
limit_override = Table(
    "limit_override",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("field", Text, nullable=False),  # as shared.domain.plan.Overrides names it
    Column("value", BigInteger, nullable=False),
    Column("burst", BigInteger),  # of a rate
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("staff_email", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index(
        "ix_limit_override_live",
        "account_id",
        "field",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_limit_override_account_id", "account_id", "created_at"),
    Index("ix_limit_override_ends_at", "ends_at", postgresql_where=text("ended_at IS NULL")),
)

# `account.suspended` has the kind of the live one.
suspension = Table(
    "suspension",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("kind", Text, nullable=False),  # shared.domain.suspension.SuspensionKind
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("staff_email", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("lifted_at", DateTime(timezone=True)),
    Column("lifted_by", Text),  # e-mail of the staff member
    Column("lifted_for", Text),  # the reason
    Index(
        "ix_suspension_live", "account_id", unique=True, postgresql_where=text("lifted_at IS NULL")
    ),
    Index("ix_suspension_account_id", "account_id", "created_at"),
)

# A staff member's read-only look at the console, as an account's members see it.
support_view = Table(
    "support_view",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("grant_id", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("staff_email", Text, nullable=False),
    Column("staff_session", Text, nullable=False),  # its public id: the view ends with it
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("handover_digest", LargeBinary, nullable=False, unique=True),  # of the one-time token
    Column("handover_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("session_digest", LargeBinary, unique=True),  # of the cookie; null until handed over
    Column("ended_at", DateTime(timezone=True)),
    Index("ix_support_view_account_id", "account_id", "created_at"),
    Index("ix_support_view_ends_at", "ends_at"),
)

# Deleting a tenant takes two: who asks never approves.
deletion_request = Table(
    "deletion_request",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("tenant_id", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("asked_by", Text, nullable=False),  # staff id
    Column("asked_email", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("approved", Boolean),  # null: open
    Column("decided_by", Text),
    Column("decided_email", Text),
    Column("decided_for", Text),  # the reason
    Column("decided_at", DateTime(timezone=True)),
    Column("outcome", Text),  # what the job made of an approved one
    Index(
        "ix_deletion_request_open",
        "tenant_id",
        unique=True,
        postgresql_where=text("decided_at IS NULL"),
    ),
    Index("ix_deletion_request_account_id", "account_id", "asked_at"),
)
