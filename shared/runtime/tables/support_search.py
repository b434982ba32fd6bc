"""The tables that support finds customers by, and its notes, in schema `control`."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text

from shared.runtime.tables.control import metadata

# In which tenant a client is: written by a trigger of each tenant's table of clients.
client_place = Table(
    "client_place",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("tenant_id", Text, primary_key=True),
    Index("ix_client_place_tenant_id", "tenant_id"),
)

# What staff tell each other about a customer, who never sees it.
support_note = Table(
    "support_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "account_id", Text, ForeignKey("control.account.id", ondelete="CASCADE"), nullable=False
    ),
    Column("tenant_id", Text),  # null: about the account as a whole
    Column("staff_id", Text, nullable=False),
    Column("staff_email", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_support_note_account_id", "account_id", "created_at"),
)
