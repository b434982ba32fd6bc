"""APIs, clients with their secrets and grants, signing keys.

Names are unqualified: the transaction's search_path is the tenant's schema.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE api (
  identifier text PRIMARY KEY,
  name text NOT NULL,
  scopes jsonb NOT NULL,
  token_lifetime integer NOT NULL CHECK (token_lifetime BETWEEN 60 AND 86400),
  algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'RS256', 'EdDSA')),
  profile text NOT NULL CHECK (profile IN ('at+jwt', 'JWT')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE client (
  client_id text PRIMARY KEY,
  name text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  default_api text REFERENCES api (identifier),
  serves text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE client_secret (
  digest bytea PRIMARY KEY,
  client_id text NOT NULL REFERENCES client (client_id) ON DELETE CASCADE,
  pepper_id text NOT NULL,
  last_four text NOT NULL,
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_client_secret_client_id ON client_secret (client_id);

CREATE TABLE client_grant (
  client_id text NOT NULL REFERENCES client (client_id) ON DELETE CASCADE,
  api text NOT NULL REFERENCES api (identifier),
  scopes text[] NOT NULL,
  PRIMARY KEY (client_id, api)
);
CREATE INDEX ix_client_grant_api ON client_grant (api);

CREATE TABLE signing_key (
  kid text PRIMARY KEY,
  algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'RS256', 'EdDSA')),
  state text NOT NULL CHECK (state IN ('next', 'current', 'retired')),
  jwk jsonb NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  current_at timestamptz,
  retired_at timestamptz
);
-- at most one key of an algorithm signs, and at most one waits to
CREATE UNIQUE INDEX ix_signing_key_one_in_state ON signing_key (algorithm, state)
  WHERE state <> 'retired';
"""


def upgrade() -> None:
    op.execute(_TABLES)
