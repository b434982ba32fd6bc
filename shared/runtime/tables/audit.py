"""The account's audit log and the heads of all chains, in schema `control`; the tenant's own log is
in its schema. Rows are added and read, never changed: no login has the right to.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    text,
)

from shared.runtime.tables.control import metadata
from shared.runtime.tables.tenant import event_columns

account_event = Table(
    "account_event",
    metadata,
    Column("account_id", Text, primary_key=True),
    *event_columns(),
)

# How far each chain goes, signed: without it nobody would miss a chain's last events.
audit_head = Table(
    "audit_head",
    metadata,
    Column("chain", Text, primary_key=True),  # tenant:… or account:…
    Column("seq", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("anchored_seq", BigInteger, nullable=False, server_default=text("0")),  # outside
)

# Where a chain begins whose oldest events are past their time: the last that is gone, signed.
audit_floor = Table(
    "audit_floor",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
)
