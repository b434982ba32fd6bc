"""What support looks at of Stripe's events, of what is billed, and of the background work."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# An event names its customer somewhere in its body; those that are kept already are read once.
_PAYMENTS = """
ALTER TABLE control.stripe_event
  ADD COLUMN customer_id text,
  ADD COLUMN fetched boolean NOT NULL DEFAULT false,
  ADD COLUMN tries integer NOT NULL DEFAULT 0,
  ADD COLUMN error text,
  ADD COLUMN replay_asked_at timestamptz,
  ADD COLUMN ignored_at timestamptz,
  ADD COLUMN ignored_by text,
  ADD COLUMN ignored_reason text;
UPDATE control.stripe_event SET customer_id = coalesce(
  substring(body FROM '"customer"\\s*:\\s*"(cus_[A-Za-z0-9_]+)"'),
  substring(body FROM '"id"\\s*:\\s*"(cus_[A-Za-z0-9_]+)"')
);
CREATE INDEX ix_stripe_event_received_at ON control.stripe_event (received_at, id);
CREATE INDEX ix_stripe_event_customer_id ON control.stripe_event (customer_id, received_at);

CREATE TABLE control.reconciliation (
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  ours bigint NOT NULL,
  metered bigint NOT NULL,
  invoiced bigint,
  drift double precision NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (account_id, starts_at)
);
CREATE INDEX ix_reconciliation_starts_at ON control.reconciliation (starts_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.reconciliation TO "{control}";
"""

_JOBS = """
CREATE TABLE control.letter (
  job_id bigint PRIMARY KEY,
  kind text NOT NULL,
  domain text NOT NULL,
  queued_at timestamptz NOT NULL,
  sent_at timestamptz
);
CREATE INDEX ix_letter_queued_at ON control.letter (queued_at);

CREATE TABLE control.job_error (
  job_id bigint PRIMARY KEY,
  error text NOT NULL,
  at timestamptz NOT NULL
);

CREATE TABLE control.periodic_run (
  name text PRIMARY KEY,
  every integer NOT NULL,
  ran_at timestamptz NOT NULL,
  well_at timestamptz,
  outcome text NOT NULL,
  error text
);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.letter, control.job_error, control.periodic_run
  TO "{control}";
"""

# What support may look at and mark; the arguments of a job, which hold the links of letters, are
# none of it. The work itself is done by the jobs.
_SUPPORT = """
GRANT SELECT ON control.reconciliation, control.letter, control.job_error, control.periodic_run
  TO "{support}";
GRANT UPDATE (handled_at, outcome, error, replay_asked_at, ignored_at, ignored_by, ignored_reason)
  ON control.stripe_event TO "{support}";

GRANT USAGE ON SCHEMA jobs TO "{support}";
GRANT SELECT (id, queue_name, task_name, status, scheduled_at, attempts)
  ON jobs.procrastinate_jobs TO "{support}";
GRANT SELECT ON jobs.procrastinate_events TO "{support}";

INSERT INTO control.support_task VALUES
  ('take_stripe_event', 'billing'),
  ('fetch_missing_stripe_events', 'billing'),
  ('reconcile_billing', 'billing');

CREATE FUNCTION control.support_retry(of_queue text, of_job bigint) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH retried AS (
    UPDATE jobs.procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL
    WHERE (status IN ('failed', 'aborted') OR (status = 'todo' AND scheduled_at > now()))
      AND queue_name = of_queue AND (of_job IS NULL OR id = of_job)
    RETURNING id
  )
  SELECT count(*)::integer FROM retried
$$;
REVOKE ALL ON FUNCTION control.support_retry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.support_retry TO "{support}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_PAYMENTS, _JOBS, _SUPPORT):
        run_statements(bind, statements.format(**roles))
