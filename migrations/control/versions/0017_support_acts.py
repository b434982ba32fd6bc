"""What support does to a customer: overrides, suspensions, read-only views, deletions by two."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SUPPORT_ACTS = """
ALTER TABLE control.account
  ADD COLUMN overrides jsonb NOT NULL DEFAULT '{{}}',
  ADD COLUMN suspended text CHECK (suspended IN ('console', 'tokens', 'full'));

CREATE TABLE control.limit_override (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  field text NOT NULL CHECK (field IN
    ('rate', 'tokens', 'live_tenants', 'test_tenants', 'clients', 'apis', 'members')),
  value bigint NOT NULL CHECK (value >= 0),
  burst bigint CHECK (burst > 0),
  reason text NOT NULL CHECK (reason <> ''),
  ticket text NOT NULL,
  staff_id text NOT NULL,
  staff_email text NOT NULL,
  created_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK ((burst IS NOT NULL) = (field = 'rate'))
);
CREATE UNIQUE INDEX ix_limit_override_live ON control.limit_override (account_id, field)
  WHERE ended_at IS NULL;
CREATE INDEX ix_limit_override_account_id ON control.limit_override (account_id, created_at);
CREATE INDEX ix_limit_override_ends_at ON control.limit_override (ends_at)
  WHERE ended_at IS NULL;

CREATE TABLE control.suspension (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('console', 'tokens', 'full')),
  reason text NOT NULL CHECK (reason <> ''),
  ticket text NOT NULL,
  staff_id text NOT NULL,
  staff_email text NOT NULL,
  created_at timestamptz NOT NULL,
  lifted_at timestamptz,
  lifted_by text,
  lifted_for text
);
CREATE UNIQUE INDEX ix_suspension_live ON control.suspension (account_id)
  WHERE lifted_at IS NULL;
CREATE INDEX ix_suspension_account_id ON control.suspension (account_id, created_at);

CREATE TABLE control.support_view (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  grant_id text NOT NULL,
  staff_id text NOT NULL,
  staff_email text NOT NULL,
  staff_session text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  ticket text NOT NULL,
  handover_digest bytea NOT NULL UNIQUE,
  handover_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  session_digest bytea UNIQUE,
  ended_at timestamptz
);
CREATE INDEX ix_support_view_account_id ON control.support_view (account_id, created_at);
CREATE INDEX ix_support_view_ends_at ON control.support_view (ends_at);

CREATE TABLE control.deletion_request (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  tenant_id text NOT NULL,
  slug text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  ticket text NOT NULL,
  asked_by text NOT NULL,
  asked_email text NOT NULL,
  asked_at timestamptz NOT NULL,
  approved boolean,
  decided_by text,
  decided_email text,
  decided_for text,
  decided_at timestamptz,
  outcome text,
  -- whatever the code does: nobody approves what they have asked for
  CHECK (approved IS NOT TRUE OR decided_by <> asked_by),
  CHECK ((approved IS NULL) = (decided_by IS NULL)),
  CHECK ((approved IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX ix_deletion_request_open ON control.deletion_request (tenant_id)
  WHERE decided_at IS NULL;
CREATE INDEX ix_deletion_request_account_id ON control.deletion_request (account_id, asked_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.limit_override, control.suspension,
  control.support_view, control.deletion_request TO "{control}";
GRANT SELECT, INSERT ON control.limit_override, control.suspension, control.deletion_request
  TO "{support}";
GRANT UPDATE (ends_at, ended_at) ON control.limit_override TO "{support}";
GRANT UPDATE (lifted_at, lifted_by, lifted_for) ON control.suspension TO "{support}";
GRANT UPDATE (approved, decided_by, decided_email, decided_for, decided_at)
  ON control.deletion_request TO "{support}";
GRANT INSERT, UPDATE (ended_at), SELECT (id, account_id, grant_id, staff_id, staff_email,
  staff_session, reason, ticket, created_at, ends_at, ended_at)
  ON control.support_view TO "{support}";
-- a view is a use of the session that it was begun from
GRANT UPDATE (seen_at) ON control.staff_session TO "{control}";
GRANT UPDATE (overrides, suspended) ON control.account TO "{support}";

INSERT INTO control.support_task (task, queue) VALUES
  ('publish_limits', 'support'), ('delete_tenant', 'support');
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _SUPPORT_ACTS.format(**roles))
