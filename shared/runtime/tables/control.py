"""The tables of schema `control`. Their truth is migrations/control; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="control")

# The customer that pays, and has tenants.
account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("plan", Text, nullable=False, server_default=text("'sandbox'")),
    Column("overage_cap", Integer),  # US cents a month; null: no overage is bought
    Column("enforcement", Text, nullable=False, server_default=text("'enforce'")),
    # by contract, in the place of the plan's
    Column("custom_rate", Integer),
    Column("custom_burst", Integer),
    Column("custom_tokens", BigInteger),
    Column("limits_version", BigInteger, nullable=False, server_default=text("0")),
    Column("limits_due", Boolean, nullable=False, server_default=text("false")),  # to be published
    # what support has set: of limit_override and suspension, what is live
    Column(
        "overrides", JSONB, nullable=False, server_default=text("'{}'")
    ),  # domain.plan.Overrides
    Column("suspended", Text),  # domain.suspension.SuspensionKind
    Index("ix_account_limits_due", "id", postgresql_where=text("limits_due")),
    Index("ix_account_created_at", "created_at"),
)

tenant = Table(
    "tenant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slug", Text, unique=True),  # held for 90 days after deletion, then null
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("schema_revision", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("deleted_at", DateTime(timezone=True)),
    # when a signing key is next to be made, to sign or to go
    Column("keys_due_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column(
        "account_id",
        Text,
        ForeignKey("control.account.id"),
        nullable=False,
        server_default=text("'operator'"),
    ),
    Column("environment", Text, nullable=False, server_default=text("'test'")),  # or live
    # while its deletion can be undone: when it goes
    Column("deletes_at", DateTime(timezone=True)),
    Index("ix_tenant_account_id", "account_id"),
    Index("ix_tenant_keys_due_at", "keys_due_at", postgresql_where=text("status <> 'deleted'")),
    Index("ix_tenant_deletes_at", "deletes_at", postgresql_where=text("deletes_at IS NOT NULL")),
)

issuer_snapshot = Table(
    "issuer_snapshot",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON of shared.domain.snapshot.IssuerSnapshot
    Column("limits_version", BigInteger, nullable=False, server_default=text("0")),  # the account's
    # and `changed xid8`, set by a trigger: what a follower's poll starts from
)
