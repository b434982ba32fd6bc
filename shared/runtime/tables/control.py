"""The tables of schema `control`. Their truth is migrations/control; a test compares the two."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, MetaData, Table, Text, text

metadata = MetaData(schema="control")

# The customer that pays, and has tenants.
account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
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
    Index("ix_tenant_account_id", "account_id"),
    Index("ix_tenant_keys_due_at", "keys_due_at", postgresql_where=text("status <> 'deleted'")),
)

issuer_snapshot = Table(
    "issuer_snapshot",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON of shared.domain.snapshot.IssuerSnapshot
    # and `changed xid8`, set by a trigger: what a follower's poll starts from
)
