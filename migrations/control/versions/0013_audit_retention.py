"""Letting old events of the audit log go, and anchoring the heads of its chains."""

from alembic import op
from sqlalchemy import text

from migrations.script import run_statements

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# The login may still take no event away: the function does, and none of the last two days, which
# is less than any plan keeps. A tenant's log takes deletions from nobody but in this function.
_RETENTION = """
ALTER TABLE control.audit_head ADD COLUMN anchored_seq bigint NOT NULL DEFAULT 0;

CREATE TABLE control.audit_floor (
  chain text PRIMARY KEY,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  digest bytea NOT NULL,
  signature bytea NOT NULL,
  key_id text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON control.audit_floor TO "{control}";

CREATE FUNCTION control.forget_events(kind text, id text, until bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  young timestamptz := now() - interval '2 days';
  forgotten bigint;
BEGIN
  IF kind = 'account' THEN
    DELETE FROM control.account_event e
      WHERE e.account_id = forget_events.id AND e.seq <= until AND e.at < young;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
  END IF;
  IF kind <> 'tenant' OR id !~ '^[a-z2-7]{{13}}$' THEN
    RAISE EXCEPTION 'not a chain';
  END IF;
  EXECUTE format('GRANT DELETE ON %I.audit_event TO %I', 't_' || id, current_user);
  EXECUTE format('DELETE FROM %I.audit_event WHERE seq <= $1 AND at < $2', 't_' || id)
    USING until, young;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  EXECUTE format('REVOKE DELETE ON %I.audit_event FROM %I', 't_' || id, current_user);
  RETURN forgotten;
END $$;
REVOKE ALL ON FUNCTION control.forget_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.forget_events TO "{control}";
"""


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(text("SELECT purpose, role_name FROM control.login_role"))
    roles = {row.purpose: row.role_name for row in rows}
    run_statements(bind, _RETENTION.format(**roles))
