"""Billing: who an account is at Stripe, what Stripe told us and what we told it."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BILLING = """
CREATE TABLE control.billing_customer (
  account_id text PRIMARY KEY REFERENCES control.account (id) ON DELETE CASCADE,
  customer_id text NOT NULL UNIQUE,
  given_plan text
    CHECK (given_plan IN ('sandbox', 'starter', 'growth', 'scale', 'business')),
  changes bigint NOT NULL DEFAULT 0,
  trialed_at timestamptz,
  refreshed_at timestamptz
);

CREATE TABLE control.subscription (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  status text NOT NULL,
  plan text CHECK (plan IN ('starter', 'growth', 'scale', 'business')),
  interval text CHECK (interval IN ('monthly', 'yearly')),
  created_at timestamptz NOT NULL,
  period_start timestamptz,
  period_end timestamptz,
  cancel_at_period_end boolean NOT NULL,
  scheduled_plan text,
  scheduled_interval text,
  trial_end timestamptz,
  past_due_since timestamptz
);
CREATE INDEX ix_subscription_account_id ON control.subscription (account_id);

CREATE TABLE control.invoice (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  number text,
  status text NOT NULL,
  currency text NOT NULL,
  total bigint NOT NULL,
  amount_due bigint NOT NULL,
  created_at timestamptz NOT NULL,
  period_start timestamptz NOT NULL,
  period_end timestamptz NOT NULL,
  hosted_url text,
  pdf_url text,
  attempts integer NOT NULL,
  next_attempt_at timestamptz
);
CREATE INDEX ix_invoice_account_id ON control.invoice (account_id, created_at);

CREATE TABLE control.checkout_session (
  id text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL
);
CREATE INDEX ix_checkout_session_account_id ON control.checkout_session (account_id);

CREATE TABLE control.stripe_event (
  id text PRIMARY KEY,
  type text NOT NULL,
  livemode boolean NOT NULL,
  body text NOT NULL,
  received_at timestamptz NOT NULL,
  handled_at timestamptz,
  outcome text
);
CREATE INDEX ix_stripe_event_unhandled ON control.stripe_event (received_at)
  WHERE handled_at IS NULL;

CREATE TABLE control.metered_month (
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  month text NOT NULL,
  counted bigint NOT NULL,
  included bigint,
  PRIMARY KEY (account_id, month)
);

CREATE TABLE control.metered_usage (
  identifier text PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  at timestamptz NOT NULL,
  tokens bigint NOT NULL CHECK (tokens > 0),
  sent_at timestamptz
);
CREATE INDEX ix_metered_usage_account_id ON control.metered_usage (account_id, at);
CREATE INDEX ix_metered_usage_unsent ON control.metered_usage (at) WHERE sent_at IS NULL;

CREATE TABLE control.billing_notice (
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  about text NOT NULL,
  queued_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, about)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.billing_customer, control.subscription,
  control.invoice, control.checkout_session, control.stripe_event, control.metered_month,
  control.metered_usage, control.billing_notice TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _BILLING.format(**roles))
