"""The tenant's audit log. Its rows are added and read: not even their owner may change them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_AUDIT = """
CREATE TABLE audit_event (
  seq bigint PRIMARY KEY,
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
  key_id text NOT NULL
);
REVOKE UPDATE, DELETE, TRUNCATE ON audit_event FROM CURRENT_USER;
"""


def upgrade() -> None:
    op.execute(_AUDIT)
