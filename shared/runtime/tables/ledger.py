"""The tables of schema `ledger`, which hold what grows with traffic, for all tenants.

Row-level security is forced on all: under a tenant's role only that tenant's rows exist. Their
truth is migrations/control; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(schema="ledger")

# Partitioned by `jti`: a UUIDv7 begins with its time, so a range of ids is a day (decision 0004).
issued = Table(
    "issued",
    metadata,
    Column("jti", UUID, nullable=False),
    Column("lifetime", Integer, nullable=False),  # seconds
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),
)

# What was written once, and is not written again when it is replayed. Partitioned by day too.
batch = Table("batch", metadata, Column("id", UUID, primary_key=True))

# Partitioned by day too: `id` is a UUIDv7 of the time of the refusal.
refused = Table(
    "refused",
    metadata,
    Column("id", UUID, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),  # as presented; '' where there was none
    Column("endpoint", Text, nullable=False),
    Column("error", Text, nullable=False),  # the wire code
    Column("reason", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Index("ix_refused_tenant", "tenant", "id"),
    Index("ix_refused_request_id", "request_id"),
)

# Counts of an hour, summed over the writers when read; partitioned by month. What was issued moves
# with the tokens' records, and its minutes say where those are: they have no index by client.
usage = Table(
    "usage",
    metadata,
    Column("hour", DateTime(timezone=True), nullable=False),
    Column("minutes", BigInteger, nullable=False),  # bit n: something was issued in the nth
    Column("count", Integer, nullable=False),
    Column("writer", Integer, nullable=False),  # a connection, so that no two wait for a row
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("api", Text, nullable=False),  # '' where none is known
    Column("event", Text, nullable=False),  # issued | introspected | limited | refused:<code>
    PrimaryKeyConstraint("tenant", "hour", "client_id", "api", "event", "writer"),
    Index("ix_usage_hour", "hour", postgresql_using="brin"),
)

# The same by day, for pages of months; partitioned by month.
usage_day = Table(
    "usage_day",
    metadata,
    Column("day", Date, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("event", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "client_id", "day", "api", "event"),
    Index("ix_usage_day_day", "tenant", "day"),
)

# And without the clients: a month of thousands of them is few rows here.
usage_day_all = Table(
    "usage_day_all",
    metadata,
    Column("day", Date, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("event", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "day", "api", "event"),
    Index("ix_usage_day_all_day", "day", postgresql_using="brin"),
)

# By month with the clients, for whose months of days would be thirty times the rows.
usage_month = Table(
    "usage_month",
    metadata,
    Column("month", Date, nullable=False),  # its first day
    Column("count", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("event", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "month", "client_id", "api", "event"),
)

# One row: the hours before `until` are in the three, of the others the hours are read.
rolled_up = Table(
    "rolled_up",
    metadata,
    Column("until", DateTime(timezone=True), nullable=False),
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
)

# What an account was issued in a UTC month, summed over the writers when read.
account_month = Table(
    "account_month",
    metadata,
    Column("account", Text, primary_key=True),
    Column("month", Text, primary_key=True),  # such as 2026-11
    Column("writer", Integer, primary_key=True),
    Column("issued", BigInteger, nullable=False),
)

revocation = Table(
    "revocation",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # token | client | tenant
    Column("subject", Text, primary_key=True),  # jti, client_id, or '' for the whole tenant
    # of a client or tenant: tokens issued until then are refused
    Column("not_before", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),  # nothing it denies lives longer
    # and `changed xid8`, set by a trigger: what a follower's poll starts from
)

# What a client may present once: assertions, proofs, signed requests.
replay = Table(
    "replay",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_replay_expires_at", "expires_at"),
)

secret_use = Table(
    "secret_use",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # of the client_secret
    Column("used_at", DateTime(timezone=True), nullable=False),  # to the minute or so
    Column("address", Text, nullable=False),
)

# The shares of its month's tokens that an account has used: 60, 80 and 100 percent, once each.
quota_threshold = Table(
    "quota_threshold",
    metadata,
    Column("account", Text, primary_key=True),
    Column("month", Text, primary_key=True),  # such as 2026-11
    Column("percent", Integer, primary_key=True),
    Column("reached_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
