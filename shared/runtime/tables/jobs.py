"""The tables of schema `control` that the background work keeps about itself, for support to see.

The jobs themselves are procrastinate's, in schema `jobs`. Their truth is migrations/control.
"""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text

from shared.runtime.tables.control import metadata

# Whose job is gone once it is sent. Of the address no more than its domain.
letter = Table(
    "letter",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Index("ix_letter_queued_at", "queued_at"),
)

# Why a job failed the last time.
job_error = Table(
    "job_error",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("error", Text, nullable=False),  # without secrets and addresses
    Column("at", DateTime(timezone=True), nullable=False),
)

# When what is done every so often was done last, by whichever process.
periodic_run = Table(
    "periodic_run",
    metadata,
    Column("name", Text, primary_key=True),
    Column("every", Integer, nullable=False),  # seconds
    Column("ran_at", DateTime(timezone=True), nullable=False),
    Column("well_at", DateTime(timezone=True)),  # of the last run that ended well
    Column("outcome", Text, nullable=False),  # of that one
    Column("error", Text),  # null: the last run is that one
)
