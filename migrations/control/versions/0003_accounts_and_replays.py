"""Accounts, what may be presented once, and when a client's secret was last used."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Tenants from before belong to the account of whoever runs the installation.
_ACCOUNTS = """
CREATE TABLE control.account (
  id text PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO control.account (id, name) VALUES ('operator', 'Operator of this installation');
ALTER TABLE control.tenant
  ADD COLUMN account_id text NOT NULL DEFAULT 'operator' REFERENCES control.account (id);
CREATE INDEX ix_tenant_account_id ON control.tenant (account_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.account TO "{control}";
"""

# Both are the data plane's to write, for all tenants by one statement.
_ONCE_AND_LAST = """
CREATE TABLE ledger.replay (
  tenant text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, digest)
);
CREATE INDEX ix_replay_expires_at ON ledger.replay (expires_at);

CREATE TABLE ledger.secret_use (
  tenant text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  used_at timestamptz NOT NULL,
  address text NOT NULL,
  PRIMARY KEY (tenant, digest)
);

ALTER TABLE ledger.replay ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.replay FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger.secret_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.secret_use FORCE ROW LEVEL SECURITY;
CREATE POLICY spend ON ledger.replay FOR ALL TO "{data}" USING (true) WITH CHECK (true);
CREATE POLICY note ON ledger.secret_use FOR ALL TO "{data}" USING (true) WITH CHECK (true);
CREATE POLICY own ON ledger.secret_use FOR ALL TO "{tenants}"
  USING (tenant = ledger.current_tenant()) WITH CHECK (false);
GRANT SELECT, INSERT, DELETE ON ledger.replay TO "{data}";
GRANT SELECT, INSERT, UPDATE ON ledger.secret_use TO "{data}";
GRANT SELECT, DELETE ON ledger.secret_use TO "{tenants}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_ACCOUNTS, _ONCE_AND_LAST):
        run_statements(bind, statements.format(**roles))
