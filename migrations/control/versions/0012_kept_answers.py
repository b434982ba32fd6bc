"""Answers of the management API, for requests that are repeated with their Idempotency-Key."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KEPT_ANSWERS = """
CREATE TABLE control.kept_answer (
  client_id text NOT NULL,
  key text NOT NULL,
  digest bytea NOT NULL,
  answer bytea,
  begun_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (client_id, key)
);
CREATE INDEX ix_kept_answer_begun_at ON control.kept_answer (begun_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.kept_answer TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _KEPT_ANSWERS.format(**roles))
