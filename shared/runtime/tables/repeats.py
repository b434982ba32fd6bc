"""Answers of the management API that are given once more to a repeated request."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text, text

from shared.runtime.tables.control import metadata

kept_answer = Table(
    "kept_answer",
    metadata,
    Column("client_id", Text, primary_key=True),  # of the API key
    Column("key", Text, primary_key=True),  # the request's Idempotency-Key
    Column("digest", LargeBinary, nullable=False),  # of the request
    Column("answer", LargeBinary),  # sealed: it may hold a secret; null while it is being made
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_kept_answer_begun_at", "begun_at"),
)
