"""How a client proves itself, what its tokens carry, and who its secrets belong to."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_METHODS = """
ALTER TABLE client
  ADD COLUMN auth_method text NOT NULL DEFAULT 'client_secret'
    CHECK (auth_method IN ('client_secret', 'private_key_jwt', 'workload_identity')),
  ADD COLUMN jwks jsonb,
  ADD COLUMN jwks_uri text,
  ADD COLUMN legacy_assertions boolean NOT NULL DEFAULT false,
  ADD COLUMN dpop text NOT NULL DEFAULT 'optional'
    CHECK (dpop IN ('optional', 'required', 'nonce_required')),
  ADD COLUMN claims jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN workloads jsonb NOT NULL DEFAULT '[]',
  ADD CHECK ((auth_method = 'private_key_jwt') = (num_nonnulls(jwks, jwks_uri) = 1)
             AND num_nonnulls(jwks, jwks_uri) < 2);
CREATE INDEX ix_client_workloads ON client USING gin (workloads jsonb_path_ops);

ALTER TABLE client_secret
  ADD COLUMN name text,
  ADD COLUMN created_by text NOT NULL DEFAULT 'operator',
  ADD COLUMN former_expiry timestamptz,
  ADD COLUMN replaced_by text;
UPDATE client_secret SET name = 'secret-' || numbered.number
FROM (SELECT digest, row_number() OVER (PARTITION BY client_id ORDER BY created_at) AS number
      FROM client_secret) numbered
WHERE numbered.digest = client_secret.digest;
ALTER TABLE client_secret
  ALTER COLUMN name SET NOT NULL,
  ALTER COLUMN created_by DROP DEFAULT;
DROP INDEX ix_client_secret_client_id;
CREATE UNIQUE INDEX ix_client_secret_name ON client_secret (client_id, name);
"""


def upgrade() -> None:
    op.execute(_METHODS)
