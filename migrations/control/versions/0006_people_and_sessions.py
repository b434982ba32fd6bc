"""People who sign in to the console, their sessions, and the queue of background work."""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from migrations.script import run_statements

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PEOPLE = """
CREATE TABLE control.person (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password_hash text,
  verified_at timestamptz,
  totp_sealed bytea,
  totp_last_step bigint NOT NULL DEFAULT 0,
  recovery_digests jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL DEFAULT now(),
  signed_in_at timestamptz
);

CREATE TABLE control.passkey (
  credential_id bytea PRIMARY KEY,
  person_id text NOT NULL REFERENCES control.person (id) ON DELETE CASCADE,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz
);
CREATE INDEX ix_passkey_person_id ON control.passkey (person_id);

CREATE TABLE control.member (
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  person_id text NOT NULL REFERENCES control.person (id) ON DELETE CASCADE,
  role text NOT NULL
    CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'read_only')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, person_id)
);
CREATE INDEX ix_member_person_id ON control.member (person_id);

CREATE TABLE control.invitation (
  digest bytea PRIMARY KEY,
  account_id text NOT NULL REFERENCES control.account (id) ON DELETE CASCADE,
  email text NOT NULL,
  role text NOT NULL
    CHECK (role IN ('owner', 'admin', 'developer', 'billing', 'read_only')),
  invited_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ix_invitation_account_email ON control.invitation (account_id, email);

-- A link that was mailed: good once, for one purpose.
CREATE TABLE control.mailed_link (
  digest bytea PRIMARY KEY,
  person_id text NOT NULL REFERENCES control.person (id) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('verify', 'reset')),
  expires_at timestamptz NOT NULL
);
CREATE INDEX ix_mailed_link_person_id ON control.mailed_link (person_id);

CREATE TABLE control.session (
  digest bytea PRIMARY KEY,
  public_id text NOT NULL UNIQUE,
  kind text NOT NULL CHECK (kind IN ('console', 'remembered', 'half', 'staff')),
  person_id text NOT NULL REFERENCES control.person (id) ON DELETE CASCADE,
  account_id text REFERENCES control.account (id) ON DELETE CASCADE,
  address text NOT NULL,
  agent text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  stepped_up_at timestamptz,
  ends_at timestamptz NOT NULL
);
CREATE INDEX ix_session_person_id ON control.session (person_id);
CREATE INDEX ix_session_account_id ON control.session (account_id);
CREATE INDEX ix_session_ends_at ON control.session (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.person, control.passkey, control.member,
  control.invitation, control.mailed_link, control.session TO "{control}";
"""


# procrastinate's tables name no schema, so its functions look in this one, whoever calls them.
_QUEUE_PATHS = """
DO $$
DECLARE
  each regprocedure;
BEGIN
  FOR each IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = jobs', each);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA jobs TO "{control}";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO "{control}";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    run_statements(bind, "CREATE SCHEMA jobs; SET LOCAL search_path = jobs;")
    run_statements(bind, SchemaManager.get_schema())
    run_statements(bind, "SET LOCAL search_path = DEFAULT;")
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    for statements in (_PEOPLE, _QUEUE_PATHS):
        run_statements(bind, statements.format(**roles))
