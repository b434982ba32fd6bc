"""What an account may use: its plan, its overage, and the limits it has by contract."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Accounts from before are only watched: nobody who works today is refused by an upgrade.
_PLANS = """
ALTER TABLE control.account
  ADD COLUMN plan text NOT NULL DEFAULT 'sandbox'
    CHECK (plan IN ('sandbox', 'starter', 'growth', 'scale', 'business', 'operator')),
  ADD COLUMN overage_cap integer CHECK (overage_cap > 0),
  ADD COLUMN enforcement text NOT NULL DEFAULT 'enforce'
    CHECK (enforcement IN ('enforce', 'observe')),
  ADD COLUMN custom_rate integer CHECK (custom_rate > 0),
  ADD COLUMN custom_burst integer CHECK (custom_burst > 0),
  ADD COLUMN custom_tokens bigint CHECK (custom_tokens > 0),
  ADD COLUMN limits_version bigint NOT NULL DEFAULT 0,
  ADD COLUMN limits_due boolean NOT NULL DEFAULT false,
  ADD CHECK ((custom_rate IS NULL) = (custom_burst IS NULL));
UPDATE control.account
  SET enforcement = 'observe', limits_version = 1, limits_due = true WHERE id <> 'operator';
UPDATE control.account SET plan = 'operator' WHERE id = 'operator';
CREATE INDEX ix_account_limits_due ON control.account (id) WHERE limits_due;
ALTER TABLE control.issuer_snapshot ADD COLUMN limits_version bigint NOT NULL DEFAULT 0;
"""

# Once each for an account and month, by whichever worker is the first to see it.
_THRESHOLDS = """
CREATE TABLE ledger.quota_threshold (
  account text NOT NULL,
  month text NOT NULL,
  percent integer NOT NULL,
  reached_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, month, percent)
);
ALTER TABLE ledger.quota_threshold ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger.quota_threshold FORCE ROW LEVEL SECURITY;
CREATE POLICY reach ON ledger.quota_threshold FOR ALL TO "{data}" USING (true) WITH CHECK (true);
CREATE POLICY show ON ledger.quota_threshold FOR SELECT TO "{control}" USING (true);
GRANT SELECT, INSERT ON ledger.quota_threshold TO "{data}";
GRANT SELECT ON ledger.quota_threshold TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_PLANS, _THRESHOLDS):
        run_statements(bind, statements.format(**roles))
