"""Attempts at signing in, which all workers count together."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ATTEMPTS = """
CREATE UNLOGGED TABLE control.attempt (
  key bytea PRIMARY KEY,
  ends_at timestamptz NOT NULL,
  attempts integer NOT NULL
);
CREATE INDEX ix_attempt_ends_at ON control.attempt (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.attempt TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _ATTEMPTS.format(**roles))
