"""The accounts' audit log, and the signed heads of all chains."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The login adds events and moves heads on. It takes nothing away, and changes no event.
_AUDIT = """
CREATE TABLE control.account_event (
  account_id text NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor_kind text NOT NULL,
  actor_id text NOT NULL,
  actor_email text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  before text,
  after text,
  address text NOT NULL,
  request_id text NOT NULL,
  previous bytea NOT NULL,
  digest bytea NOT NULL,
  key_id text NOT NULL,
  PRIMARY KEY (account_id, seq)
);

CREATE TABLE control.audit_head (
  chain text PRIMARY KEY,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  digest bytea NOT NULL,
  signature bytea NOT NULL,
  key_id text NOT NULL
);

GRANT SELECT, INSERT ON control.account_event TO "{control}";
GRANT SELECT, INSERT, UPDATE ON control.audit_head TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _AUDIT.format(**roles))
