"""Our own staff, and the login of the support app with what it may see and do (decision 0023)."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_PURPOSES = """
ALTER TABLE control.login_role DROP CONSTRAINT login_role_purpose_check,
  ADD CHECK (purpose IN ('control', 'data', 'tenants', 'support'));
"""

_STAFF = """
CREATE TABLE control.staff (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('reader', 'agent', 'billing', 'lead')),
  password_hash text,
  totp_sealed bytea,
  totp_last_step bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  signed_in_at timestamptz,
  disabled_at timestamptz,
  CHECK ((password_hash IS NULL) = (totp_sealed IS NULL))
);

CREATE TABLE control.staff_passkey (
  credential_id bytea PRIMARY KEY,
  staff_id text NOT NULL REFERENCES control.staff (id) ON DELETE CASCADE,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz
);
CREATE INDEX ix_staff_passkey_staff_id ON control.staff_passkey (staff_id);

CREATE TABLE control.staff_link (
  digest bytea PRIMARY KEY,
  staff_id text NOT NULL REFERENCES control.staff (id) ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);
CREATE INDEX ix_staff_link_staff_id ON control.staff_link (staff_id);

CREATE TABLE control.staff_session (
  digest bytea PRIMARY KEY,
  public_id text NOT NULL UNIQUE,
  kind text NOT NULL CHECK (kind IN ('half', 'staff')),
  staff_id text NOT NULL REFERENCES control.staff (id) ON DELETE CASCADE,
  address text NOT NULL,
  agent text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  stepped_up_at timestamptz,
  ends_at timestamptz NOT NULL
);
CREATE INDEX ix_staff_session_staff_id ON control.staff_session (staff_id);
CREATE INDEX ix_staff_session_ends_at ON control.staff_session (ends_at);

CREATE TABLE control.support_grant (
  id text PRIMARY KEY,
  staff_id text NOT NULL REFERENCES control.staff (id) ON DELETE CASCADE,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  reason text NOT NULL CHECK (reason <> ''),
  ticket text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  ends_at timestamptz NOT NULL CHECK (ends_at <= created_at + interval '60 minutes'),
  ended_at timestamptz
);
CREATE INDEX ix_support_grant_staff_id ON control.support_grant (staff_id, account_id);
CREATE INDEX ix_support_grant_account_id ON control.support_grant (account_id);

