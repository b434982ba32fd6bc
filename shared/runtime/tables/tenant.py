"""The tables of a tenant's schema, which is left unnamed here: the transaction names it.

Few on purpose (at most 6): a connection's memory and the catalogue grow with tables times tenants.
Their truth is migrations/tenant; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def _created_at() -> "Column[object]":
    return Column(
        "created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")
    )


def event_columns() -> "list[Column[Any]]":
    """Give the columns of an audit log: a tenant's, or the accounts'."""
    texts = ("actor_kind", "actor_id", "actor_email", "action", "target")
    return [
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("at", DateTime(timezone=True), nullable=False),
        *(Column(name, Text, nullable=False) for name in texts),
        Column("before", Text),  # JSON as it was digested
        Column("after", Text),
        *(Column(name, Text, nullable=False) for name in ("address", "request_id")),
        Column("previous", LargeBinary, nullable=False),  # the digest of the event before
        Column("digest", LargeBinary, nullable=False),
        Column("key_id", Text, nullable=False),  # what it was digested under
    ]


api = Table(
    "api",
    metadata,
    Column("identifier", Text, primary_key=True),  # the `aud`; never changes
    Column("name", Text, nullable=False),
    Column("scopes", JSONB, nullable=False),  # scope -> description
    Column("token_lifetime", Integer, nullable=False),  # seconds
    Column("algorithm", Text, nullable=False),
    Column("profile", Text, nullable=False),
    _created_at(),
)

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("default_api", Text, ForeignKey("api.identifier")),
    Column("serves", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    _created_at(),
    Column("auth_method", Text, nullable=False, server_default=text("'client_secret'")),
    # of a private_key_jwt client, one of the two
    Column("jwks", JSONB(none_as_null=True)),
    Column("jwks_uri", Text),
    Column("legacy_assertions", Boolean, nullable=False, server_default=text("false")),
    Column("dpop", Text, nullable=False, server_default=text("'optional'")),
    Column("claims", JSONB, nullable=False, server_default=text("'{}'")),  # static, in each token
    Column("workloads", JSONB, nullable=False, server_default=text("'[]'")),  # domain.workload
    # its own limit, in token requests; both or neither
    Column("token_rate", Integer),  # a second
    Column("token_burst", Integer),
    Index(
        "ix_client_workloads",
        "workloads",
        postgresql_using="gin",
        postgresql_ops={"workloads": "jsonb_path_ops"},
    ),
)

client_secret = Table(
    "client_secret",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column(
        "client_id",
        Text,
        ForeignKey("client.client_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("pepper_id", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    _created_at(),
    Column("name", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    # while a rotation is open, of the secrets that end with it
    Column("former_expiry", DateTime(timezone=True)),
    Column("replaced_by", Text),  # the new secret's name
    Index("ix_client_secret_name", "client_id", "name", unique=True),
)

client_grant = Table(
    "client_grant",
    metadata,
    Column(
        "client_id",
        Text,
        ForeignKey("client.client_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("api", Text, ForeignKey("api.identifier"), primary_key=True, index=True),
    Column("scopes", ARRAY(Text), nullable=False),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("jwk", JSONB, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _created_at(),
    Column("current_at", DateTime(timezone=True)),  # since when it signs
    Column("retired_at", DateTime(timezone=True)),  # since when it signs no more
    Column("signs_at", DateTime(timezone=True)),  # when a next key is to sign
)

# Chained (control_plane/audit): rows are added and read, never changed.
audit_event = Table("audit_event", metadata, *event_columns())
