"""What the support login sees of a tenant: by columns wherever a row holds a secret."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Without a per cent sign, which rendering would double.
_SEEN = """
DO $$
DECLARE
  support text := quote_ident(
    (SELECT role_name FROM control.login_role WHERE purpose = 'support'));
BEGIN
  EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' TO ' || support;
  EXECUTE 'GRANT SELECT ON api, client, client_grant, audit_event TO ' || support;
  EXECUTE 'GRANT SELECT (client_id, last_four, expires_at, created_at, name, created_by,'
    || ' former_expiry, replaced_by) ON client_secret TO ' || support;
  EXECUTE 'GRANT SELECT (kid, algorithm, state, jwk, created_at, current_at, retired_at, signs_at)'
    || ' ON signing_key TO ' || support;
END $$;
"""


def upgrade() -> None:
    op.execute(_SEEN)