CREATE TABLE control.staff_event (
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

CREATE TABLE control.support_task (
  task text PRIMARY KEY,
  queue text NOT NULL
);

-- Staff are made, changed and disabled by commands, as the control login.
GRANT SELECT, INSERT, UPDATE ON control.staff TO "{control}";
GRANT SELECT, DELETE ON control.staff_passkey TO "{control}";
GRANT SELECT, INSERT, DELETE ON control.staff_link, control.staff_session TO "{control}";
GRANT SELECT, UPDATE (ended_at) ON control.support_grant TO "{control}";
GRANT SELECT, INSERT ON control.staff_event TO "{control}";
"""

# The app itself changes how somebody signs in, and nothing of what they may do.
_OWN = """
GRANT CONNECT ON DATABASE "{database}" TO "{support}";
GRANT USAGE ON SCHEMA control, ledger TO "{support}";
GRANT SELECT ON control.alembic_version TO "{support}";

GRANT SELECT, UPDATE (password_hash, totp_sealed, totp_last_step, signed_in_at)
  ON control.staff TO "{support}";
GRANT SELECT, INSERT, UPDATE (sign_count, used_at) ON control.staff_passkey TO "{support}";
GRANT SELECT, DELETE ON control.staff_link TO "{support}";
GRANT SELECT, INSERT, UPDATE (seen_at), DELETE ON control.staff_session TO "{support}";
GRANT SELECT, INSERT, UPDATE (ended_at) ON control.support_grant TO "{support}";
GRANT SELECT, INSERT ON control.staff_event TO "{support}";
GRANT SELECT, INSERT, UPDATE, DELETE ON control.attempt TO "{support}";

-- It records in the accounts' chains and in the staff's; the tenants' are none of its own.
GRANT SELECT, INSERT ON control.account_event TO "{support}";
GRANT SELECT, INSERT, UPDATE ON control.audit_head TO "{support}";
GRANT SELECT ON control.audit_floor TO "{support}";
ALTER TABLE control.audit_head ENABLE ROW LEVEL SECURITY;
CREATE POLICY keep ON control.audit_head FOR ALL TO "{control}" USING (true) WITH CHECK (true);
CREATE POLICY see ON control.audit_head FOR SELECT TO "{support}" USING (true);
CREATE POLICY add ON control.audit_head FOR INSERT TO "{support}"
  WITH CHECK (chain LIKE 'account:%' OR chain = 'staff:staff');
CREATE POLICY move ON control.audit_head FOR UPDATE TO "{support}"
  USING (chain LIKE 'account:%' OR chain = 'staff:staff')
  WITH CHECK (chain LIKE 'account:%' OR chain = 'staff:staff');
"""

# What support is to see, by columns wherever a row holds a secret. The two marks of an account say
# that the jobs are to publish its limits; to lock its row, as recording does, takes the right too.
_SEEN = """
GRANT SELECT ON control.account, control.tenant, control.member, control.billing_customer,
  control.subscription, control.invoice, control.checkout_session, control.stripe_event,
  control.metered_month, control.metered_usage, control.billing_notice TO "{support}";
GRANT UPDATE (limits_version, limits_due) ON control.account TO "{support}";
GRANT SELECT (id, email, verified_at, created_at, signed_in_at) ON control.person TO "{support}";
GRANT SELECT (account_id, email, role, created_at, expires_at)
  ON control.invitation TO "{support}";
GRANT SELECT (tenant_id, slug, version, limits_version) ON control.issuer_snapshot TO "{support}";

-- Whether somebody proves who they are by more than a password: told without showing the proof.
CREATE FUNCTION control.has_second_factor(of_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM control.person WHERE id = of_person AND totp_sealed IS NOT NULL)
      OR EXISTS (SELECT FROM control.passkey WHERE person_id = of_person)
$$;
REVOKE ALL ON FUNCTION control.has_second_factor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.has_second_factor TO "{support}";

-- A job that does with more rights what support asked for: one of the list, in the transaction
-- that records why.
CREATE FUNCTION control.support_defer(task text, args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  queue text := (SELECT s.queue FROM control.support_task s WHERE s.task = support_defer.task);
BEGIN
  IF queue IS NULL THEN
    RAISE EXCEPTION 'support does not ask for this';
  END IF;
  PERFORM jobs.procrastinate_defer_jobs_v1(ARRAY[
    ROW(queue, task, 0, NULL, NULL, args, NULL)
  ]::jobs.procrastinate_job_to_defer_v1[]);
END $$;
REVOKE ALL ON FUNCTION control.support_defer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.support_defer TO "{support}";
"""

# Of the ledger one tenant at a time, which the transaction names: a mistake in a query shows
# nothing of another. Counts of accounts hold nothing but counts.
_LEDGER = """
CREATE FUNCTION ledger.supported_tenant() RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT current_setting('support.tenant', true) $$;

CREATE POLICY support ON ledger.issued FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.refused FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.revocation FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.usage FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.usage_day FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.usage_day_all FOR SELECT TO "{support}"
  USING (tenant = ledger.supported_tenant());
CREATE POLICY support ON ledger.account_month FOR SELECT TO "{support}" USING (true);
CREATE POLICY support ON ledger.quota_threshold FOR SELECT TO "{support}" USING (true);
GRANT SELECT ON ledger.issued, ledger.refused, ledger.revocation, ledger.usage, ledger.usage_day,
  ledger.usage_day_all, ledger.rolled_up, ledger.account_month, ledger.quota_threshold
  TO "{support}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    database = str(bind.scalar(text("SELECT current_database()")))
    support = f"{database}_support"
    _create_login(support)
    run_statements(bind, _PURPOSES)
    bind.execute(
        text("INSERT INTO control.login_role VALUES ('support', :name)"), {"name": support}
    )
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    names = {row.purpose: row.role_name for row in rows} | {"database": database}
    for statements in (_STAFF, _OWN, _SEEN, _LEDGER):
        run_statements(bind, statements.format(**names))


def _create_login(name: str) -> None:
    """Create it unless it is there; two databases of one cluster may be made at once."""
    op.execute(
        f"""
        DO $$ BEGIN
          CREATE ROLE "{name}" LOGIN NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
