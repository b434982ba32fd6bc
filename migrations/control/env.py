"""Alembic's environment of the control tree; the connection is given by migrations/run.py."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="control",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
